"""Bands along paths, dense and by shift-invert, and counting by inertia."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.bands import band_path, bands, bands_near
from rgnn_hal.tasks.hamiltonian.filling import fermi_level, wave_vector_grid
from rgnn_hal.tasks.hamiltonian.slicing import (
    energies_near,
    fermi_level_by_counting,
    states_below,
)
from tests.tasks.hamiltonian.tight_binding import (
    chain,
    graphene,
    graphene_energies,
    random_crystal,
)

wave_vectors = st.tuples(*[st.floats(-1, 1)] * 3)


def test_a_path_runs_through_the_points_of_its_lattice() -> None:
    crystal = graphene()
    path = band_path(crystal.lattice, "GKMG", 61)
    assert [name for _, name in path.ticks] == ["G", "K", "M", "G"]
    # |GK| = 4 pi / 3a, |KM| = 2 pi / 3a, |MG| = 2 pi / (sqrt(3) a).
    expected = np.cumsum([0, 4 / 3, 2 / 3, 2 / np.sqrt(3)]) * np.pi / 2.46
    np.testing.assert_allclose([at for at, _ in path.ticks], expected, rtol=1e-6)
    assert (np.diff(path.distance) >= 0).all()
    assert len(path.points) == pytest.approx(61, abs=3)


def test_bands_of_graphene_touch_at_k_and_nowhere_else() -> None:
    crystal = graphene()
    found = bands(crystal, band_path(crystal.lattice, "GKMG", 91))
    np.testing.assert_allclose(found.energies, graphene_energies(found.path.points), atol=1e-12)
    gap = np.diff(found.energies, axis=1)[:, 0]
    (at_k,) = (at for at, name in found.path.ticks if name == "K")
    assert found.path.distance[gap.argmin()] == pytest.approx(at_k)
    assert gap.min() < 1e-9


def test_faces_have_names_in_every_lattice() -> None:
    path = band_path(graphene().lattice, "GXMG", 30)
    assert len(path.ticks) == 4


def test_a_path_may_jump() -> None:
    path = band_path(np.eye(3), "GX,MG", 40)
    assert [name for _, name in path.ticks] == ["G", "X", "M", "G"]


@pytest.mark.parametrize("labels", ["GQ", "", "G", "?", "G K", "G,K", "12"])
def test_unknown_paths_are_refused_with_the_points_there_are(labels: str) -> None:
    with pytest.raises(DataError, match="whose points are A, G, H, K, L, M"):
        band_path(graphene().lattice, labels)


def test_a_molecule_has_no_path() -> None:
    with pytest.raises(DataError, match="no periodic cell"):
        band_path(np.zeros((3, 3)), "GX")


@settings(max_examples=20)
@given(st.integers(0, 999), wave_vectors, st.floats(0.05, 0.95), st.integers(2, 6))
def test_energies_near_one_are_those_of_the_whole_with_their_indices(
    seed: int, k: tuple[float, float, float], where: float, count: int
) -> None:
    crystal = random_crystal(seed)[0].repeated((2, 1, 1))
    whole = crystal.energies(k)[0]
    energy = float(np.quantile(whole, where)) + 1e-4
    assert states_below(crystal, k, energy) == np.count_nonzero(whole < energy)
    count = min(count, crystal.size - 2)
    piece = energies_near(crystal, k, energy, count)
    expected = whole[piece.first : piece.first + count]
    np.testing.assert_allclose(piece.energies, expected, atol=1e-9)
    nearest = np.sort(np.abs(whole - energy))[:count]
    np.testing.assert_allclose(np.sort(np.abs(piece.energies - energy)), nearest, atol=1e-9)


def test_counting_works_on_an_energy_itself() -> None:
    # At Gamma a chain of four cells has the energy 0 twice.
    crystal = chain(overlap=0.0).repeated((4, 1, 1))
    assert states_below(crystal, (0, 0, 0), 0.0) in (1, 3)


@pytest.mark.parametrize("guess", [-3.0, -0.05, 0.0, 0.2])
def test_the_fermi_level_by_counting_is_that_of_all_energies(guess: float) -> None:
    crystal = graphene().repeated((4, 4, 1))
    grid = wave_vector_grid((2, 2, 1))
    expected = fermi_level(crystal.energies(grid.points), grid.weights, 32)
    found = fermi_level_by_counting(crystal, grid, 32, guess, count=8)
    assert found == pytest.approx(expected, abs=1e-9)


def test_bands_near_the_fermi_level_are_a_strip_of_all_bands() -> None:
    crystal = graphene().repeated((3, 3, 1))
    path = band_path(crystal.lattice, "GKM", 12)
    strip, whole = bands_near(crystal, path, 0.001, 6), bands(crystal, path)
    stop = strip.first + strip.energies.shape[1]
    np.testing.assert_allclose(strip.energies, whole.energies[:, strip.first : stop], atol=1e-9)
    assert strip.first <= 8 < stop


def test_more_energies_than_there_are_cannot_be_found_one_by_one() -> None:
    with pytest.raises(DataError, match="ask for at most 0"):
        energies_near(graphene(), (0, 0, 0), 0.0, 2)


def test_an_indefinite_overlap_is_refused_by_slicing_too() -> None:
    crystal = chain(overlap=0.6).repeated((6, 1, 1))
    with pytest.raises(DataError, match="not positive definite"):
        energies_near(crystal, (0, 0, 0), -0.02, 2)
