"""Levels of molecules: the generalised eigenproblem against SciPy, PySCF and exact facts."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.spectrum import aufbau, eigenstates, eigenvalues, spectrum

seeds = st.integers(0, 2**32 - 1)


def random_pencil(seed: int, size: int, complex_: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (2, size, size)
    a, b = rng.normal(size=shape) + (1j * rng.normal(size=shape) if complex_ else 0)
    return a + a.conj().T, b @ b.conj().T + size * np.eye(size)


@given(seeds, st.integers(1, 12), st.booleans())
def test_energies_are_those_of_an_independent_solver(seed: int, size: int, complex_: bool) -> None:
    h, s = random_pencil(seed, size, complex_)
    reference = scipy.linalg.eigh(h, s, eigvals_only=True)
    np.testing.assert_allclose(eigenvalues(h, s), reference, atol=1e-12)


@given(seeds, st.integers(1, 12), st.booleans())
def test_states_are_orthonormal_and_solve_the_problem(seed: int, size: int, complex_: bool) -> None:
    h, s = random_pencil(seed, size, complex_)
    energies, c = eigenstates(h, s)
    np.testing.assert_allclose(c.conj().T @ s @ c, np.eye(size), atol=1e-12)
    np.testing.assert_allclose(h @ c, s @ c * energies, atol=1e-11)


@given(seeds, st.integers(2, 8), st.data())
def test_the_density_counts_electrons_and_carries_the_band_energy(
    seed: int, size: int, data: st.DataObject
) -> None:
    electrons = data.draw(st.integers(1, 2 * size - 1))
    h, s = random_pencil(seed, size, complex_=True)
    levels = spectrum(h, s, electrons)
    assert np.trace(levels.density @ s).real == pytest.approx(electrons)
    assert np.trace(levels.density @ h).real == pytest.approx(levels.occupied_energy)


@given(seeds, st.integers(1, 5))
def test_a_batch_gives_what_its_members_give(seed: int, count: int) -> None:
    pencils = [random_pencil(seed + index, 6, complex_=False) for index in range(count)]
    h, s = (np.stack(parts) for parts in zip(*pencils, strict=True))
    batch = spectrum(h, s, 5)
    single = [spectrum(*pencil, 5) for pencil in pencils]
    np.testing.assert_allclose(batch.energies, [one.energies for one in single], atol=1e-12)
    np.testing.assert_allclose(batch.gap, [one.gap for one in single], atol=1e-12)
    assert batch.occupied_energies.shape == (count, 3)


@given(st.integers(1, 20), st.data())
def test_levels_fill_from_below(orbitals: int, data: st.DataObject) -> None:
    electrons = data.draw(st.integers(1, 2 * orbitals))
    occupations = aufbau(orbitals, electrons)
    assert occupations.sum() == electrons
    assert (np.diff(occupations) <= 0).all()
    assert set(occupations[: electrons // 2]) <= {2.0}


def test_the_gap_of_two_levels_is_their_distance() -> None:
    levels = spectrum(np.diag([-1.0, 0.5, 3.0]), np.eye(3), 4)
    assert [float(x) for x in (levels.homo, levels.lumo, levels.gap)] == [0.5, 3.0, 2.5]
    assert levels.occupied_energy == -1.0


@pytest.mark.parametrize("electrons", [0, -2, 7])
def test_electrons_that_do_not_fit_are_refused(electrons: int) -> None:
    with pytest.raises(DataError, match="do not fit into 3 orbitals"):
        spectrum(np.eye(3), np.eye(3), electrons)


def test_full_levels_have_no_lumo() -> None:
    with pytest.raises(DataError, match="no LUMO"):
        _ = spectrum(np.eye(2), np.eye(2), 4).gap


def test_an_indefinite_overlap_is_named_with_its_lowest_eigenvalue() -> None:
    with pytest.raises(DataError, match=r"not positive definite: its lowest eigenvalue is -0\.2"):
        spectrum(np.eye(2), np.array([[1, 1.2], [1.2, 1]]), 2)


@pytest.mark.parametrize(
    ("h", "s", "said"),
    [
        (np.eye(2), np.eye(3), "both must be"),
        (np.ones((2, 3)), np.ones((2, 3)), "both must be"),
        (np.full((2, 2), np.nan), np.eye(2), "NaN"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(h: np.ndarray, s: np.ndarray, said: str) -> None:
    with pytest.raises(DataError, match=said):
        eigenvalues(h, s)
