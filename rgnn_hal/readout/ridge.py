"""Ridge regression from sufficient statistics, the strength chosen on held-out statistics.

    theta = D (D X^T X D + lambda P)^-1 D X^T y,      D = diag(X^T X)^-1/2

Scaling every column to unit length makes one lambda fair to features of any unit. P, diagonal and
1 unless it is given, says which of them are expected to matter less. Every lambda costs a Cholesky
factorisation, so the path is walked downhill from the better of two places where the minimum
usually is: towards weaker ones until the validation error rises, and, if the first step did not
pay, towards stronger ones. The best lambda is then refitted on training and validation rows
together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.blas import strsv

from rgnn_hal.cost import products, record
from rgnn_hal.macro.errors import DataError
from rgnn_hal.readout.statistics import Statistics

DEFAULT_PATH = tuple(10.0**-exponent for exponent in range(13))
_USUAL = (1e-2, 1e-5)
"""Where walks start: with all columns alike 1e-6 to 1e-7 was best for 900 frames of ethanol or
aspirin, 1e-2 for 88 of Li3PO4, which have fewer rows than columns. A penalty for noise leaves a
plateau of weak ones that hides the minimum: of 24 frames of Li3PO4 at 1 read 1e-2 is best, 126.6
meV/A, and 1e-5 to 1e-7 are all at 164."""
_NOTHING = 1e-24
"""Square of a column's length, relative to the longest, that counts as zero."""


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
    inverse: RidgeInverse
    """Of the system of all rows."""


@dataclass(frozen=True)
class RidgeInverse:
    """The inverse of X^T X + lambda P D^-2 in single precision: half the memory, for iterations."""

    scale: np.ndarray
    """D, (columns,)."""
    strength: float
    _relative: np.ndarray | None
    _factor: np.ndarray

    @property
    def penalty(self) -> np.ndarray:
        """lambda P D^-2, (columns,); 0 for columns that vanish, which no step moves."""
        strength = self.strength * (1.0 if self._relative is None else self._relative)
        penalty = np.zeros_like(self.scale)
        np.divide(strength, self.scale**2, out=penalty, where=self.scale > 0.0)
        return penalty

    def apply(self, vector: np.ndarray) -> np.ndarray:
        """The inverse times a vector (columns,)."""
        scaled = (self.scale * vector).astype(np.float32)
        # For one vector a quarter of the time that cho_solve takes.
        solution = strsv(self._factor, strsv(self._factor, scaled, trans=1))
        return np.asarray(self.scale * solution)


def fit_ridge(
    training: Statistics,
    validation: Statistics,
    path: Sequence[float] = DEFAULT_PATH,
    penalty: np.ndarray | None = None,
) -> RidgeResult:
    """Choose the strength on `validation`, then fit both sets with it; `path` is descending.

    `penalty`, P (columns,), multiplies the strength column by column; all ones by default.
    """
    walk = _Walk(training, validation, tuple(path), penalty)
    starts = {min(sum(s > 2.0 * usual for s in path), len(path) - 1) for usual in _USUAL}
    walk.search(sorted(starts))
    if walk.judged is None:
        raise _no_positive_matrix(path[0])
    return _refitted(training, validation, penalty, walk.judged, walk.strength, tuple(walk.trials))


def fit_ridge_at(
    strength: float,
    training: Statistics,
    validation: Statistics,
    penalty: np.ndarray | None = None,
) -> RidgeResult:
    """The same where the strength is known, from rows like these.

    Rounding may leave no positive matrix where it left one of the others: ten times as strong then.
    """
    while (judged := solve_ridge(training, strength, penalty)) is None:
        if not strength < DEFAULT_PATH[0]:
            raise _no_positive_matrix(strength)
        strength *= 10.0
    return _refitted(training, validation, penalty, judged, strength, ())


def _refitted(
    training: Statistics,
    validation: Statistics,
    penalty: np.ndarray | None,
    judged: np.ndarray,
    strength: float,
    trials: tuple[RidgeTrial, ...],
) -> RidgeResult:
    """With a strength of which `judged` came from the training rows alone."""
    both = training + validation
    found = _factorise(both.gram, strength, penalty)
    assert found is not None  # more rows than a fit that succeeded
    scale, factor = found
    readout = _solve(scale, factor, both.moment)
    inverse = RidgeInverse(scale, strength, penalty, factor.astype(np.float32))
    return RidgeResult(readout, judged, strength, trials, inverse)


def _no_positive_matrix(strength: float) -> DataError:
    return DataError(
        f"the normal equations are not positive definite even at strength {strength:g}: the rows "
        "hold values that are not finite, or more noise was taken away than there is; check the "
        "data, or start the path higher"
    )


class _Walk:
    """The best of the strengths tried so far."""

    def __init__(
        self,
        training: Statistics,
        validation: Statistics,
        path: tuple[float, ...],
        penalty: np.ndarray | None,
    ) -> None:
        self._training, self._validation, self._path = training, validation, path
        self._penalty = penalty
        self._least = math.inf
        self.trials: list[RidgeTrial] = []
        self.judged: np.ndarray | None = None
        self.strength = math.nan

    def search(self, starts: Sequence[int]) -> None:
        """Try path[start] of all starts, then walk from the best.

        Where rounding leaves no positive matrix at all the walk turns to stronger ridges.
        """
        best = starts[0]
        for start in starts:
            if self._try(self._path[start]):
                best = start
        gained = self.judged is not None and self._descend(best, +1)
        if not gained:
            self._descend(best, -1)

    def _descend(self, start: int, step: int) -> bool:
        """Go on from path[start] while that helps; whether it ever did."""
        index = start + step
        while 0 <= index < len(self._path):
            if not self._try(self._path[index]) and self.judged is not None:
                break
            index += step
        return index != start + step

    def _try(self, strength: float) -> bool:
        readout = solve_ridge(self._training, strength, self._penalty)
        if readout is None:
            return False
        error = _rmse(self._validation, readout)
        self.trials.append(RidgeTrial(strength, _rmse(self._training, readout), error))
        if not error < self._least:
            return False
        self._least, self.judged, self.strength = error, readout, strength
        return True


def solve_ridge(
    statistics: Statistics, strength: float, penalty: np.ndarray | None = None
) -> np.ndarray | None:
    """The readout (columns,) of one strength; None where rounding leaves no positive matrix."""
    return solve_normal_equations(statistics.gram, statistics.moment, strength, penalty)


def solve_normal_equations(
    gram: np.ndarray, moment: np.ndarray, strength: float, penalty: np.ndarray | None = None
) -> np.ndarray | None:
    """Readouts in the shape of `moment`, (columns,) or (columns, targets); None as above.

    `penalty` (columns,) multiplies the strength column by column; all ones by default.
    """
    found = _factorise(gram, strength, penalty)
    return None if found is None else _solve(*found, moment)


def _factorise(
    gram: np.ndarray, strength: float, penalty: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """D and the upper factor of D gram D + strength."""
    diagonal = gram.diagonal()
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    # Columns that symmetry makes vanish hold rounding; scaled up, their readouts reached 1e12.
    scale[(diagonal >= 0.0) & (diagonal <= _NOTHING * diagonal.max(initial=0.0))] = 0.0
    system = gram * scale
    system *= scale[:, None]  # in place: a matrix takes 0.6 GB
    system[np.diag_indices_from(system)] += strength if penalty is None else strength * penalty
    record(products(len(gram) ** 3 // 6))
    try:
        return scale, cho_factor(system, lower=False, overwrite_a=True, check_finite=False)[0]
    except LinAlgError:
        return None


def _solve(scale: np.ndarray, factor: np.ndarray, moment: np.ndarray) -> np.ndarray:
    record(products(len(factor) * moment.size))
    scaled = scale.reshape(-1, *[1] * (moment.ndim - 1))
    solution = cho_solve((factor, False), scaled * moment, check_finite=False)
    return np.asarray(scaled * solution)


def _rmse(statistics: Statistics, readout: np.ndarray) -> float:
    return float(np.sqrt(max(statistics.mean_square_error(readout), 0.0)))
