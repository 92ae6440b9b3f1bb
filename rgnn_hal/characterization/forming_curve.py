"""Forming curve: at which voltage pristine cells break down, and what they conduct then.

Bands of the region are ramped with pulses of different width and gate. Damage accumulates along a
ramp as 10^(V / slope) dt (E model, McPherson and Mogul, J. Appl. Phys. 84, 1513 (1998)), so that at
step k a cell has seen what one pulse of the reference width does at

    V_k = slope log10( sum_{j<=k} (width / reference) 10^(U_j / slope) ),  U_j the ramp's amplitudes

and breaks at the first V_k beyond its own breakdown voltage, normal across cells. Mean, sd and
slope come from one likelihood of the counts per step, so neither the steps nor the accumulation
bias them. Cells that never broke down leave the likelihood, which is conditional on breaking.

The conductance after breakdown is proportional to V_gate - V_t; two gates give V_t.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from rgnn_hal.characterization.likelihood import maximum_likelihood
from rgnn_hal.characterization.measurement import conducting
from rgnn_hal.characterization.populations import mean_of, mean_of_grid, spread_of
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.macro import DataError, LimitError, Macro, PulseKind, Region
from rgnn_hal.macro.checks import pulse_limits
from rgnn_hal.programming import FormingRamp, FormingReport, form
from rgnn_hal.progress import Progress, silent

_SHORTER = 0.1
"""Of the width: what the second half of the bands is formed with."""
_LOWER_GATE = 0.8
_SAMPLES = 16
_LEAST = 50


@dataclass(frozen=True)
class FormingCurve:
    """Ramps over four bands of rows: two widths by two gates."""

    ramp: FormingRamp | None = None
    """The macro's own by default."""
    name: str = "forming"
    wears: bool = True

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Form what is pristine in `region`."""
        spec = macro.spec
        limits = pulse_limits(spec, PulseKind.FORM)
        base = self.ramp or FormingRamp.within(spec)
        short = limits.width.nearest(base.width * _SHORTER)
        low_gate = limits.gate_voltage.nearest(base.gate_voltage * _LOWER_GATE)
        # The two short bands are in the middle: a drift along the rows cancels.
        ramps = (
            base,
            replace(base, width=short),
            replace(base, width=short, gate_voltage=low_gate),
            replace(base, gate_voltage=low_gate),
        )
        before = macro.read_conductance(region)
        pristine = ~conducting(spec, before)
        if pristine.sum() < _LEAST or region.shape[0] < len(ramps):
            raise DataError(
                f"{pristine.sum()} pristine cells in {region.shape[0]} rows of region {region} "
                f"make no forming curve; choose a region with {_LEAST} or more in 4 rows or more"
            )
        reports = []
        for band, ramp in zip(_bands(region, len(ramps)), ramps, strict=True):
            reports.append(form(macro, band, ramp=ramp, progress=silent))
            progress(len(reports), len(ramps), "forming curve")
        after = macro.read_conductance(region, min(_SAMPLES, spec.max_samples))
        voltage = np.concatenate([report.breakdown_voltage for report in reports])
        formed = np.where(np.isfinite(voltage), after, np.nan)
        return Findings(
            _breakdown(reports, ramps, base.width)
            | _conductance(formed, reports, ramps)
            | _yield(pristine, voltage, before),
            {
                "breakdown_ramp_voltage": Series(voltage, "V"),
                "conductance": Series(after, "S"),
                "conductance_before": Series(before, "S"),
            },
        )


def effective_voltage(ramp: FormingRamp, reference_width: float, slope: float) -> Values:
    """V_k of the module's equation for every step of `ramp`, V."""
    exponent = ramp.voltages / slope + np.log10(ramp.width / reference_width)
    accumulated: Values = slope * np.logaddexp.accumulate(exponent * np.log(10)) / np.log(10)
    return accumulated


def _bands(region: Region, count: int) -> list[Region]:
    edges = np.linspace(region.row_start, region.row_stop, count + 1).astype(int).tolist()
    return [
        Region(start, stop, region.col_start, region.col_stop) for start, stop in pairwise(edges)
    ]


def _breakdown(
    reports: list[FormingReport], ramps: tuple[FormingRamp, ...], width: float
) -> dict[str, Estimate]:
    counts = []
    for report, ramp in zip(reports, ramps, strict=True):
        broken = report.breakdown_voltage[np.isfinite(report.breakdown_voltage)]
        edges = np.concatenate([ramp.voltages - ramp.step / 2, [np.inf]])
        counts.append(np.histogram(broken, edges)[0].astype(np.float64))
    total = int(sum(count.sum() for count in counts))
    if total < _LEAST:
        raise DataError(f"only {total} cells broke down; ramp to a higher voltage")

    def objective(parameters: Values) -> float:
        mean, log_sd, log_slope = parameters
        value = 0.0
        for count, ramp in zip(counts, ramps, strict=True):
            edges = effective_voltage(ramp, width, float(np.exp(log_slope)))
            below = norm.cdf((edges - mean) / np.exp(log_sd))
            probability = np.diff(below, prepend=0.0)
            value -= float(count @ np.log(np.maximum(probability, 1e-300)))
            value += float(count.sum() * np.log(max(below[-1], 1e-300)))
        return value

    amplitudes = np.concatenate(
        [
            np.repeat(ramp.voltages, count.astype(int))
            for ramp, count in zip(ramps, counts, strict=True)
        ]
    )
    start = np.array([amplitudes.mean(), np.log(amplitudes.std() + 0.02), np.log(0.15)])
    scale = np.array([1.0, 5.0, 10.0]) / np.sqrt(total)
    (mean, log_sd, log_slope), error = maximum_likelihood(objective, start, scale)
    sd, slope = float(np.exp(log_sd)), float(np.exp(log_slope))
    return {
        "breakdown_voltage_mean": Estimate(float(mean), float(error[0]), "V", total),
        "breakdown_voltage_sd": Estimate(sd, float(sd * error[1]), "V", total),
        "volts_per_decade": Estimate(slope, float(slope * error[2]), "V", total),
        "stress_time": Estimate(width, 0.0, "s", total),
    }


def _conductance(
    formed: Values, reports: list[FormingReport], ramps: tuple[FormingRamp, ...]
) -> dict[str, Estimate]:
    """Mean at the first ramp's gate, CV, and the threshold voltage of the transistor."""
    gates = np.concatenate(
        [
            np.full(report.region.shape[0], ramp.gate_voltage)
            for report, ramp in zip(reports, ramps, strict=True)
        ]
    )
    high, low = ramps[0].gate_voltage, ramps[-1].gate_voltage
    at_high = mean_of_grid(formed[gates == high], "S")
    estimates = {
        "conductance_mean": at_high,
        "gate_voltage": Estimate(high, 0.0, "V", at_high.count),
    }
    scale = np.full(gates.size, at_high.value)
    if low < high:
        at_low = mean_of_grid(formed[gates == low], "S")
        scale[gates == low] = at_low.value
        slope = (at_high.value - at_low.value) / (high - low)
        if slope <= 0:
            raise LimitError("conductance does not rise with the gate; choose gates further apart")
        # d(threshold) from each mean, of G = slope (V - threshold) through both.
        high_part = at_high.standard_error * at_low.value / (at_high.value - at_low.value)
        low_part = at_low.standard_error * at_high.value / (at_high.value - at_low.value)
        estimates["threshold_voltage"] = Estimate(
            high - at_high.value / slope,
            float(np.hypot(high_part, low_part) / slope),
            "V",
            at_high.count + at_low.count,
        )
    relative = (formed / scale[:, None])[np.isfinite(formed)]
    estimates["conductance_cv"] = _cv(formed / scale[:, None], spread_of(relative, "1"))
    return estimates


def _cv(relative: Values, spread: Estimate) -> Estimate:
    """The CV, with the error that columns of different spread leave, by leaving out columns."""
    columns = relative[:, np.isfinite(relative).sum(axis=0) > 1]
    count = columns.shape[1]
    if count < 3:
        return spread
    number = np.isfinite(columns).sum(axis=0)
    first, second = np.nansum(columns, axis=0), np.nansum(columns**2, axis=0)
    left = number.sum() - number
    mean = (first.sum() - first) / left
    without = np.sqrt((second.sum() - second) / left - mean**2)
    jackknife = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    error = max(spread.standard_error, float(jackknife))
    return Estimate(spread.value, error, spread.unit, spread.count)


def _yield(pristine: NDArray[np.bool_], voltage: Values, before: Values) -> dict[str, Estimate]:
    total = int(pristine.sum())
    unbroken = float((pristine & ~np.isfinite(voltage)).sum()) / total
    conducted = float((~pristine).mean())
    untouched = before[pristine]
    return {
        "unbroken_fraction": Estimate(
            unbroken, float(np.sqrt((unbroken + 1 / total) / total)), "1", total
        ),
        "conducting_before_fraction": Estimate(
            conducted, float(np.sqrt((conducted + 1 / before.size) / before.size)), "1", before.size
        ),
        "pristine_conductance": mean_of(untouched, "S"),
    }
