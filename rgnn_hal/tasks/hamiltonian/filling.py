"""How electrons fill bands: wave-vector grids, the Fermi level, the density of states.

    N = 2 sum_k w_k sum_n f(E_nk - E_F),   D(E) = 2 sum_k w_k sum_n -f'(E_nk - E)

A smearing is one function f with its derivative, so that the density of states integrates to the
electrons that the Fermi level counts. Energies are in hartree, densities in states per hartree and
cell, both spins counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.constants import physical_constants
from scipy.optimize import brentq
from scipy.special import erfc, expit

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.spectrum import SPIN

HARTREE_EV = float(physical_constants["Hartree energy in eV"][0])
BOLTZMANN = float(
    physical_constants["Boltzmann constant"][0] / physical_constants["Hartree energy"][0]
)
"""Hartree per kelvin."""

Array = NDArray[np.float64]


class Smearing(Protocol):
    """How sharply occupation falls from one to zero."""

    @property
    def width(self) -> float:
        """Scale of the fall, hartree."""

    def occupation(self, energy: Array) -> Array:
        """f of energies counted from the Fermi level."""

    def density(self, energy: Array) -> Array:
        """-f', 1/hartree."""


@dataclass(frozen=True)
class FermiDirac:
    """Electrons in equilibrium at a temperature, K."""

    temperature: float

    def __post_init__(self) -> None:
        _check_positive("temperature", self.temperature, "K")

    @property
    def width(self) -> float:
        """Boltzmann's constant times the temperature, hartree."""
        return BOLTZMANN * self.temperature

    def occupation(self, energy: Array) -> Array:
        """1 / (1 + exp(E / kT))."""
        return np.asarray(expit(-energy / self.width))

    def density(self, energy: Array) -> Array:
        """f (1 - f) / kT."""
        x = energy / self.width
        return np.asarray(expit(x) * expit(-x) / self.width)


@dataclass(frozen=True)
class Gaussian:
    """Every level is a normal distribution with this standard deviation, hartree."""

    width: float

    def __post_init__(self) -> None:
        _check_positive("width", self.width, "hartree")

    def occupation(self, energy: Array) -> Array:
        """erfc(E / (width sqrt 2)) / 2."""
        return np.asarray(0.5 * erfc(energy / (np.sqrt(2) * self.width)))

    def density(self, energy: Array) -> Array:
        """The normal distribution."""
        x = energy / self.width
        return np.asarray(np.exp(-0.5 * x * x) / (np.sqrt(2 * np.pi) * self.width))


@dataclass(frozen=True)
class Filling:
    """How the labels of a crystal fill its bands."""

    atoms: Mapping[int, int]
    """Of the cell, by atomic number."""
    electrons: int
    """In its bands."""
    level: float
    """Mean chemical potential, hartree."""

    def electrons_of(self, numbers: Iterable[int]) -> float | None:
        """Of another cell of the same composition; None for another composition."""
        counts = Counter(map(int, numbers))
        cells = sum(counts.values()) / sum(self.atoms.values())
        alike = all(counts[z] == cells * count for z, count in self.atoms.items())
        return cells * self.electrons if alike and len(counts) == len(self.atoms) else None


@dataclass(frozen=True)
class WaveVectors:
    """A sample of the Brillouin zone."""

    points: Array
    """(points, 3), fractions of the reciprocal vectors."""
    weights: Array
    """(points,), sum one."""


def wave_vector_grid(divisions: tuple[int, int, int]) -> WaveVectors:
    """Monkhorst and Pack's grid (Phys. Rev. B 13, 5188), k and -k counted once.

    H(R) is real, so that E(-k) = E(k) always holds.
    """
    if min(divisions) < 1:
        raise DataError(
            f"a grid of {divisions} wave vectors is empty; at least 1 in each direction"
        )
    n = np.array(divisions)
    # In units of 1 / (2n) every coordinate is an integer, which compares exactly.
    doubled = 2 * np.stack(np.unravel_index(np.arange(n.prod()), divisions), axis=1) + 1 - n
    positive = np.array([n[1] * n[2] * 4, n[2] * 2, 1]) @ doubled.T >= 0
    kept, counts = np.unique(
        np.where(positive[:, None], doubled, -doubled), axis=0, return_counts=True
    )
    return WaveVectors(points=kept / (2 * n), weights=counts / counts.sum())


def grid_of_spacing(
    lattice: Array,
    spacing: float = 0.15,
    periodic: tuple[bool, bool, bool] = (True, True, True),
) -> WaveVectors:
    """A grid whose points lie at most `spacing` apart, 1/angstrom, for lattice vectors as rows.

    One point suffices along a vector through vacuum, which is not periodic.
    """
    _check_positive("spacing", spacing, "1/angstrom")
    reciprocal = 2 * np.pi * np.linalg.inv(lattice)
    needed = np.ceil(np.linalg.norm(reciprocal, axis=0) / spacing - 1e-9)
    a, b, c = np.where(periodic, np.maximum(needed, 1), 1).astype(int).tolist()
    return wave_vector_grid((a, b, c))


def fermi_level(
    energies: Array, weights: Array, electrons: float, smearing: Smearing | None = None
) -> float:
    """The level up to which `electrons` fill bands (points, bands), hartree.

    Without smearing it lies half-way between the last filled and the first empty state.

    Raises:
        DataError: the bands do not hold so many electrons, or all are full.
    """
    capacity = SPIN * energies.shape[-1]
    if not 0 < electrons < capacity:
        raise DataError(
            f"{electrons:g} electrons against {energies.shape[-1]} bands of two: no Fermi level"
        )
    if smearing is None:
        return _sharp_level(energies, weights, electrons)
    reach = 60 * smearing.width
    low, high = float(energies.min()) - reach, float(energies.max()) + reach

    def excess(level: float) -> float:
        return electron_count(energies, weights, level, smearing) - electrons

    if not excess(low) < 0 < excess(high):
        raise DataError(
            f"no level between {low:g} and {high:g} hartree holds {electrons:g} electrons"
        )
    return float(brentq(excess, low, high, xtol=1e-14))


def electron_count(energies: Array, weights: Array, level: float, smearing: Smearing) -> float:
    """Electrons in bands (points, bands) with the Fermi level at `level`, hartree."""
    return float(SPIN * weights @ smearing.occupation(energies - level).sum(axis=1))


def density_of_states(energies: Array, weights: Array, grid: Array, smearing: Smearing) -> Array:
    """States per hartree and cell at the energies of `grid`, (grid,)."""
    total = np.zeros(len(grid))
    for levels, weight in zip(energies, weights, strict=True):
        total += SPIN * weight * smearing.density(levels[:, None] - grid).sum(axis=0)
    return total


def _sharp_level(energies: Array, weights: Array, electrons: float) -> float:
    levels = energies.ravel()
    share = SPIN * np.repeat(weights, energies.shape[-1])
    order = np.argsort(levels, kind="stable")
    filled = np.cumsum(share[order])
    # Weights are fractions: their sums reach an integer only to rounding.
    last = int(np.searchsorted(filled, electrons - 1e-9))
    top = levels[order[last]]
    if filled[last] > electrons + 1e-9:
        return float(top)
    return float(0.5 * (top + levels[order[last + 1]]))


def _check_positive(name: str, value: float, unit: str) -> None:
    if not (np.isfinite(value) and value > 0):
        raise DataError(f"{name} {value} {unit} is not positive")
