"""What the composition alone says about the energy: E_0 = sum_z e_z n_z, by least squares.

Total energies of -4000 eV would bury the millielectronvolts a readout is after; the baseline takes
them away before any Gram matrix is formed. Data of one composition cannot tell elements apart; the
minimum-norm solution then shares the energy out, which is exact for that composition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CompositionStatistics:
    """Sums over frames of counts n (elements,) and energies E (eV); `a + b` merges shards."""

    second_moment: np.ndarray
    """sum n n^T, (elements, elements)."""
    energy_moment: np.ndarray
    """sum n E, (elements,) eV."""
    frames: int = 0

    @classmethod
    def empty(cls, elements: int) -> CompositionStatistics:
        """No frames of a number of elements."""
        return cls(np.zeros((elements, elements)), np.zeros(elements))

    def with_frame(self, counts: np.ndarray, energy: float) -> CompositionStatistics:
        """These statistics and one more frame."""
        return CompositionStatistics(
            self.second_moment + np.outer(counts, counts),
            self.energy_moment + counts * energy,
            self.frames + 1,
        )

    def __add__(self, other: CompositionStatistics) -> CompositionStatistics:
        return CompositionStatistics(
            self.second_moment + other.second_moment,
            self.energy_moment + other.energy_moment,
            self.frames + other.frames,
        )

    def fit(self) -> CompositionBaseline:
        """The least-squares energy per element, of minimum norm where the data leave a choice."""
        solution = np.linalg.lstsq(self.second_moment, self.energy_moment, rcond=1e-10)[0]
        return CompositionBaseline(solution)


@dataclass(frozen=True)
class CompositionBaseline:
    """Energy per atom of every element, (elements,) eV."""

    energies: np.ndarray

    def energy(self, counts: np.ndarray) -> float:
        """E_0 of a frame with `counts` (elements,) atoms, eV."""
        return float(counts @ self.energies)
