"""Zero and gain calibration of a tile's columns.

A column's converter reports current = gain * true + zero. Zero is what it reports with all lines
grounded; gain is the slope, by least squares through the origin, of what it reports for known
random inputs over what the conductances that were read back predict:

    gain = sum_b I_b P_b / sum_b P_b^2,   P = v @ G

The standard error of the gain is about sigma_I / (rms(P) sqrt(vectors)): below 1e-3 at the defaults
on the default chip.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import Macro, Region
from rgnn_hal.macro.checks import FloatArray

_VECTORS = 256


@dataclass(frozen=True)
class TileCalibration:
    """Per sensed column: `zero`, A, and dimensionless `gain`."""

    zero: NDArray[np.float64]
    gain: NDArray[np.float64]

    def correct(self, current: FloatArray) -> FloatArray:
        """True currents (batch, columns), A, from reported ones."""
        return (current - self.zero.astype(current.dtype)) / self.gain.astype(current.dtype)


def calibrate(macro: Macro, region: Region, *, samples: int = 16, seed: int = 0) -> TileCalibration:
    """Measure the calibration of `region`'s columns; the conductances must be final.

    Every reading averages `samples` reads, or as many as the macro can.
    """
    rows, _ = region.shape
    samples = min(samples, macro.spec.max_samples)
    window = macro.spec.read_voltage
    inputs = np.random.default_rng([seed, 0x43414C]).uniform(
        window.low, window.high, (_VECTORS, rows)
    )
    vectors = min(_VECTORS, macro.spec.max_batch)
    with macro.lock:
        conductance = macro.read_conductance(region, samples)
        zero = macro.multiply(np.zeros((vectors, rows)), region=region, samples=samples).mean(
            axis=0
        )
        current = np.concatenate(
            [
                macro.multiply(inputs[start : start + vectors], region=region, samples=samples)
                for start in range(0, _VECTORS, vectors)
            ]
        )
    predicted = inputs @ conductance
    power = (predicted**2).sum(axis=0)
    slope = ((current - zero) * predicted).sum(axis=0)
    # A column without any conductance has no slope to measure; its currents are zero either way.
    gain = np.divide(slope, power, out=np.ones_like(power), where=power > 0)
    return TileCalibration(zero.astype(np.float64), gain)
