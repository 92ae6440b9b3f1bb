"""Conventions of orbitals against the codes that use them, and blocks against rotations."""

import ase
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rgnn_hal.macro import DataError
from rgnn_hal.structures import spherical_harmonics
from rgnn_hal.tasks.hamiltonian import Convention, OrbitalBasis, PairList
from rgnn_hal.tasks.hamiltonian.blocks import BlockTensors, GroupKey, orient
from rgnn_hal.tasks.hamiltonian.orbitals import (
    magnetic_order,
    shells_from_degrees,
    shells_from_label,
)

SHELLS = {1: (0, 0, 1), 6: (0, 0, 1, 1, 2), 8: (0, 1, 2, 3)}
CONVENTIONS = st.sampled_from(list(Convention))


@given(convention=CONVENTIONS, number=st.sampled_from(sorted(SHELLS)))
def test_standard_order_and_back_is_the_identity(convention: Convention, number: int) -> None:
    basis = OrbitalBasis(SHELLS, convention)
    stored = np.arange(basis.size(number))
    there = stored[basis.to_standard(number)]
    np.testing.assert_array_equal(there[basis.from_standard(number)], stored)


@pytest.mark.parametrize(
    ("convention", "formulae"),
    [
        (Convention.PYSCF, ["x", "y", "z", "x*y", "y*z", "3*z*z-r2", "x*z", "x*x-y*y"]),
        (Convention.OPENMX, ["x", "y", "z", "3*z*z-r2", "x*x-y*y", "x*y", "x*z", "y*z"]),
    ],
)
def test_stored_orbitals_are_the_polynomials_of_their_names(
    convention: Convention, formulae: list[str]
) -> None:
    basis = OrbitalBasis({6: (1, 2)}, convention)
    points = np.random.default_rng(0).standard_normal((40, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    x, y, z = points.T
    values, _ = spherical_harmonics(torch.from_numpy(points), 2)
    stored = values[:, 1:].numpy()[:, basis.from_standard(6)]
    polynomials = {
        **{"x": x, "y": y, "z": z, "x*y": x * y, "y*z": y * z, "x*z": x * z},
        **{"3*z*z-r2": 3 * z * z - 1, "x*x-y*y": x * x - y * y},
    }
    for column, formula in zip(stored.T, formulae, strict=True):
        ratio = column @ polynomials[formula] / (polynomials[formula] @ polynomials[formula])
        assert ratio > 0
        np.testing.assert_allclose(column, ratio * polynomials[formula], atol=1e-12)


def test_pyscf_orders_its_orbitals_as_written_here() -> None:
    gto = pytest.importorskip("pyscf.gto")
    mol = gto.M(atom="O 0 0 0; O 0 0 1.2", basis="def2-tzvp", verbose=0)
    names = {
        **{(0, 0): "", (1, 1): "x", (1, -1): "y", (1, 0): "z"},
        **{(2, -2): "xy", (2, -1): "yz", (2, 0): "z^2", (2, 1): "xz", (2, 2): "x2-y2"},
    }
    seen = {"".join(filter(str.isalpha, label[2][1:])): label[3] for label in mol.ao_labels(None)}
    assert set(seen) == {"s", "p", "d", "f"}
    for degree, letter in enumerate("spd"):
        stored = [label[3] for label in mol.ao_labels(None) if label[2][-1] == letter]
        expected = [names[degree, m] for m in magnetic_order(Convention.PYSCF, degree)]
        assert stored[: len(expected)] == expected


@settings(max_examples=8)
@given(
    convention=CONVENTIONS,
    first=st.sampled_from(sorted(SHELLS)),
    second=st.sampled_from(sorted(SHELLS)),
    seed=st.integers(0, 99),
)
def test_blocks_to_tensors_and_back_is_the_identity(
    convention: Convention, first: int, second: int, seed: int
) -> None:
    first, second = sorted((first, second))
    basis = OrbitalBasis(SHELLS, convention)
    tensors = BlockTensors(GroupKey(first, second, False), basis)
    blocks = np.random.default_rng(seed).standard_normal((3, *tensors.shape))
    kinds = {kind: tensors.tensors(blocks, kind) for kind in tensors.transforms}
    np.testing.assert_allclose(tensors.blocks(kinds, 3), blocks, atol=1e-12)
    site = BlockTensors(GroupKey(first, first, True), basis)
    square = np.random.default_rng(seed).standard_normal((3, *site.shape))
    square = square + square.transpose(0, 2, 1)
    kinds = {kind: site.tensors(square, kind) for kind in site.transforms}
    np.testing.assert_allclose(site.blocks(kinds, 3), square, atol=1e-12)


@settings(max_examples=6)
@given(seed=st.integers(0, 99), convention=CONVENTIONS, inversion=st.booleans())
def test_tensors_turn_like_their_degree_and_parity(
    seed: int, convention: Convention, inversion: bool
) -> None:
    basis = OrbitalBasis(SHELLS, convention)
    tensors = BlockTensors(GroupKey(6, 8, False), basis)
    block = np.random.default_rng(seed).standard_normal((1, *tensors.shape))
    rotation = Rotation.random(random_state=seed).as_matrix()
    left, right = (orbital_rotation(basis, z, rotation, inversion) for z in (6, 8))
    turned = left @ block[0] @ right.T
    for kind in tensors.transforms:
        degree, parity = kind
        expected = wigner(degree, rotation) @ tensors.tensors(block, kind)[0]
        sign = (-1) ** (degree + parity) if inversion else 1
        np.testing.assert_allclose(
            tensors.tensors(turned[None], kind)[0], sign * expected, atol=1e-10
        )


def test_equal_elements_are_read_from_both_ends_and_others_from_the_lighter() -> None:
    numbers = np.array([8, 1, 1])
    first, second = np.triu_indices(3)
    groups = orient(numbers, PairList(first, second, np.zeros((6, 3), dtype=np.int64)))
    assert list(groups) == [
        GroupKey(1, 1, False),
        GroupKey(1, 1, True),
        GroupKey(1, 8, False),
        GroupKey(8, 8, True),
    ]
    assert groups[GroupKey(1, 1, False)].first.tolist() == [1, 2]
    assert groups[GroupKey(1, 8, False)].first.tolist() == [1, 2]
    assert groups[GroupKey(1, 8, False)].flipped.all()
    atoms = ase.Atoms(numbers, positions=np.diag([1.0, 2.0, 3.0]))
    pairs = PairList(first, second, np.zeros((6, 3), dtype=np.int64))
    vectors = groups[GroupKey(1, 8, False)].vectors(pairs.displacement(atoms))
    np.testing.assert_allclose(vectors, atoms.positions[0] - atoms.positions[1:])


@pytest.mark.parametrize("degrees", [[0, 1, 1], [1, 1, 0], [2, 2, 2, 2, 1]])
def test_shells_that_are_cut_off_are_refused(degrees: list[int]) -> None:
    with pytest.raises(DataError, match="shell of l ="):
        shells_from_degrees(degrees)


def test_words_for_a_basis_are_read_or_refused() -> None:
    assert shells_from_label("s2p2d1") == (0, 0, 1, 1, 2)
    for label in ("", "2s", "s2x1", "s"):
        with pytest.raises(DataError, match="not understood"):
            shells_from_label(label)


def test_orders_and_elements_that_nobody_described_are_refused() -> None:
    with pytest.raises(DataError, match="OpenMX"):
        magnetic_order(Convention.OPENMX, 4)
    with pytest.raises(DataError, match="no orbitals for Au"):
        OrbitalBasis(SHELLS, Convention.PYSCF).size(79)


def wigner(degree: int, rotation: np.ndarray) -> np.ndarray:
    """D with Y(R x) = D Y(x), from values at random points."""
    points = np.random.default_rng(1).standard_normal((60, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    lm = slice(degree**2, (degree + 1) ** 2)
    before, after = (
        spherical_harmonics(torch.from_numpy(at), degree)[0][:, lm].numpy()
        for at in (points, points @ rotation.T)
    )
    return np.asarray(np.linalg.lstsq(before, after, rcond=None)[0].T)


def orbital_rotation(
    basis: OrbitalBasis, number: int, rotation: np.ndarray, inversion: bool
) -> np.ndarray:
    """What turning space does to an atom's stored orbitals."""
    turned = np.zeros((basis.size(number),) * 2)
    for degree, shell in zip(basis.of(number), basis.shell_slices(number), strict=True):
        sign = (-1) ** degree if inversion else 1
        turned[shell, shell] = sign * wigner(degree, rotation)
    back = basis.from_standard(number)
    return np.asarray(turned[np.ix_(back, back)])
