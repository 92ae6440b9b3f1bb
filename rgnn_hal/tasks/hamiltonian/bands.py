"""Bands: energies along a path through the Brillouin zone.

Paths are named by high-symmetry points in ASE's notation for the crystal's Bravais lattice: "GKMG"
in a hexagonal cell, "GXMG" in a square one, commas where the path jumps (Setyawan and Curtarolo,
Comput. Mater. Sci. 49, 299). X, Y and Z are the middles of the zone's faces along the reciprocal
vectors wherever the lattice has no points of those names. Small crystals are diagonalised whole,
large ones near one energy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase.cell import Cell
from ase.dft.kpoints import parse_path_string
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.slicing import energies_near

DENSE_LIMIT = 1000
"""Orbitals up to which a whole diagonalisation is faster than energies one by one."""
_FACES = {"X": (0.5, 0.0, 0.0), "Y": (0.0, 0.5, 0.0), "Z": (0.0, 0.0, 0.5)}


@dataclass(frozen=True)
class BandPath:
    """Wave vectors along straight pieces between points of high symmetry."""

    points: NDArray[np.float64]
    """(points, 3), fractions of the reciprocal vectors."""
    distance: NDArray[np.float64]
    """(points,), along the path, 1/angstrom, 2 pi included."""
    ticks: tuple[tuple[float, str], ...]
    """Distance and name of the points of high symmetry."""


@dataclass(frozen=True)
class Bands:
    """Energies along a path."""

    path: BandPath
    energies: NDArray[np.float64]
    """(points, bands), hartree, ascending."""
    first: int
    """Index of the lowest band here, from 0."""


def band_path(
    lattice: ArrayLike,
    labels: str,
    count: int = 120,
    periodic: tuple[bool, bool, bool] = (True, True, True),
) -> BandPath:
    """A path of about `count` wave vectors, e.g. through "GKMG", for lattice vectors as rows.

    Raises:
        DataError: no cell, or a label that its Bravais lattice has not.
    """
    cell = Cell(np.asarray(lattice, dtype=np.float64))
    if cell.rank < 3:
        raise DataError("there is no periodic cell, and without one no path through k")
    named = cell.bandpath("", npoints=0, pbc=periodic).special_points
    special = _FACES | named
    stations = _stations(
        labels, special, cell.get_bravais_lattice(pbc=periodic).longname, sorted(named)
    )
    path = cell.bandpath(labels, npoints=count, special_points=special, pbc=periodic)
    distance, ticks, _ = path.get_linear_kpoint_axis()
    return BandPath(
        points=np.asarray(path.kpts),
        distance=np.asarray(distance),
        ticks=tuple(zip(ticks.tolist(), stations, strict=True)),
    )


def bands(crystal: Crystal, path: BandPath) -> Bands:
    """All bands along a path.

    Raises:
        DataError: the overlap is not positive definite.
    """
    return Bands(path, crystal.energies(path.points), first=0)


def bands_near(crystal: Crystal, path: BandPath, energy: float, count: int) -> Bands:
    """The bands that are among the `count` nearest to `energy`, hartree, everywhere on the path.

    Raises:
        DataError: no band is; ask for more.
    """
    slices = [energies_near(crystal, k, energy, count) for k in path.points]
    first = max(piece.first for piece in slices)
    stop = min(piece.first + count for piece in slices)
    if stop <= first:
        raise DataError(f"no band stays among the {count} nearest to {energy:g} hartree; take more")
    kept = [piece.energies[first - piece.first : stop - piece.first] for piece in slices]
    return Bands(path, np.stack(kept), first)


def _stations(
    labels: str, special: Mapping[str, ArrayLike], lattice: str, named: list[str]
) -> list[str]:
    """Points in the order in which the path meets them."""
    try:
        pieces = [piece for piece in parse_path_string(labels) if piece]
    except (AssertionError, IndexError, ValueError):
        pieces = []
    whole = pieces and min(len(piece) for piece in pieces) >= 2
    stations = [name for piece in pieces for name in piece]
    if not whole or not all(name in special for name in stations):
        raise DataError(
            f"path {labels!r} does not lead through points of this cell; it is {lattice}, "
            f"whose points are {', '.join(named)}; write them in sequence, such as GKMG"
        )
    return stations
