"""What comes out of the DFT matrices is what the DFT codes themselves said, and graphene."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.constants import physical_constants

from rgnn_hal.tasks.hamiltonian.bands import band_path, bands
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
from rgnn_hal.tasks.hamiltonian.filling import (
    HARTREE_EV,
    FermiDirac,
    Gaussian,
    density_of_states,
    electron_count,
    fermi_level,
    wave_vector_grid,
)
from rgnn_hal.tasks.hamiltonian.slicing import energies_near, fermi_level_by_counting
from rgnn_hal.tasks.hamiltonian.spectrum import spectrum
from tests.tasks.hamiltonian.averaging import averaged_graphene

ROOM = FermiDirac(300)
"""The electronic temperature of the graphene data."""


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(__file__).parents[3].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the reference data are not at {folder}")
    return folder


@pytest.mark.parametrize(
    ("name", "electrons", "tolerance"),
    # Ethanol's matrices were rounded to 1.2e-10 after its energies were found.
    [("water", 10, 1e-8), ("ethanol", 26, 1e-7)],
)
def test_levels_of_molecules_are_those_of_pyscf(
    data: Path, name: str, electrons: int, tolerance: float
) -> None:
    with h5py.File(data / "molecules" / f"{name}.h5") as file:
        frames = slice(0, 400, 10)
        levels = spectrum(file["H"][frames], file["S"][frames], electrons)
        np.testing.assert_allclose(levels.energies, file["mo_energy"][frames], atol=tolerance)
        np.testing.assert_array_equal(levels.occupations, file["mo_occ"][0])
    assert (levels.gap > 0.1).all()


@pytest.mark.parametrize("name", ["s2p1", "s2p2d1"])
def test_electrons_and_chemical_potential_of_graphene_are_those_of_openmx(
    data: Path, name: str
) -> None:
    with HamiltonianFile(data / "graphene" / f"graphene_4x4_{name}.h5") as file:
        grid = wave_vector_grid(file.k_grid)
        for index in (0, len(file) - 1):
            frame = file.frame(index)
            potential = frame.chemical_potential
            assert potential is not None
            energies = Crystal.from_frame(frame, file.basis).energies(grid.points)
            count = electron_count(energies, grid.weights, potential, ROOM)
            # Four valence electrons of each of 32 atoms.
            assert count == pytest.approx(128, abs=1e-4)
            level = fermi_level(energies, grid.weights, 128, ROOM)
            assert level * HARTREE_EV == pytest.approx(potential * HARTREE_EV, abs=2e-4)


def test_graphene_without_its_motion_has_a_dirac_point_at_k(data: Path) -> None:
    with HamiltonianFile(data / "graphene" / "graphene_4x4_s2p2d1.h5") as file:
        crystal = averaged_graphene(file, frames=12)
    path = band_path(crystal.lattice, "GKMG", 91)
    energies = bands(crystal, path).energies * HARTREE_EV
    gap = energies[:, 4] - energies[:, 3]
    at = {name: distance for distance, name in path.ticks[1:]}
    assert path.distance[gap.argmin()] == pytest.approx(at["K"])
    # Twelve frames average the symmetry that closes the gap to 8 meV.
    assert gap.min() < 0.02
    # Published: 4 eV between pi and pi* at M, valence band 19 to 20 eV deep (PBE).
    assert gap[np.argmin(np.abs(path.distance - at["M"]))] == pytest.approx(4.0, abs=0.2)
    grid = wave_vector_grid((24, 24, 1))
    level = fermi_level(crystal.energies(grid.points), grid.weights, 8, ROOM) * HARTREE_EV
    assert level == pytest.approx(energies[gap.argmin(), 3], abs=0.02)
    assert level - energies.min() == pytest.approx(19.5, abs=0.7)


def test_electrons_at_the_dirac_point_move_at_graphene_s_fermi_velocity(data: Path) -> None:
    with HamiltonianFile(data / "graphene" / "graphene_4x4_s2p2d1.h5") as file:
        crystal = averaged_graphene(file, frames=12)
    step = np.array([0.02, 0.02, 0])
    energies = crystal.energies(np.array([1 / 3, 1 / 3, 0]) + step)[0] * HARTREE_EV
    length = np.linalg.norm(2 * np.pi * np.linalg.inv(crystal.lattice) @ step)
    planck = physical_constants["reduced Planck constant in eV s"][0]
    velocity = 0.5 * (energies[4] - energies[3]) / (length * 1e10) / planck
    # PBE: 0.8 to 0.85e6 m/s.
    assert velocity == pytest.approx(0.82e6, rel=0.06)


def test_a_supercell_of_averaged_graphene_folds_the_dirac_point(data: Path) -> None:
    with HamiltonianFile(data / "graphene" / "graphene_4x4_s2p1.h5") as file:
        crystal = averaged_graphene(file, frames=6)
    # Three cells fold both valleys onto Gamma, four fold K onto K and K' onto K'.
    for repeats, k, valleys in ((3, (0, 0, 0), 2), (4, (1 / 3, 1 / 3, 0), 1)):
        large = crystal.repeated((repeats, repeats, 1))
        dirac = crystal.energies([1 / 3, 1 / 3, 0])[0, 3:5]
        found = energies_near(large, k, float(dirac.mean()), 2 * valleys)
        assert found.first == 4 * repeats**2 - valleys
        np.testing.assert_allclose(found.energies, np.repeat(dirac, valleys), atol=1e-9)


def test_the_density_of_states_of_a_frame_integrates_to_its_electrons(data: Path) -> None:
    with HamiltonianFile(data / "graphene" / "graphene_4x4_s2p1.h5") as file:
        crystal = Crystal.from_frame(file.frame(3), file.basis)
    grid, smearing = wave_vector_grid((2, 2, 1)), Gaussian(0.005)
    energies = crystal.energies(grid.points)
    level = fermi_level(energies, grid.weights, 128, smearing)
    axis = np.linspace(energies.min() - 0.05, level, 4000)
    density = density_of_states(energies, grid.weights, axis, smearing)
    assert np.trapezoid(density, axis) == pytest.approx(128, abs=1e-2)


def test_counting_finds_the_fermi_level_of_a_frame(data: Path) -> None:
    with HamiltonianFile(data / "graphene" / "graphene_4x4_s2p1.h5") as file:
        crystal = Crystal.from_frame(file.frame(3), file.basis)
    grid = wave_vector_grid((2, 2, 1))
    expected = fermi_level(crystal.energies(grid.points), grid.weights, 128)
    assert fermi_level_by_counting(crystal, grid, 128, guess=0.1) == pytest.approx(expected)
