"""Column converters: zero, gain, saturation and integral non-linearity of each line.

*Zero*: the current that a column reports for zero volts on every row.
*Gain*: slope of the reported current over V sum(G), with every G read cell by cell; so it is the
gain of products against that of single reads.
*Non-linearity*: what remains of a column's curve after its own line and after the curve that all
columns share, which is the cells' (see `current_voltage`). Largest over columns and levels.
*Saturation*: the share of conversions, all rows driven at the highest voltage, at an end of range.
Rounding spreads a zero by step/sqrt 12, which is taken out of its sd.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.drive import Drive
from rgnn_hal.characterization.populations import mean_of, spread_of
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.macro import DataError, Macro, Region
from rgnn_hal.progress import Progress

_ZEROS = 64
_LEVELS = 16


@dataclass(frozen=True)
class Converters:
    """Zero errors always; gain, linearity and saturation where cells conduct."""

    levels: int = _LEVELS
    name: str = "converters"
    wears: bool = False

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Measure the columns of `region`."""
        spec = macro.spec
        zeros = np.zeros((min(_ZEROS, spec.max_batch), region.shape[0]))
        zero = macro.multiply(zeros, region=region)
        progress(1, 3, "converters")
        offset = zero.mean(axis=0, dtype=np.float64)
        spread = _without(spread_of(offset, "A"), spec.current_step / np.sqrt(12))
        estimates = {"offset_mean": mean_of(offset, "A"), "offset_sd": spread}
        series = {"offset": Series(offset, "A")}
        try:
            drive = Drive.of(macro, region)
        except DataError:
            progress(3, 3, "converters")
            return Findings(estimates, series)
        fraction = np.linspace(1 / self.levels, 1.0, self.levels)
        voltage = np.repeat(fraction[:, None] * drive.voltage, drive.region.shape[0], axis=1)
        current = drive.currents(macro, voltage)
        progress(2, 3, "converters")
        gain, error = _lines(current, fraction[:, None] * drive.voltage, drive.conductance.sum(0))
        residual = current - fraction[:, None] * current_at_full(current, fraction)
        own = residual - np.median(residual, axis=1, keepdims=True)
        full = np.full((1, region.shape[0]), spec.read_voltage.high)
        largest = macro.multiply(full, region=region)
        saturated = largest >= spec.current.high - 1.5 * spec.current_step
        progress(3, 3, "converters")
        columns = gain.size
        estimates |= {
            "gain_error_mean": mean_of(gain - 1, "1"),
            "gain_sd": _without(spread_of(gain, "1"), float(np.sqrt(np.mean(error**2)))),
            "nonlinearity": Estimate(
                float(np.abs(own).max()), float(own.std()), "A", columns * self.levels
            ),
            "saturated_fraction": Estimate(
                float(saturated.mean()),
                float(np.sqrt(saturated.mean() * (1 - saturated.mean()) / columns)),
                "1",
                columns,
            ),
        }
        series |= {
            "gain": Series(gain, "1"),
            "level": Series(fraction * drive.voltage, "V"),
            "deviation": Series(own, "A"),
        }
        return Findings(estimates, series)


def current_at_full(current: Values, fraction: Values) -> Values:
    """The current at fraction 1 of the line through zero that fits (levels, columns), A."""
    at_full: Values = fraction @ current / (fraction @ fraction)
    return at_full


def _lines(current: Values, voltage: Values, conductance: Values) -> tuple[Values, Values]:
    """Slope of `current` over V sum(G) through zero, and its error, each (columns,)."""
    expected = voltage * conductance
    power = np.sum(expected**2, axis=0)
    slope = np.sum(expected * current, axis=0) / power
    residual = current - slope * expected
    error = np.sqrt(np.sum(residual**2, axis=0) / (len(current) - 1) / power)
    return slope, error


def _without(spread: Estimate, instrument: float) -> Estimate:
    """A spread freed of what the instrument adds in quadrature."""
    variance = spread.value**2 - instrument**2
    if variance <= 0:
        return Estimate(0.0, max(spread.value, instrument), spread.unit, spread.count)
    sd = float(np.sqrt(variance))
    return Estimate(sd, spread.standard_error * spread.value / sd, spread.unit, spread.count)
