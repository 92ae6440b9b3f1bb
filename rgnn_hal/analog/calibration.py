"""Zero and gain calibration of a tile's columns, or of its rows where columns are driven.

A sensed line's converter reports current = gain * true + zero. Both follow from what it reports for
known random inputs v against what the conductances that were read back predict:

    zero = mean_b I_b,   gain = sum_b (I_b - zero) P_b / sum_b P_b^2,   P = v @ G

The inputs come in pairs v and -v, so that their predictions have no mean. Grounded lines would not
do for the zero: without the noise of cells that carry a voltage the converter rounds each column's
offset to a whole code, which is wrong by 14 nA rms on chip40nm, 0.6 % of a product of 128 inputs.
Where voltages cannot be negative, grounded lines are all there is.

The standard error of the gain is about sigma_I / (rms(P) sqrt(vectors)): below 1e-3 at the defaults
on the default chip.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.cost import Ledger, record
from rgnn_hal.macro import Macro, MacroSpec, Region, Side
from rgnn_hal.macro.checks import FloatArray

_VECTORS = 256
_HEADROOM = 0.9
"""Of a converter's range, used at most: gains, offsets and noise need the rest."""
_RESOLVED = 4.0
"""Codes of rms signal below which rounding decides the slope; such a column keeps a gain of 1."""


@dataclass(frozen=True)
class TileCalibration:
    """Per sensed line: `zero`, A, and dimensionless `gain`."""

    zero: NDArray[np.float64]
    gain: NDArray[np.float64]

    def correct(self, current: FloatArray) -> FloatArray:
        """True currents (batch, lines), A, from reported ones."""
        corrected = current - self.zero.astype(current.dtype)
        corrected /= self.gain.astype(current.dtype)
        return corrected


def calibrate(
    macro: Macro, region: Region, *, samples: int = 16, seed: int = 0, side: Side = "rows"
) -> TileCalibration:
    """Measure the calibration of `region`'s columns; the conductances must be final.

    Every reading averages `samples` reads, or as many as the macro can. With side "cols" it is that
    of the rows.

    Raises:
        NotSupportedError: the macro cannot drive columns.
    """
    spec = macro.spec
    samples = min(samples, spec.max_samples)
    driven = region.shape[0] if side == "rows" else region.shape[1]
    inputs, at_rest = _inputs(spec, driven, seed)
    with macro.lock:
        conductance = macro.read_conductance(region, samples)
        if side == "cols":
            conductance = conductance.T
        record(Ledger(cell_reads=samples * region.cells))
        inputs *= _unsaturated(spec, inputs @ conductance)
        current = _sense(macro, inputs, region, samples, side)
        zero = _sense(macro, at_rest, region, samples, side) if at_rest is not inputs else current
    offset = zero.mean(axis=0)
    predicted = inputs @ conductance
    power = (predicted**2).sum(axis=0)
    slope = ((current - offset) * predicted).sum(axis=0)
    resolved = power > _VECTORS * (_RESOLVED * spec.current_step) ** 2
    gain = np.divide(slope, power, out=np.ones_like(power), where=resolved)
    return TileCalibration(offset, gain)


def _inputs(spec: MacroSpec, lines: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Random inputs for the gain, and those whose mean current is the zero, (vectors, lines), V."""
    window = spec.read_voltage
    full = min(window.high, -window.low) if window.low < 0 else window.high
    random = np.random.default_rng([seed, 0x43414C])
    if window.low < 0:
        half = random.uniform(-full, full, (_VECTORS // 2, lines))
        paired = np.concatenate([half, -half])
        return paired, paired
    return random.uniform(0, full, (_VECTORS, lines)), np.zeros((_VECTORS, lines))


def _unsaturated(spec: MacroSpec, current: FloatArray) -> float:
    """By how much inputs must shrink for `current`, A, to stay within the converters' range."""
    largest = float(np.abs(current).max())
    return min(1.0, _HEADROOM * spec.current.high / largest) if largest > 0 else 1.0


def _sense(
    macro: Macro, voltage: FloatArray, region: Region, samples: int, side: Side
) -> FloatArray:
    chunk = macro.spec.max_batch
    sensed = region.cells // voltage.shape[1]
    record(
        Ledger(
            planes=len(voltage),
            samples=samples * len(voltage),
            drives=samples * voltage.size,
            conversions=samples * len(voltage) * sensed,
            macs=samples * len(voltage) * region.cells,
            cell_volts=samples * sensed * float(np.abs(voltage).sum()),
        )
    )
    return np.concatenate(
        [
            macro.multiply(
                voltage[start : start + chunk], side=side, region=region, samples=samples
            )
            for start in range(0, len(voltage), chunk)
        ]
    )
