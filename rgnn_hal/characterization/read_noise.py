"""Read noise of single cells: time series with the chip's own time stamps.

White level, spectrum and slope: see `spectrum`. Telegraph cells are those whose noise stands out of
the bulk of cells, by 4 of the bulk's own standard deviations. The two-level process of such a cell,
amplitude A and share q of time in one level, on white noise of variance s^2, has the central
moments m2 = s^2 + A^2 q (1 - q) and m3 = A^3 q (1 - q)(1 - 2 q), so

    A^2 = (m3 / v)^2 + 4 v,      v = m2 - s^2

Cells that telegraph between levels closer than about s / 2 stay among the quiet ones.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.characterization.measurement import need_conducting, part_of
from rgnn_hal.characterization.populations import mean_of, median_of, spread_of
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.characterization.spectrum import (
    level_of_differences,
    mean_interval,
    power_spectrum,
    spectral_estimates,
)
from rgnn_hal.macro import DataError, Macro, Region
from rgnn_hal.progress import Progress

_STANDS_OUT = 4.0
_FAR = 6.5
"""Noise levels from the median that no reading of a quiet cell is seen at in 1e9."""
_ONE_SD_BELOW = 0.15866
_LEAST_CELLS = 16
"""Fewer have no bulk to stand out of."""
_TRACES = 4


@dataclass(frozen=True)
class ReadNoise:
    """`reads` readings of about `cells` cells, one sample each, `pause` seconds apart."""

    reads: int = 1024
    cells: int = 2048
    pause: float = 0.0
    name: str = "read_noise"
    wears: bool = False

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Measure conducting cells of the first rows of `region`."""
        region = part_of(region, self.cells)
        formed = need_conducting(macro.spec, macro.read_conductance(region), region)
        time = np.empty(self.reads)
        reading = np.empty((int(formed.sum()), self.reads))
        for index in range(self.reads):
            time[index] = macro.clock()
            reading[:, index] = macro.read_conductance(region)[formed]
            if self.pause:
                macro.wait(self.pause)
            if index % 32 == 31:
                progress(index + 1, self.reads, "read noise")
        return analyse(time, reading)


def analyse(time: Values, reading: Values) -> Findings:
    """What `reading` (cells, reads), S, at `time` (reads,), s, says about noise."""
    mean = reading.mean(axis=1)
    level = level_of_differences(reading)
    loud = _loud(reading, level)
    quiet = ~loud
    white = _rms(level[quiet])
    relative = reading[quiet] / mean[quiet, None] - 1
    estimates = {
        "white": white,
        "white_relative": mean_of(level[quiet] / mean[quiet], "1"),
        "rms": mean_of(reading.std(axis=1), "S"),
        "robust": median_of(reading.std(axis=1), "S"),
        "mean_conductance": mean_of(mean, "S"),
        "telegraph_fraction": _fraction(loud),
    }
    series = {
        "cell_noise": Series(level, "S"),
        "cell_conductance": Series(mean, "S"),
        "time": Series(time - time[0], "s"),
        "traces": Series(_examples(reading, level), "S"),
    }
    if loud.sum() >= 3:
        amplitude = _amplitudes(reading[loud], white.value)
        spread = spread_of(np.log(amplitude), "1")
        centre = median_of(np.log(amplitude), "1")
        typical = float(np.exp(centre.value))
        estimates |= {
            "telegraph_amplitude_median": Estimate(
                typical, typical * centre.standard_error, "S", centre.count
            ),
            "telegraph_amplitude_sigma": spread,
        }
        series["telegraph_amplitude"] = Series(amplitude, "S")
    if white.value > 0:
        with suppress(DataError):  # few reads, or a clock that stands still: levels alone
            spectrum = power_spectrum(relative, mean_interval(time))
            estimates |= spectral_estimates(spectrum)
            series |= {
                "frequency": Series(spectrum.frequency, "Hz"),
                "density": Series(spectrum.density, "1/Hz"),
            }
    return Findings(estimates, series)


def _loud(reading: Values, level: Values) -> NDArray[np.bool_]:
    """Cells that stand out: by their noise or, with a rarely visited level, by single readings."""
    loud = np.zeros(level.size, dtype=np.bool_)
    if level.size < _LEAST_CELLS:
        return loud
    for _ in range(3):  # loud cells raise the middle a little: the bulk is taken again without them
        low, middle = np.quantile(level[~loud], [_ONE_SD_BELOW, 0.5])
        loud = level > middle + _STANDS_OUT * (middle - low)
    farthest = np.abs(reading - np.median(reading, axis=1, keepdims=True)).max(axis=1)
    rare: NDArray[np.bool_] = farthest > _FAR * middle
    return loud | rare


def _rms(level: Values) -> Estimate:
    """Of levels that scatter by sampling: their mean would be low by 3 / (8 reads)."""
    power = mean_of(level**2, "S^2")
    rms = float(np.sqrt(power.value))
    error = power.standard_error / (2 * rms) if rms > 0 else 0.0
    return Estimate(rms, error, "S", power.count)


def _amplitudes(reading: Values, white: float) -> Values:
    deviation = reading - reading.mean(axis=1, keepdims=True)
    excess = np.mean(deviation**2, axis=1) - white**2
    excess = np.maximum(excess, 1e-3 * white**2)
    third = np.mean(deviation**3, axis=1)
    amplitude: Values = np.sqrt((third / excess) ** 2 + 4 * excess)
    return amplitude


def _fraction(flags: NDArray[np.bool_]) -> Estimate:
    share, count = float(flags.mean()), flags.size
    # Agresti-Coull: an error even where none or all were found.
    smooth = (flags.sum() + 2) / (count + 4)
    return Estimate(share, float(np.sqrt(smooth * (1 - smooth) / (count + 4))), "1", count)


def _examples(reading: Values, level: Values) -> Values:
    """Traces of the noisiest and of the quietest cells, (cells, reads)."""
    order = np.argsort(level)
    chosen = np.unique(np.concatenate([order[:_TRACES], order[-_TRACES:]]))
    traces: Values = reading[chosen]
    return traces
