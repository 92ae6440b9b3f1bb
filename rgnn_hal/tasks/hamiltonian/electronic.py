"""The electronic structure of one crystal: bands, Fermi level and density of states together.

Small crystals are diagonalised on the grid and on the path. Beyond `DENSE_LIMIT` orbitals the Fermi
level comes from counting and only the bands around it are found, without a density of states.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.bands import DENSE_LIMIT, BandPath, Bands, bands, bands_near
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.filling import (
    HARTREE_EV,
    FermiDirac,
    Gaussian,
    Smearing,
    WaveVectors,
    density_of_states,
    electron_count,
    fermi_level,
)
from rgnn_hal.tasks.hamiltonian.spectrum import SPIN

ROOM = FermiDirac(300.0)
_RESOLUTION = Gaussian(0.1 / HARTREE_EV)
"""Of the density of states."""
_DOS_POINTS = 1000


@dataclass(frozen=True)
class ElectronicStructure:
    """What a plot of bands shows; hartree."""

    bands: Bands
    fermi_level: float
    electrons: float
    """Per cell, in the bands."""
    dos_energy: NDArray[np.float64]
    """(points,); empty where the crystal was too large."""
    dos: NDArray[np.float64]
    """(points,), states per hartree and cell, both spins."""

    @property
    def levels(self) -> NDArray[np.float64]:
        """Bands from the Fermi level, (points, bands), hartree."""
        return self.bands.energies - self.fermi_level

    @property
    def gap(self) -> float | None:
        """Conduction minus valence band edge on the path, negative where they overlap, hartree.

        None where the electrons do not fill whole bands, or the edges are not among the bands.
        """
        filled = round(self.electrons / SPIN) - self.bands.first
        whole = abs(self.electrons / SPIN - round(self.electrons / SPIN)) < 1e-6
        if not whole or not 0 < filled < self.bands.energies.shape[1]:
            return None
        edges = self.bands.energies[:, filled - 1].max(), self.bands.energies[:, filled].min()
        return float(edges[1] - edges[0])


@dataclass(frozen=True)
class BandErrors:
    """Differences of bands, each counted from its own Fermi level, hartree."""

    mean: float
    largest: float
    bands: int
    """Valence bands and the first conduction band, as far as both sides have them."""


def electronic_structure(
    crystal: Crystal,
    path: BandPath,
    grid: WaveVectors,
    electrons: float,
    *,
    smearing: Smearing = ROOM,
    guess: float = 0.0,
    count: int = 40,
) -> ElectronicStructure:
    """Bands along `path`, Fermi level and density of states on `grid`.

    Args:
        crystal: H and S.
        path: of the bands.
        grid: that samples the zone.
        electrons: per cell.
        smearing: of the Fermi level; large crystals are filled without.
        guess: of the Fermi level, hartree; matters for large crystals' speed only.
        count: bands around the Fermi level that are found in large crystals.

    Raises:
        DataError: electrons that do not fit, an overlap that is not positive definite.
    """
    if crystal.size > DENSE_LIMIT:
        from rgnn_hal.tasks.hamiltonian.slicing import fermi_level_by_counting

        level = fermi_level_by_counting(crystal, grid, electrons, guess)
        nothing = np.zeros(0)
        strip = bands_near(crystal, path, level, count)
        return ElectronicStructure(strip, level, electrons, nothing, nothing)
    energies = crystal.energies(grid.points)
    level = fermi_level(energies, grid.weights, electrons, smearing)
    whole = bands(crystal, path)
    margin = 5 * _RESOLUTION.width
    axis = np.linspace(energies.min() - margin, energies.max() + margin, _DOS_POINTS)
    density = density_of_states(energies, grid.weights, axis, _RESOLUTION)
    return ElectronicStructure(whole, level, electrons, axis, density)


def count_electrons(
    crystal: Crystal, grid: WaveVectors, chemical_potential: float, smearing: Smearing = ROOM
) -> int:
    """Electrons per cell of a calculation that reports its chemical potential, hartree.

    Raises:
        DataError: the count is no integer, so that grid or temperature are not the calculation's.
    """
    energies = crystal.energies(grid.points)
    count = electron_count(energies, grid.weights, chemical_potential, smearing)
    if abs(count - round(count)) > 0.01:
        raise DataError(
            f"{count:.3f} electrons lie below the chemical potential {chemical_potential:g} "
            "hartree, which is no whole number; give the number of electrons yourself"
        )
    return round(count)


def valence_electrons(numbers: Iterable[int]) -> int:
    """Electrons outside the cores that OpenMX's pseudopotentials replace, of neutral atoms.

    The outermost s and p electrons of H, He and the p block down to Ar (vps_pao2013 says so).

    Raises:
        DataError: another element, whose pseudopotential may count semicore electrons too.
    """
    total = 0
    for number in numbers:
        core = next((core for core in (10, 2, 0) if number > core), 0)
        if number not in (1, 2) and not 3 <= number - core <= 8:
            raise DataError(
                f"how many electrons of {chemical_symbols[number]} the basis describes depends on "
                "its pseudopotential; give --electrons or a --reference"
            )
        total += int(number) - core
    return total


def band_errors(found: ElectronicStructure, reference: ElectronicStructure) -> BandErrors:
    """Differences over the valence bands and the first conduction band, on the same path.

    Raises:
        DataError: other paths, or no band in common.
    """
    ours, theirs = found.bands.path, reference.bands.path
    # Equal fractions of other cells are other wave vectors, which the distance tells apart.
    if ours.points.shape != theirs.points.shape or not (
        np.allclose(ours.points, theirs.points) and np.allclose(ours.distance, theirs.distance)
    ):
        raise DataError("the bands run along different paths; compare along one")
    pieces = (found, reference)
    first = max(piece.bands.first for piece in pieces)
    last = min(piece.bands.first + piece.bands.energies.shape[1] for piece in pieces)
    stop = min(last, int(reference.electrons // SPIN) + 1)
    if stop <= first:
        raise DataError("the two band structures have no valence band in common")
    a, b = (
        piece.levels[:, first - piece.bands.first : stop - piece.bands.first] for piece in pieces
    )
    difference = np.abs(a - b)
    return BandErrors(float(difference.mean()), float(difference.max()), stop - first)
