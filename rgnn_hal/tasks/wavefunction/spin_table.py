"""All determinants of one spin while one electron at a time moves.

Each has the columns of the first, but for at most one: position k holds orbital a. With Phi the
matrix of the first, B its inverse and T = B phi for all orbitals, they are

    D_d = D T_ka

and a row i that becomes phi' changes, with q = sum_k phi'_k B_ki over the occupied orbitals,

    D -> q D,     T -> T + B_i (phi' - phi'_occ T) / q,     B -> B + B_i (e_i - phi'_occ B) / q

(Clark, Morales, McMinis, Kim and Scuseria, J. Chem. Phys. 135, 244105 (2011)). One factorisation
per move and determinant had been half of the time of walkers of N2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.determinants import invert


@dataclass(frozen=True)
class Replacements:
    """How the determinants of one spin differ from the first."""

    occupied: Tensor
    """Orbitals of the first, (n,)."""
    changed: Tensor
    """Which determinants differ, (r,)."""
    position: Tensor
    """k, (r,)."""
    orbital: Tensor
    """a, (r,)."""
    count: int
    """All determinants."""

    @classmethod
    def of(cls, occupied: Tensor) -> Replacements:
        """Of determinants by their orbitals (determinants, n)."""
        differs = occupied != occupied[0]
        if (differs.sum(1) > 1).any():
            raise ValueError("determinants of one spin must differ in one orbital at most")
        changed, position = differs.nonzero(as_tuple=True)
        return cls(occupied[0], changed, position, occupied[changed, position], len(occupied))


@dataclass(frozen=True)
class SpinTable:
    """D, B and T of walkers."""

    replacements: Replacements
    first: Tensor
    """D, (walkers,)."""
    inverse: Tensor
    """B, (walkers, orbital, electron)."""
    table: Tensor
    """T, (walkers, n, orbitals)."""

    @classmethod
    def of(cls, replacements: Replacements, orbitals: Tensor) -> SpinTable:
        """From scratch; `orbitals` (walkers, n, orbitals) at the spin's electrons."""
        first, inverse = invert(orbitals[:, :, replacements.occupied])
        return cls(replacements, first, inverse, inverse @ orbitals)

    @property
    def determinants(self) -> Tensor:
        """D_d, (walkers, determinants)."""
        rows = self.replacements
        ratios = self.first.new_ones((len(self.first), rows.count))
        ratios[:, rows.changed] = self.table[:, rows.position, rows.orbital]
        return self.first[:, None] * ratios

    def moved(self, electron: int, orbitals: Tensor) -> SpinTable:
        """One of the spin's electrons somewhere else, where orbitals are (walkers, orbitals)."""
        column = self.inverse[:, :, electron, None]
        row = orbitals[:, None, self.replacements.occupied]
        ratio = row @ column
        table = self.table + column * ((orbitals[:, None] - row @ self.table) / ratio)
        gap = -(row @ self.inverse)
        gap[:, :, electron] += 1.0
        inverse = self.inverse + column * (gap / ratio)
        return SpinTable(self.replacements, self.first * ratio[:, 0, 0], inverse, table)

    def where(self, taken: Tensor, other: SpinTable) -> SpinTable:
        """The walkers `taken` (walkers,) from the other."""
        wide = taken[:, None, None]
        return SpinTable(
            self.replacements,
            torch.where(taken, other.first, self.first),
            torch.where(wide, other.inverse, self.inverse),
            torch.where(wide, other.table, self.table),
        )
