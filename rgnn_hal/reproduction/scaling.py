"""How cost grows with size: a power law with error bars, and what it says beyond the data.

    ln t = ln a + p ln n + e

by least squares; the error of p and of a new point follow from the scatter e and Student's t of the
points left over, as 68 % intervals. A law that holds where it was measured need not hold at larger
sizes: for first-principles codes p rises towards 3 as linear algebra takes over, so an
extrapolation by a smaller p errs on the low side (octane in PBE/6-31G took 33 s, where the law of
the alkanes up to butane says 21 [15, 31]).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from rgnn_hal.macro.errors import DataError

_LEVEL = 0.6827


@dataclass(frozen=True)
class Estimate:
    """A positive number with its 68 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> "Estimate":
        """Of a number that is known."""
        return cls(value, value, value)

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends."""
        return self.low, self.high

    def __truediv__(self, other: "Estimate") -> "Estimate":
        """The ratio of independent numbers; log-normal errors add in quadrature, side by side."""
        up = math.hypot(math.log(self.high / self.value), math.log(other.value / other.low))
        down = math.hypot(math.log(self.value / self.low), math.log(other.high / other.value))
        value = self.value / other.value
        return Estimate(value, value * math.exp(-down), value * math.exp(up))


@dataclass(frozen=True)
class PowerLaw:
    """t = a n^p, fitted."""

    exponent: float
    exponent_error: float
    """Standard error, widened by Student's t."""
    log_prefactor: float
    scatter: float
    """Standard deviation of ln t about the law."""
    points: int
    centre: float
    """Mean of ln n."""
    spread: float
    """Sum of squared deviations of ln n from it."""

    def at(self, size: float) -> Estimate:
        """A new measurement at `size`, with what scatter and fit leave open."""
        away = math.log(size) - self.centre
        width = self.scatter * math.sqrt(1 + 1 / self.points + away**2 / self.spread)
        width *= _student(self.points - 2)
        middle = self.log_prefactor + self.exponent * math.log(size)
        return Estimate(math.exp(middle), math.exp(middle - width), math.exp(middle + width))


def fit_power_law(sizes: Sequence[float], costs: Sequence[float]) -> PowerLaw:
    """Fit at least three points.

    Raises:
        DataError: too few, equal sizes, or numbers that are not positive.
    """
    n, t = np.asarray(sizes, float), np.asarray(costs, float)
    if len(n) != len(t) or len(set(n)) < 3 or not (n > 0).all() or not (t > 0).all():
        raise DataError(
            f"{len(set(n))} different sizes and {len(t)} costs cannot show a power law with its "
            "error; measure at least three sizes, all numbers positive"
        )
    x, y = np.log(n), np.log(t)
    centre = float(x.mean())
    spread = float(((x - centre) ** 2).sum())
    slope = float(((x - centre) @ y) / spread)
    offset = float(y.mean() - slope * centre)
    free = len(n) - 2
    scatter = math.sqrt(float(((y - offset - slope * x) ** 2).sum()) / free)
    error = scatter / math.sqrt(spread) * _student(free)
    return PowerLaw(slope, error, offset, scatter, len(n), centre, spread)


def middle_of(costs: Sequence[float]) -> Estimate:
    """The median of repeated measurements and the span of the middle 68 % of them."""
    low, middle, high = np.quantile(np.asarray(costs, float), [0.1587, 0.5, 0.8413])
    return Estimate(float(middle), float(low), float(high))


def envelope(estimates: Sequence[Estimate]) -> Estimate:
    """One number for several that disagree: their geometric mean, and the ends of all of them."""
    mean = math.exp(float(np.mean([math.log(one.value) for one in estimates])))
    return Estimate(mean, min(one.low for one in estimates), max(one.high for one in estimates))


def _student(free: int) -> float:
    return float(stats.t.ppf(0.5 + _LEVEL / 2, free))
