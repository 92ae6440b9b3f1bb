"""Many targets over the same rows: one Gram matrix, one factorisation per strength.

The columns of a design matrix often serve many targets (all pairs of shells that couple to one
angular momentum). X^T X is then summed and factorised once, and every target chooses its own
strength on the held-out statistics:

    theta_t = D (D X^T X D + lambda_t P)^-1 D X^T y_t,      D = diag(X^T X)^-1/2

P is a diagonal penalty: columns that are known to matter less pay more, a baseline pays next to
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.cost import products, record
from rgnn_hal.macro.errors import DataError
from rgnn_hal.readout.ridge import DEFAULT_PATH, solve_normal_equations
from rgnn_hal.readout.statistics import GramBuilder

_PATIENCE = 2


@dataclass(frozen=True)
class SharedStatistics:
    """Sufficient statistics of `targets` regressions over the same rows; `a + b` merges."""

    gram: NDArray[np.float64]
    """X^T X, (columns, columns), Fortran order; only the upper triangle is filled."""
    moments: NDArray[np.float64]
    """X^T Y, (columns, targets)."""
    squares: NDArray[np.float64]
    """y^T y of every target, (targets,)."""
    rows: int

    def __add__(self, other: SharedStatistics) -> SharedStatistics:
        return SharedStatistics(
            self.gram + other.gram,
            self.moments + other.moments,
            self.squares + other.squares,
            self.rows + other.rows,
        )

    def mean_square_errors(self, readout: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean over the rows of (X theta - y)^2 for readouts (columns, targets): (targets,)."""
        upper = np.triu(self.gram)
        quadratic = 2.0 * (readout * (upper @ readout)).sum(axis=0)
        quadratic -= (readout**2 * self.gram.diagonal()[:, None]).sum(axis=0)
        linear = (readout * self.moments).sum(axis=0)
        return np.asarray((quadratic - 2.0 * linear + self.squares) / max(self.rows, 1))


class SharedStatisticsBuilder:
    """Collects rows into `SharedStatistics`, in blocks."""

    def __init__(self, columns: int, targets: int) -> None:
        self._gram = GramBuilder(columns)
        self._moments = np.zeros((columns, targets))
        self._squares = np.zeros(targets)

    def add(self, rows: NDArray[np.float64], targets: NDArray[np.float64]) -> None:
        """Take rows (count, columns) with targets (count, targets)."""
        self._moments += rows.T @ targets
        record(products(rows.size * targets.shape[1]))
        self._squares += (targets**2).sum(axis=0)
        self._gram.add(rows)

    def finish(self) -> SharedStatistics:
        """The statistics of all rows so far; the builder may not be used afterwards."""
        rows = self._gram.rows
        return SharedStatistics(self._gram.finish(), self._moments, self._squares, rows)


@dataclass(frozen=True)
class SharedResult:
    """Readouts for all targets and the strength of each."""

    readout: NDArray[np.float64]
    """Of all rows, (columns, targets)."""
    judged: NDArray[np.float64]
    """Of the training rows alone, (columns, targets): what validation has judged."""
    strengths: NDArray[np.float64]
    """(targets,)."""


def fit_shared(
    training: SharedStatistics,
    validation: SharedStatistics,
    penalty: NDArray[np.float64],
    path: Sequence[float] = DEFAULT_PATH,
) -> SharedResult:
    """Choose every target's strength on `validation`, then fit both sets; `path` is descending.

    Raises:
        DataError: no strength of the path leaves a positive definite system.
    """
    errors: list[NDArray[np.float64]] = []
    for strength in path:
        readout = solve_normal_equations(training.gram, training.moments, strength, penalty)
        if readout is None:
            break
        errors.append(validation.mean_square_errors(readout))
        if len(errors) - 1 - np.argmin(errors, axis=0).max() >= _PATIENCE:
            break
    if not errors:
        raise DataError(
            f"the normal equations are not positive definite even at strength {path[0]:g}: the "
            "rows hold values that are not finite; check the data"
        )
    strengths = np.array(path)[np.argmin(errors, axis=0)]
    both = training + validation
    readout, judged = np.zeros_like(both.moments), np.zeros_like(both.moments)
    for strength in np.unique(strengths):
        chosen = strengths == strength
        for statistics, into in ((training, judged), (both, readout)):
            into[:, chosen] = _solve(statistics, chosen, float(strength), penalty)
    return SharedResult(readout, judged, strengths)


def _solve(
    statistics: SharedStatistics,
    chosen: NDArray[np.bool_],
    strength: float,
    penalty: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Readouts of `chosen` targets; ten times stronger where rounding leaves no positive matrix."""
    while True:
        found = solve_normal_equations(
            statistics.gram, statistics.moments[:, chosen], strength, penalty
        )
        if found is not None:
            return found
        # Training rows alone were positive at this strength, so this ends: 1e-13 may need 1e-12.
        strength *= 10.0
