"""Crystals: H(k) against its definition, known dispersions, and folding into supercells."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.crystal import Crystal, LatticeMatrix
from tests.tasks.hamiltonian.tight_binding import (
    HOPPING,
    OVERLAP,
    chain,
    graphene,
    graphene_energies,
    pair_list,
    random_crystal,
)

seeds = st.integers(0, 2**32 - 1)
wave_vectors = st.tuples(*[st.floats(-1, 1)] * 3)


def test_a_chain_has_its_cosine_band() -> None:
    k = np.zeros((50, 3))
    k[:, 0] = np.linspace(-0.5, 0.5, 50)
    cosine = 2 * np.cos(2 * np.pi * k[:, 0])
    expected = HOPPING * cosine / (1 + OVERLAP * cosine)
    np.testing.assert_allclose(chain().energies(k)[:, 0], expected, atol=1e-14)


def test_graphene_has_its_two_bands_and_they_touch_at_k() -> None:
    k = np.random.default_rng(1).uniform(-1, 1, (50, 3))
    np.testing.assert_allclose(graphene().energies(k), graphene_energies(k), atol=1e-13)
    np.testing.assert_allclose(graphene().energies([1 / 3, 1 / 3, 0]), 0, atol=1e-14)


@given(seeds, wave_vectors)
def test_matrices_are_hermitian_and_periodic_and_real_at_minus_k(
    seed: int, k: tuple[float, float, float]
) -> None:
    crystal, _ = random_crystal(seed)
    points = np.array([k, np.add(k, (1, -2, 3)), np.negative(k)])
    here, next_zone, opposite = crystal.hamiltonian.dense(points)
    np.testing.assert_array_equal(here.shape, (crystal.size,) * 2)
    np.testing.assert_allclose(here, here.conj().T, atol=1e-14)
    np.testing.assert_allclose(next_zone, here, atol=1e-12)
    np.testing.assert_allclose(opposite, here.conj(), atol=1e-14)


@given(seeds, wave_vectors)
def test_sparse_and_dense_are_the_sum_over_cells(seed: int, k: tuple[float, float, float]) -> None:
    matrix = random_crystal(seed)[0].hamiltonian
    expected = np.zeros((matrix.size, matrix.size), dtype=complex)
    for cell, row, column, value in zip(
        matrix.cell, matrix.row, matrix.column, matrix.value, strict=True
    ):
        expected[row, column] += np.exp(2j * np.pi * matrix.translations[cell] @ k) * value
    np.testing.assert_allclose(matrix.dense(k)[0], expected, atol=1e-13)
    np.testing.assert_allclose(matrix.sparse(k).toarray(), expected, atol=1e-13)


@given(seeds, wave_vectors)
def test_either_direction_of_a_pair_may_be_stored(seed: int, k: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(seed)
    pairs = pair_list([(0, 0, (0, 0, 0)), (1, 1, (0, 0, 0)), (0, 1, (1, 0, 0)), (0, 0, (0, 1, 0))])
    turned = pair_list(
        [(0, 0, (0, 0, 0)), (1, 1, (0, 0, 0)), (1, 0, (-1, 0, 0)), (0, 0, (0, -1, 0))]
    )
    orbitals = np.array([2, 3])
    blocks = rng.normal(size=(4, 3, 3))
    blocks[:2] += blocks[:2].swapaxes(1, 2)
    there = blocks.copy()
    there[2:] = blocks[2:].swapaxes(1, 2)
    one = LatticeMatrix.from_pairs(pairs, blocks, orbitals).dense(k)
    other = LatticeMatrix.from_pairs(turned, there, orbitals).dense(k)
    np.testing.assert_allclose(one, other, atol=1e-14)


@given(seeds, wave_vectors, st.tuples(*[st.integers(1, 3)] * 3))
def test_bands_of_a_supercell_are_the_folded_bands(
    seed: int, k: tuple[float, float, float], repeats: tuple[int, int, int]
) -> None:
    crystal, _ = random_crystal(seed, atoms=2, widest=2)
    folded = [(np.array(k) + shift) / repeats for shift in product(*(range(n) for n in repeats))]
    expected = np.sort(crystal.energies(np.array(folded)).ravel())
    found = crystal.repeated(repeats).energies(k)[0]
    np.testing.assert_allclose(found, expected, atol=1e-11)


def test_the_chain_of_two_cells_shows_the_band_twice() -> None:
    primitive, double = chain(), chain().repeated((2, 1, 1))
    k = np.array([[0.13, 0, 0]])
    expected = np.sort(
        [primitive.energies(k / 2)[0, 0], primitive.energies(k / 2 + [[0.5, 0, 0]])[0, 0]]
    )
    np.testing.assert_allclose(double.energies(k)[0], expected, atol=1e-14)


def test_padding_of_smaller_atoms_does_not_matter() -> None:
    pairs = pair_list([(0, 0, (0, 0, 0)), (1, 1, (0, 0, 0)), (0, 1, (0, 0, 0))])
    blocks = np.zeros((3, 2, 2))
    blocks[:, 0, 0] = 1, 2, 3
    blocks[1] = [[2, 5], [5, 7]]
    blocks[2] = [[3, 4], [0, 0]]
    clean = LatticeMatrix.from_pairs(pairs, blocks, np.array([1, 2]))
    assert clean.size == 3
    dirty = blocks.copy()
    dirty[0, 1, 1] = dirty[2, 1, 0] = 99
    again = LatticeMatrix.from_pairs(pairs, dirty, np.array([1, 2]))
    np.testing.assert_array_equal(again.dense([0, 0, 0]), clean.dense([0, 0, 0]))
    np.testing.assert_array_equal(clean.dense([0, 0, 0])[0], [[1, 3, 4], [3, 2, 5], [4, 5, 7]])


def test_pairs_stored_twice_are_refused() -> None:
    pairs = pair_list([(0, 1, (1, 0, 0)), (1, 0, (-1, 0, 0))])
    with pytest.raises(DataError, match="stored twice"):
        LatticeMatrix.from_pairs(pairs, np.zeros((2, 1, 1)), np.ones(2, dtype=int))


@pytest.mark.parametrize(
    ("rows", "blocks", "said"),
    [
        ([(0, 0, (0, 0, 0))], np.array([[[0, 1.0], [0, 0]]]), "hermitian"),
        ([(0, 0, (0, 0, 0))], np.full((1, 2, 2), np.nan), "NaN"),
        ([(0, 0, (0, 0, 0))], np.zeros((1, 1, 1)), "do not fit blocks"),
        ([(0, 0, (0, 0, 0))], np.zeros((2, 2, 2)), "do not fit blocks"),
        ([(0, 7, (0, 0, 0))], np.zeros((1, 2, 2)), "atoms 0 to 7"),
    ],
)
def test_blocks_that_make_no_matrix_are_refused(
    rows: list[tuple[int, int, tuple[int, int, int]]], blocks: np.ndarray, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        LatticeMatrix.from_pairs(pair_list(rows), blocks, np.array([2]))


def test_a_molecule_is_no_crystal() -> None:
    matrix = chain().hamiltonian
    with pytest.raises(DataError, match="no periodic cell"):
        Crystal(np.zeros((3, 3)), matrix, matrix)


def test_an_overlap_that_is_too_large_is_refused() -> None:
    with pytest.raises(DataError, match="not positive definite"):
        chain(overlap=0.6).energies([0.5, 0, 0])
