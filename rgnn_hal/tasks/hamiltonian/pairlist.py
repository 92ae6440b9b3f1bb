"""Which pairs of atoms share a block: half of them, the others follow from hermiticity.

Half means R > 0 lexicographically, or R = 0 and i <= j.
"""

from __future__ import annotations

from dataclasses import dataclass

import ase
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PairList:
    """Half of the pairs of atoms that share a block; `second` lies in cell `shift`."""

    first: IntArray
    """(pairs,)."""
    second: IntArray
    """(pairs,)."""
    shift: IntArray
    """Lattice translation of the second atom, (pairs, 3)."""

    def __len__(self) -> int:
        return len(self.first)

    @property
    def on_site(self) -> NDArray[np.bool_]:
        """Pairs of an atom with itself, (pairs,)."""
        same: NDArray[np.bool_] = (self.first == self.second) & ~self.shift.any(axis=1)
        return same

    def displacement(self, atoms: ase.Atoms) -> FloatArray:
        """r_j + R - r_i, (pairs, 3), angstrom."""
        positions = atoms.positions
        vectors = positions[self.second] - positions[self.first] + self.shift @ atoms.cell.array
        return np.asarray(vectors, dtype=np.float64)
