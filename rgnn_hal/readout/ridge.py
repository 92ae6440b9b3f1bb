"""Ridge regression from sufficient statistics, the strength chosen on held-out statistics.

    theta = D (D X^T X D + lambda 1)^-1 D X^T y,      D = diag(X^T X)^-1/2

Scaling every column to unit length makes one lambda fair to features of any unit. The path is
walked from strong to weak by Cholesky factorisation until the validation error has risen twice;
the best lambda is then refitted on training and validation rows together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from rgnn_hal.macro.errors import DataError
from rgnn_hal.readout.statistics import Statistics

DEFAULT_PATH = tuple(10.0**-exponent for exponent in range(13))
_PATIENCE = 2


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
    strength: float
    trials: tuple[RidgeTrial, ...]


def fit_ridge(
    training: Statistics, validation: Statistics, path: Sequence[float] = DEFAULT_PATH
) -> RidgeResult:
    """Choose the strength on `validation`, then fit both sets with it; `path` is descending."""
    trials: list[RidgeTrial] = []
    best = 0
    for strength in path:
        readout = solve_ridge(training, strength)
        if readout is None:
            break
        trials.append(RidgeTrial(strength, _rmse(training, readout), _rmse(validation, readout)))
        best = min(range(len(trials)), key=lambda index: trials[index].validation_rmse)
        if len(trials) - 1 - best >= _PATIENCE:
            break
    if not trials:
        raise DataError(
            f"the normal equations are not positive definite even at strength {path[0]:g}: the "
            "rows hold values that are not finite, or more noise was taken away than there is; "
            "check the data, or start the path higher"
        )
    strength = trials[best].strength
    readout = solve_ridge(training + validation, strength)
    assert readout is not None  # more rows than a fit that succeeded
    return RidgeResult(readout, strength, tuple(trials))


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
    try:
        factor = cho_factor(system, lower=False, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    scaled = scale.reshape(-1, *[1] * (moment.ndim - 1))
    return np.asarray(scaled * cho_solve(factor, scaled * moment, check_finite=False))


def _rmse(statistics: Statistics, readout: np.ndarray) -> float:
    return float(np.sqrt(max(statistics.mean_square_error(readout), 0.0)))
