"""Ridge regression from sufficient statistics, the strength chosen on held-out statistics.

    theta = D (D X^T X D + lambda 1)^-1 D X^T y,      D = diag(X^T X)^-1/2

Scaling every column to unit length makes one lambda fair to features of any unit. Every lambda
costs a Cholesky factorisation, so the path is walked downhill from where the minimum usually is:
towards weaker ones until the validation error rises, and, if the first step did not pay, towards
stronger ones. The best lambda is then refitted on training and validation rows together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from rgnn_hal.cost import products, record
from rgnn_hal.macro.errors import DataError
from rgnn_hal.readout.statistics import Statistics

DEFAULT_PATH = tuple(10.0**-exponent for exponent in range(13))
_USUAL = 1e-5
"""Where walks start: 1e-6 to 1e-7 was best for 900 frames of ethanol or aspirin, 1e-2 for 88 of
Li3PO4, which have fewer rows than columns."""


@dataclass(frozen=True)
class RidgeTrial:
    """One strength tried: the root of the mean squared weighted residual on both sets."""

    strength: float
    training_rmse: float
    validation_rmse: float


@dataclass(frozen=True)
class RidgeResult:
    """A readout (columns,), the strength chosen for it and every trial on the way."""

    readout: np.ndarray
    judged: np.ndarray
    """The readout of the same strength that has not seen the validation rows."""
    strength: float
    trials: tuple[RidgeTrial, ...]


def fit_ridge(
    training: Statistics, validation: Statistics, path: Sequence[float] = DEFAULT_PATH
) -> RidgeResult:
    """Choose the strength on `validation`, then fit both sets with it; `path` is descending."""
    walk = _Walk(training, validation, tuple(path))
    start = min(sum(strength > 2.0 * _USUAL for strength in path), len(path) - 1)
    if not walk.descend(start, +1):
        walk.descend(start - 1, -1)
    if walk.judged is None:
        raise DataError(
            f"the normal equations are not positive definite even at strength {path[0]:g}: the "
            "rows hold values that are not finite, or more noise was taken away than there is; "
            "check the data, or start the path higher"
        )
    readout = solve_ridge(training + validation, walk.strength)
    assert readout is not None  # more rows than a fit that succeeded
    return RidgeResult(readout, walk.judged, walk.strength, tuple(walk.trials))


class _Walk:
    """The best of the strengths tried so far."""

    def __init__(
        self, training: Statistics, validation: Statistics, path: tuple[float, ...]
    ) -> None:
        self._training, self._validation, self._path = training, validation, path
        self._least = math.inf
        self.trials: list[RidgeTrial] = []
        self.judged: np.ndarray | None = None
        self.strength = math.nan

    def descend(self, start: int, step: int) -> bool:
        """Try path[start], path[start + step] ... while that helps; whether two or more did.

        Where rounding leaves no positive matrix the walk turns to stronger ridges.
        """
        index, gains = start, 0
        while 0 <= index < len(self._path):
            helped = self._try(self._path[index])
            if not helped and (step > 0 or self.judged is not None):
                break
            index, gains = index + step, gains + helped
        return gains > 1

    def _try(self, strength: float) -> bool:
        readout = solve_ridge(self._training, strength)
        if readout is None:
            return False
        error = _rmse(self._validation, readout)
        self.trials.append(RidgeTrial(strength, _rmse(self._training, readout), error))
        if not error < self._least:
            return False
        self._least, self.judged, self.strength = error, readout, strength
        return True


def solve_ridge(statistics: Statistics, strength: float) -> np.ndarray | None:
    """The readout (columns,) of one strength; None where rounding leaves no positive matrix."""
    return solve_normal_equations(statistics.gram, statistics.moment, strength)


def solve_normal_equations(
    gram: np.ndarray, moment: np.ndarray, strength: float, penalty: np.ndarray | None = None
) -> np.ndarray | None:
    """Readouts in the shape of `moment`, (columns,) or (columns, targets); None as above.

    `penalty` (columns,) multiplies the strength column by column; all ones by default.
    """
    diagonal = gram.diagonal()
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    system = gram * scale * scale[:, None]
    system[np.diag_indices_from(system)] += strength if penalty is None else strength * penalty
    record(products(len(gram) ** 3 // 6 + len(gram) * moment.size))
    try:
        factor = cho_factor(system, lower=False, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    scaled = scale.reshape(-1, *[1] * (moment.ndim - 1))
    return np.asarray(scaled * cho_solve(factor, scaled * moment, check_finite=False))


def _rmse(statistics: Statistics, readout: np.ndarray) -> float:
    return float(np.sqrt(max(statistics.mean_square_error(readout), 0.0)))
