"""What noise on the features costs a linear readout: theta^T N theta, N = E[dX^T dX].

Rows X + dX with zero-mean dX give E|(X + dX) theta - y|^2 = |X theta - y|^2 + theta^T N theta, so
the best readout under noise is the ridge whose Gram matrix is X^T X + N. N is measured: dX is the
difference of rows seen through the noisy product and rows without noise. Noise is independent
between channels, so N is block-diagonal in groups of columns. It falls as 1/reads: one measurement
serves any number of reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.readout.statistics import Statistics


@dataclass(frozen=True)
class NoiseStatistics:
    """Sums of dX^T dX within groups of columns; `a + b` merges shards."""

    groups: NDArray[np.int64]
    """Columns whose noise is correlated, (groups, size), ascending and disjoint."""
    covariance: NDArray[np.float64]
    """Sum over the rows, (groups, size, size)."""
    rows: int

    @classmethod
    def empty(cls, groups: NDArray[np.int64]) -> NoiseStatistics:
        """No rows yet."""
        return cls(groups, np.zeros((*groups.shape, groups.shape[1])), 0)

    def with_rows(self, differences: NDArray[np.floating]) -> NoiseStatistics:
        """These statistics and the noise dX of more rows (count, columns)."""
        grouped = differences[:, self.groups].transpose(1, 2, 0).astype(np.float64)
        covariance = self.covariance + grouped @ grouped.transpose(0, 2, 1)
        return NoiseStatistics(self.groups, covariance, self.rows + len(differences))

    def __add__(self, other: NoiseStatistics) -> NoiseStatistics:
        return NoiseStatistics(
            self.groups, self.covariance + other.covariance, self.rows + other.rows
        )

    def product(self, vector: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
        """N times a vector (columns,), with N of so many rows."""
        result = np.zeros_like(vector)
        grouped = (self.covariance @ vector[self.groups][:, :, None])[:, :, 0]
        result[self.groups] = rows / max(self.rows, 1) * grouped
        return result

    def added_to(self, statistics: Statistics, factor: float = 1.0) -> Statistics:
        """Statistics of noise-free rows as they would be with `factor` times this noise variance.

        Noise measured at r reads serves n reads by factor r/n. If it was measured on a part of the
        rows, the rest is taken to be alike.
        """
        noisy = replace(statistics, gram=statistics.gram.copy(order="F"))
        self.add_to(noisy, factor)
        return noisy

    def add_to(self, statistics: Statistics, factor: float = 1.0) -> None:
        """The same in the memory of `statistics`, which become those of noisy rows."""
        share = factor * statistics.rows / max(self.rows, 1)
        rows, columns = np.triu_indices(self.groups.shape[1])
        statistics.gram[self.groups[:, rows], self.groups[:, columns]] += (
            share * self.covariance[:, rows, columns]
        )
