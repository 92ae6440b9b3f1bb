"""Pulse response: how far one SET or RESET pulse moves a cell, by amplitude, width, device, cycle.

Of the way from where a cell is to where strong pulses would take it, a pulse goes the share f. With
the rate x = -ln(1 - f) (so x = 1 takes a cell 63 % of the way), exponential in voltage,

    y = ln x = ln(width / 1 us) + ln 10 (V - V_cell) / volts_per_decade + cycle

The amplitude is raised in steps, each from a freshly prepared state. Slope and voltage come from
the medians of y over cells, which cells that went too far or not at all to be measured enter by
rank; device and cycle spread come from repeats at the amplitude with x nearest to 1/4. SET ends at
a compliance that scatters from cycle to cycle by itself, which adds a few per cent to its spread.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.measurement import part_of
from rgnn_hal.characterization.populations import VarianceParts, decompose_by_rank
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.characterization.switched_cells import REFERENCE_WIDTH, SwitchedCells
from rgnn_hal.macro import DataError, Macro, PulseKind, Region
from rgnn_hal.progress import Progress

_LEAST_SHARE, _MOST_SHARE = 0.01, 0.98
_MEDIANS = (-2.3, 0.7)
"""y of amplitudes whose median is used: shares of 0.1 to 0.87."""
_BEST = float(np.log(0.25))
"""y of the amplitude for repeats: farther up, the scatter of the end state adds to a cycle's."""
_WIDTHS = (0.25, 0.5, 2.0)
_FULL_CYCLES = 4
_MOVES = 0.2


@dataclass(frozen=True)
class PulseResponse:
    """Ladder of amplitudes, then widths and `cycles` repeats at the most telling amplitude."""

    kind: PulseKind
    cells: int = 1024
    cycles: int = 8
    step: float = 0.05
    """V."""
    wears: bool = True

    @property
    def name(self) -> str:
        """`set_response` or `reset_response`."""
        return f"{self.kind.value}_response"

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Pulse the conducting cells of the first rows of `region`."""
        trial = _Trial.prepared(macro, part_of(region, self.cells), self.kind)
        limits = macro.spec.pulses[self.kind].voltage
        ladder = np.arange(limits.low, limits.high + 1e-9, self.step)
        label = f"{self.kind.value} response"
        rates, shares = [], []
        for index, voltage in enumerate(ladder):
            share = trial.share(float(voltage), trial.cells.width)
            shares.append(float(np.median(share)))
            rates.append(log_rate(share))
            progress(index + 1, len(ladder) + self.cycles, label)
            if shares[-1] > _MOST_SHARE:
                break
        ladder = ladder[: len(rates)]
        median = np.array([np.median(rate) for rate in rates])
        best = float(ladder[np.argmin(np.abs(median - _BEST))])
        repeats = []
        for cycle in range(self.cycles):
            repeats.append(log_rate(trial.share(best, trial.cells.width)))
            progress(len(ladder) + cycle + 1, len(ladder) + self.cycles, label)
        progress(len(ladder) + self.cycles, len(ladder) + self.cycles, label)
        parts = decompose_by_rank(np.stack(repeats, axis=1), "1")
        return Findings(
            _amplitude(ladder, median, best, parts, trial.cells.width)
            | {"width_exponent": trial.width_exponent(best, parts)},
            {
                "amplitude": Series(ladder, "V"),
                "share_moved": Series(np.array(shares), "1"),
                "log_rate_median": Series(median, "1"),
            },
        )


def log_rate(share: Values) -> Values:
    """y = ln(-ln(1 - f)); infinite beyond what readings resolve."""
    inside = np.clip(share, _LEAST_SHARE, _MOST_SHARE)
    rate = np.log(-np.log1p(-inside))
    rate[share < _LEAST_SHARE] = -np.inf
    rate[share > _MOST_SHARE] = np.inf
    return rate


@dataclass(frozen=True)
class _Trial:
    """Cells that switch, with the end states of strong pulses, (cells,), S."""

    cells: SwitchedCells
    kind: PulseKind
    low: Values
    high: Values

    @classmethod
    def prepared(cls, macro: Macro, region: Region, kind: PulseKind) -> "_Trial":
        patch = SwitchedCells.of(macro, region)
        lows, highs = [], []
        for _ in range(_FULL_CYCLES):
            patch.reset_fully()
            lows.append(patch.read())
            patch.set_fully()
            highs.append(patch.read())
        low, high = np.mean(lows, axis=0), np.mean(highs, axis=0)
        window = high - low
        switching = window > _MOVES * np.median(window)
        if np.median(window) <= 0 or switching.sum() < 8:
            raise DataError(
                f"only {switching.sum()} cells of {region} switch; choose another region"
            )
        return cls(patch.only(switching), kind, low[switching], high[switching])

    def share(self, voltage: float, width: float) -> Values:
        """f of one pulse from a fresh opposite state, (cells,)."""
        if self.kind is PulseKind.SET:
            self.cells.reset_fully()
            gate = self.cells.set_gate
        else:
            self.cells.set_fully()
            gate = self.cells.macro.spec.pulses[self.kind].gate_voltage.high
        before = self.cells.read()
        self.cells.pulse(self.kind, voltage, gate, width)
        end = self.high if self.kind is PulseKind.SET else self.low
        share: Values = (self.cells.read() - before) / (end - before)
        return share

    def width_exponent(self, voltage: float, parts: VarianceParts) -> Estimate:
        """d y / d ln width at `voltage`."""
        limits = self.cells.macro.spec.pulses[self.kind].width
        widths = np.array([self.cells.width * factor for factor in _WIDTHS])
        widths = widths[(widths >= limits.low) & (widths <= limits.high)]
        if widths.size < 2:
            return Estimate(float("nan"), float("inf"), "1", 0)
        median = np.array([np.median(log_rate(self.share(voltage, w))) for w in widths])
        return _slope(np.log(widths), median, _scatter(parts))


def _amplitude(
    ladder: Values, median: Values, best: float, parts: VarianceParts, width: float
) -> dict[str, Estimate]:
    used = np.isfinite(median) & (median > _MEDIANS[0]) & (median < _MEDIANS[1])
    if used.sum() < 3:
        raise DataError(
            f"only {used.sum()} amplitudes move cells part of the way; use a finer step or a "
            "wider envelope"
        )
    count = parts.device_sd.count
    slope = _slope(ladder[used], median[used], _scatter(parts))
    decade = np.log(10) / slope.value
    level = float(median[used].mean()) - float(np.log(width / REFERENCE_WIDTH))
    at_one = float(ladder[used].mean()) - level / slope.value
    error = np.hypot(
        parts.mean.standard_error / slope.value, level / slope.value**2 * slope.standard_error
    )
    device = parts.device_sd
    to_volts = 1 / slope.value
    return {
        "voltage_mean": Estimate(at_one, float(error), "V", count),
        "voltage_sd": Estimate(
            device.value * to_volts,
            float(
                np.hypot(device.standard_error, device.value * slope.standard_error / slope.value)
                * to_volts
            ),
            "V",
            count,
        ),
        "volts_per_decade": Estimate(
            float(decade), float(decade * slope.standard_error / slope.value), "V", count
        ),
        "rate_sigma_cycle": parts.cycle_sd,
        "reference_width": Estimate(REFERENCE_WIDTH, 0.0, "s", count),
        "probe_voltage": Estimate(best, 0.0, "V", count),
    }


def _scatter(parts: VarianceParts) -> float:
    """Error of a median of y over cells whose devices stay the same, by cycles alone.

    The cells within a cycle sd of the median are those that may change sides: of the error of a
    median the part sqrt(cycle / total) is left.
    """
    cycle, device = parts.cycle_sd.value, parts.device_sd.value
    return 1.2533 * float(np.sqrt(cycle * np.hypot(cycle, device) / parts.device_sd.count))


def _slope(x: Values, y: Values, scatter: float) -> Estimate:
    """Slope of y over x, of which every y has the error `scatter` or what the line leaves."""
    deviation = x - x.mean()
    power = float(deviation @ deviation)
    slope = float(deviation @ y) / power
    residual = y - y.mean() - slope * deviation
    if y.size > 2:
        scatter = max(scatter, float(np.sqrt(residual @ residual / (y.size - 2))))
    return Estimate(slope, scatter / np.sqrt(power), "1", y.size)
