"""Statistics of populations of cells, each with its standard error.

*Mean and sd*: the error of an sd follows from the fourth moment, se(s) = sqrt(m4 - s^4)/(2 s
sqrt n), so that heavy tails widen it. *Robust sd*: 1.4826 MAD, of error 1.17 s/sqrt n for a normal
population; infinite values count by rank, so readings beyond an instrument's range do no harm.

*Variance decomposition*: of `values[device, cycle]` = mean + device + cycle, independent, the
one-way random-effects analysis of variance (Searle, Casella and McCulloch, Variance Components,
1992, ch. 3) finds

    var_cycle = mean of the variances within devices
    var_device = variance of the means of devices - var_cycle / cycles
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.quantity import Estimate, Values
from rgnn_hal.macro import DataError

_NORMAL_MAD = 1.4826
_MAD_ERROR = 1.167
_MEDIAN_ERROR = 1.2533


@dataclass(frozen=True)
class VarianceParts:
    """How much of a spread belongs to devices, and how much to cycles of one device."""

    mean: Estimate
    device_sd: Estimate
    cycle_sd: Estimate


def mean_of(values: Values, unit: str) -> Estimate:
    """Mean of independent `values`, (n,)."""
    _need(values, 2)
    error = values.std(ddof=1) / np.sqrt(values.size)
    return Estimate(float(values.mean()), float(error), unit, values.size)


def mean_of_grid(values: Values, unit: str) -> Estimate:
    """Mean of `values` (rows, columns), NaN where there is none, whose lines share a deviation.

    se^2 = var(row means)/rows + var(column means)/columns - var(cells)/cells: what cells of one
    line share does not average out along it.
    """
    cells = values[np.isfinite(values)]
    _need(cells, 2)
    variance = -cells.var(ddof=1) / cells.size
    for axis in (0, 1):
        lines = values[:, np.isfinite(values).any(axis=0)] if axis == 0 else values.T
        lines = lines[:, np.isfinite(lines).any(axis=0)]
        means = np.nanmean(lines, axis=0)
        if means.size > 1:
            variance += means.var(ddof=1) / means.size
    floor = cells.var(ddof=1) / cells.size
    error = float(np.sqrt(max(variance, floor)))
    return Estimate(float(cells.mean()), error, unit, cells.size)


def spread_of(values: Values, unit: str) -> Estimate:
    """Standard deviation of independent `values`, (n,)."""
    _need(values, 3)
    deviation = values - values.mean()
    sd = float(values.std(ddof=1))
    fourth = float(np.mean(deviation**4))
    error = np.sqrt(max(fourth - sd**4, 0.0) / values.size) / (2 * sd) if sd > 0 else 0.0
    return Estimate(sd, float(error), unit, values.size)


def median_of(values: Values, unit: str) -> Estimate:
    """Median of independent `values`, (n,), infinities counting by rank."""
    _need(values, 2)
    error = _MEDIAN_ERROR * robust_spread_of(values, unit).value / np.sqrt(values.size)
    return Estimate(float(np.median(values)), float(error), unit, values.size)


def robust_spread_of(values: Values, unit: str) -> Estimate:
    """1.4826 MAD of independent `values`, (n,): the sd of their normal bulk."""
    _need(values, 2)
    sd = _NORMAL_MAD * float(np.median(np.abs(values - np.median(values))))
    return Estimate(sd, _MAD_ERROR * sd / np.sqrt(values.size), unit, values.size)


def decompose(values: Values, unit: str) -> VarianceParts:
    """Analysis of variance of `values` (devices, cycles), all finite."""
    devices, cycles = values.shape
    if devices < 2 or cycles < 2:
        raise DataError(
            f"{devices} devices x {cycles} cycles cannot be decomposed; measure at least 2 x 2"
        )
    within = float(values.var(axis=1, ddof=1).mean())
    of_means = float(values.mean(axis=1).var(ddof=1))
    between = max(of_means - within / cycles, 0.0)
    error_within = within * np.sqrt(2.0 / (devices * (cycles - 1)))
    error_between = np.hypot(of_means * np.sqrt(2.0 / (devices - 1)), error_within / cycles)
    return VarianceParts(
        Estimate(float(values.mean()), float(np.sqrt(of_means / devices)), unit, devices),
        _root(between, float(error_between), unit, devices),
        _root(within, float(error_within), unit, devices * (cycles - 1)),
    )


def decompose_by_rank(values: Values, unit: str) -> VarianceParts:
    """Like `decompose`, from medians: `values` may be infinite where a cell left the range."""
    devices, cycles = values.shape
    total = robust_spread_of(values.ravel(), unit).value
    with np.errstate(invalid="ignore"):
        steps = np.diff(values, axis=1) / np.sqrt(2.0)
    steps = steps[~np.isnan(steps)]
    cycle = _NORMAL_MAD * float(np.median(np.abs(steps)))
    error_cycle = _MAD_ERROR * cycle / np.sqrt(devices * (cycles - 1))
    error_total = _MAD_ERROR * total / np.sqrt(devices)
    between = max(total**2 - cycle**2, 0.0)
    error_between = 2 * np.hypot(total * error_total, cycle * error_cycle)
    return VarianceParts(
        Estimate(float(np.median(values)), _MEDIAN_ERROR * total / np.sqrt(devices), unit, devices),
        _root(between, float(error_between), unit, devices),
        Estimate(cycle, float(error_cycle), unit, devices * (cycles - 1)),
    )


def _root(variance: float, error: float, unit: str, count: int) -> Estimate:
    """The sd of a variance with an error; at zero the error is what the variance may hide."""
    sd = float(np.sqrt(variance))
    largest = float(np.sqrt(error))
    return Estimate(sd, min(error / (2 * sd), largest) if sd > 0 else largest, unit, count)


def _need(values: Values, least: int) -> None:
    if values.size < least:
        raise DataError(f"{values.size} values are too few for statistics; give at least {least}")
