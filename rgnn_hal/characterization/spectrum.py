"""Noise of a time series: its level between neighbouring reads, its spectrum, and the two parts.

*Level*: sd of the differences of neighbouring reads over sqrt 2. Drift and slow noise cancel in a
difference, so this is the noise of one read against the next.

*Spectrum*: one-sided density by Welch's method (IEEE Trans. Audio 15, 70 (1967)), Hann windows that
overlap by half. *Slope*: of log density over log frequency in a band.

*Parts*: S(f) = white + flicker (f / 1 Hz)^-exponent by Whittle's likelihood, the sum over bins of
ln S + P / S, in which a periodogram P is exponentially distributed about S. White noise of variance
s^2 per read has the density 2 s^2 dt.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from rgnn_hal.characterization.likelihood import maximum_likelihood
from rgnn_hal.characterization.quantity import Estimate, Values
from rgnn_hal.macro import DataError

_SLOW = 0.05
"""Of the reading rate: the slope is fitted below, where white noise weighs least."""
_SEGMENTS = 8
_LEAST_READS = 64
_PASSES = 3
_WORTH = 8.0
"""Log-likelihood that flicker's two parameters must gain over white noise alone."""
_STANDS_OUT = 4.0
"""Standard deviations of a bin: beyond is a line, such as the mains or its alias."""
_HANN_BINS = 1.5
"""Equivalent noise bandwidth of the window, bins: neighbours are correlated, errors grow."""


@dataclass(frozen=True)
class Spectrum:
    """A density, averaged over segments and over cells."""

    frequency: Values
    """Hz; without zero."""
    density: Values
    """(signal's unit)^2 / Hz."""
    averages: float
    """Independent periodograms behind each bin."""
    interval: float
    """Time between reads, s."""


@dataclass(frozen=True)
class NoiseParts:
    """S(f) = white + flicker (f / 1 Hz)^-exponent, of a signal relative to its mean."""

    white: Estimate
    """sd of one read, 1."""
    flicker: Estimate
    """Density at 1 Hz, 1/Hz."""
    exponent: Estimate


def level_of_differences(series: Values) -> Values:
    """Noise of one read, (..., reads) -> (...), in the unit of the series."""
    steps = np.diff(series, axis=-1)
    level: Values = np.sqrt(np.mean(steps**2, axis=-1) / 2)
    return level


def mean_interval(time: Values) -> float:
    """Mean spacing of time stamps, s, if they are even enough for a spectrum.

    Raises:
        DataError: too few, not rising, or spaced unevenly by more than half on average.
    """
    if time.size < _LEAST_READS:
        raise DataError(f"{time.size} reads are too few for a spectrum; take {_LEAST_READS}")
    steps = np.diff(time)
    mean = float(steps.mean())
    if not (mean > 0 and steps.min() >= 0 and np.mean(np.abs(steps - mean)) < 0.5 * mean):
        raise DataError(
            "time stamps do not rise evenly; sort the reads by time and take them at one rate"
        )
    return mean


def power_spectrum(series: Values, interval: float, segments: int = _SEGMENTS) -> Spectrum:
    """Spectrum of `series` (cells, reads), each about its own mean, averaged over cells."""
    length = 2 * series.shape[-1] // (segments + 1)
    frequency, density = welch(series, 1.0 / interval, nperseg=length, detrend="constant", axis=-1)
    # The first bin has lost power to the mean that was taken out, the last has half a bin.
    kept = slice(2, -1)
    averages = 0.9 * segments * series[..., 0].size
    return Spectrum(frequency[kept], density.mean(axis=0)[kept], averages, interval)


def slope_of(spectrum: Spectrum, band: tuple[float, float]) -> Estimate:
    """d log S / d log f within `band`, Hz."""
    inside = _inside(spectrum, band)
    x, y = np.log(spectrum.frequency[inside]), np.log(spectrum.density[inside])
    deviation = x - x.mean()
    slope = float(deviation @ y / (deviation @ deviation))
    residual = y - y.mean() - slope * deviation
    error = np.sqrt(_HANN_BINS * (residual @ residual) / (x.size - 2) / (deviation @ deviation))
    return Estimate(slope, float(error), "1", x.size)


def noise_parts(spectrum: Spectrum) -> NoiseParts:
    """White and flicker part of a relative signal's spectrum, without lines that stand out of it.

    Raises:
        DataError: no flicker to be seen.
    """
    frequency, density = spectrum.frequency, spectrum.density
    lines = np.zeros(density.size, dtype=np.bool_)
    for _ in range(_PASSES):
        found, error = _fit_parts(frequency[~lines], density[~lines], spectrum.averages)
        excess = density / _model(found, frequency) - 1
        lines = excess > _STANDS_OUT / np.sqrt(spectrum.averages)
    quiet = density[~lines]
    gain = _misfit(_model(found, frequency[~lines]), quiet) - _misfit(quiet.mean(), quiet)
    if -gain * spectrum.averages / _HANN_BINS < _WORTH or error[2] > 0.5:
        raise DataError("no flicker noise stands out of the white; measure for longer")
    white = float(np.sqrt(np.exp(found[0]) / (2 * spectrum.interval)))
    flicker, count = float(np.exp(found[1])), int((~lines).sum())
    return NoiseParts(
        Estimate(white, float(white * error[0] / 2), "1", count),
        Estimate(flicker, float(flicker * error[1]), "1/Hz", count),
        Estimate(float(found[2]), float(error[2]), "1", count),
    )


def spectral_estimates(spectrum: Spectrum) -> dict[str, Estimate]:
    """Slope and parts, as far as a relative signal's spectrum determines them."""
    estimates = {}
    with suppress(DataError):  # too short a record
        band = float(spectrum.frequency[0]), _SLOW / spectrum.interval
        estimates["spectrum_slope"] = slope_of(spectrum, band)
    with suppress(DataError):  # white alone describes it
        parts = noise_parts(spectrum)
        estimates |= {
            "white_floor_relative": parts.white,
            "flicker_at_1_hz": parts.flicker,
            "flicker_exponent": parts.exponent,
        }
    return estimates


def _fit_parts(frequency: Values, density: Values, averages: float) -> tuple[Values, Values]:
    """(ln white, ln flicker, exponent) of densities, and their errors."""
    weight = averages / _HANN_BINS
    high = float(np.median(density[-density.size // 4 :]))
    low = float(density[:4].mean())
    excess = max(low - high, 0.05 * high) * float(frequency[:4].mean())

    def objective(parameters: Values) -> float:
        return weight * _misfit(_model(parameters, frequency), density)

    start = np.array([np.log(high), np.log(excess), 1.0])
    return maximum_likelihood(objective, start, np.array([0.05, 0.3, 0.2]))


def _misfit(model: Values | float, density: Values) -> float:
    """Whittle's negative log-likelihood of one periodogram."""
    return float(np.sum(np.log(model) + density / model))


def _model(parameters: Values, frequency: Values) -> Values:
    white, flicker, exponent = parameters
    density: Values = np.exp(white) + np.exp(flicker) * frequency**-exponent
    return density


def _inside(spectrum: Spectrum, band: tuple[float, float]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (spectrum.frequency >= band[0]) & (spectrum.frequency <= band[1])
    if inside.sum() < 8:
        raise DataError(
            f"the spectrum has {inside.sum()} points within {band[0]:g} ... {band[1]:g} Hz; "
            "measure for longer, or choose another band"
        )
    return inside
