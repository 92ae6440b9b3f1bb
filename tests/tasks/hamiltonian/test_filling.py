"""Filling of bands: counts that must come out, and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.filling import (
    BOLTZMANN,
    FermiDirac,
    Gaussian,
    Smearing,
    density_of_states,
    electron_count,
    fermi_level,
    grid_of_spacing,
    wave_vector_grid,
)
from tests.tasks.hamiltonian.tight_binding import HOPPING, chain, graphene, random_crystal

smearings = st.one_of(st.floats(50, 5000).map(FermiDirac), st.floats(1e-4, 0.05).map(Gaussian))


@given(st.integers(0, 999), smearings, st.floats(0.1, 0.9))
def test_the_fermi_level_holds_the_electrons(
    seed: int, smearing: Smearing, fraction: float
) -> None:
    crystal, _ = random_crystal(seed)
    grid = wave_vector_grid((3, 2, 2))
    energies = crystal.energies(grid.points)
    electrons = fraction * 2 * crystal.size
    level = fermi_level(energies, grid.weights, electrons, smearing)
    count = electron_count(energies, grid.weights, level, smearing)
    assert count == pytest.approx(electrons, abs=1e-8)


@given(st.integers(0, 999), smearings)
def test_the_density_of_states_integrates_to_the_electrons(seed: int, smearing: Smearing) -> None:
    crystal, _ = random_crystal(seed, atoms=2, widest=2)
    grid = wave_vector_grid((2, 2, 1))
    energies = crystal.energies(grid.points)
    level = float(np.median(energies))
    axis = np.arange(energies.min() - 40 * smearing.width, level, smearing.width / 10)
    axis = np.append(axis, level)
    density = density_of_states(energies, grid.weights, axis, smearing)
    # Below the level, smeared states hold what the smeared filling counts.
    expected = electron_count(energies, grid.weights, level, smearing)
    assert trapezoid(density, axis) == pytest.approx(expected, abs=1e-2)


def test_without_smearing_the_level_lies_in_the_middle_of_the_gap() -> None:
    energies = np.array([[-1.0, 0.0, 2.0], [-0.5, 0.5, 1.5]])
    weights = np.array([0.25, 0.75])
    assert fermi_level(energies, weights, 4) == pytest.approx(1.0)
    assert fermi_level(energies, weights, 2) == pytest.approx(-0.25)


def test_without_smearing_a_metal_s_level_is_a_state() -> None:
    energies = np.array([[-1.0, 0.0], [-0.5, 0.5]])
    assert fermi_level(energies, np.array([0.5, 0.5]), 1.5) == -0.5


def test_half_a_chain_is_filled_to_the_middle_of_its_band() -> None:
    grid = wave_vector_grid((100, 1, 1))
    energies = chain(overlap=0.0).energies(grid.points)
    level = fermi_level(energies, grid.weights, 1.0, FermiDirac(300))
    assert level == pytest.approx(0.0, abs=1e-3)


def test_undoped_graphene_is_filled_to_the_dirac_point() -> None:
    grid = wave_vector_grid((12, 12, 1))
    energies = graphene(overlap=0.0).energies(grid.points)
    for smearing in (None, FermiDirac(300), Gaussian(0.01)):
        # In a gap the level is where two tails of 1e-10 electrons balance: known less sharply.
        level = fermi_level(energies, grid.weights, 2.0, smearing)
        assert level == pytest.approx(0.0, abs=1e-4)


def test_the_density_of_states_of_a_chain_is_the_textbook_s() -> None:
    # D(E) = 2 / (pi sqrt(4 t^2 - E^2)) for both spins.
    grid = wave_vector_grid((2001, 1, 1))
    energies = chain(overlap=0.0).energies(grid.points)
    axis = np.linspace(1.5 * HOPPING, -1.5 * HOPPING, 7)
    density = density_of_states(energies, grid.weights, axis, Gaussian(1e-3))
    expected = 2 / (np.pi * np.sqrt(4 * HOPPING**2 - axis**2))
    np.testing.assert_allclose(density, expected, rtol=1e-3)


@pytest.mark.parametrize("smearing", [FermiDirac(1000.0), Gaussian(0.003)])
def test_a_smearing_s_density_is_minus_its_derivative(smearing: Smearing) -> None:
    energy, step = np.linspace(-0.02, 0.02, 41), 1e-7
    slope = smearing.occupation(energy + step) - smearing.occupation(energy - step)
    np.testing.assert_allclose(smearing.density(energy), -slope / (2 * step), rtol=1e-5, atol=1e-5)


def test_boltzmann_s_constant_is_in_hartree() -> None:
    assert pytest.approx(0.025852 / 27.211386, rel=1e-4) == 300 * BOLTZMANN


@given(st.tuples(*[st.integers(1, 5)] * 3))
def test_a_grid_is_the_whole_zone_folded_onto_half(divisions: tuple[int, int, int]) -> None:
    grid = wave_vector_grid(divisions)
    assert grid.weights.sum() == pytest.approx(1.0)
    full = np.concatenate([grid.points, -grid.points])
    share = np.concatenate([grid.weights, grid.weights]) / 2
    # A function of period one that no point's opposite shares: a grid integrates it exactly.
    for wave in ((1, 0, 0), (0, 2, 1), (1, 1, 1)):
        turns = np.array(wave) % np.array(divisions)
        mean = share @ np.exp(2j * np.pi * full @ wave)
        assert abs(mean) == pytest.approx(0.0 if turns.any() else 1.0, abs=1e-12)
    half = np.prod(divisions) // 2 + np.prod(divisions) % 2
    assert len(grid.points) == half


def test_a_spacing_gives_finer_grids_where_cells_are_short() -> None:
    grid = grid_of_spacing(np.diag([2.0, 4.0, 40.0]), spacing=0.5)
    assert len(np.unique(np.abs(grid.points[:, 2]))) == 1
    # 2 pi / 2 / 0.5 = 6.3 and 2 pi / 4 / 0.5 = 3.1, rounded up.
    assert len(grid.points) == 7 * 4 // 2
    flat = grid_of_spacing(np.diag([2.0, 4.0, 4.0]), 0.5, periodic=(True, True, False))
    assert len(flat.points) == 7 * 4 // 2


@pytest.mark.parametrize("electrons", [0.0, -1.0, 4.0, 5.0])
def test_electrons_beyond_the_bands_have_no_level(electrons: float) -> None:
    with pytest.raises(DataError, match="no Fermi level"):
        fermi_level(np.zeros((1, 2)), np.ones(1), electrons)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_widths_are_positive(bad: float) -> None:
    with pytest.raises(DataError, match="positive"):
        FermiDirac(bad)
    with pytest.raises(DataError, match="positive"):
        Gaussian(bad)
    with pytest.raises(DataError, match="positive"):
        grid_of_spacing(np.eye(3), bad)


def test_an_empty_grid_is_refused() -> None:
    with pytest.raises(DataError, match="empty"):
        wave_vector_grid((2, 0, 1))
