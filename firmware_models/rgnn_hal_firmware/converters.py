"""Converters: volts to codes on the driven lines, amperes to codes on the sensed ones.

A converter of n bits uses 2^n - 1 codes, evenly spaced over its range so that both ends and zero
are codes: nothing applied is exactly nothing. Beyond full scale the column converter saturates. Its
lines have an offset and a gain error each, drawn from the seed:

    code = clip(rint((I (1 + gain) + offset) / step), -2^(n-1) + 1, 2^(n-1) - 1)
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal
from rgnn_hal_firmware.window import Side

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class InputConverter:
    """The DAC of one driven line."""

    step: float
    """V per code."""

    @classmethod
    def of(cls, parameters: ChipParameters) -> "InputConverter":
        """The chip's own."""
        low, high = parameters.periphery.read_voltage
        return cls((high - low) / (2**parameters.periphery.dac_bits - 2))

    def codes(self, voltage: FloatArray) -> FloatArray:
        """The nearest code of each voltage, of the same shape and type."""
        codes = voltage / voltage.dtype.type(self.step)
        return np.rint(codes, out=codes)


@dataclass(frozen=True)
class LineConverters:
    """The ADCs of all sensed lines of one side."""

    step: float
    """A per code."""
    top: int
    """Largest code; the smallest is its negative."""
    offset: FloatArray
    """Of each line, in codes."""
    gain: FloatArray
    """1 + gain error of each line."""

    @classmethod
    def of(cls, parameters: ChipParameters, seed: int, side: Side) -> "LineConverters":
        """Those that sense when `side` is driven."""
        periphery, array = parameters.periphery, parameters.array
        # Lines are numbered over both sides: 0 ... cols - 1 are columns, then come the rows.
        first, count = (0, array.cols) if side == "rows" else (array.cols, array.rows)
        line = np.arange(first, first + count)
        top = 2 ** (periphery.adc_bits - 1) - 1
        step = periphery.full_scale / top
        offset = periphery.offset_sd * normal(seed, Purpose.CONVERTER_OFFSET, line)
        gain = periphery.gain_sd * normal(seed, Purpose.CONVERTER_GAIN, line)
        return cls(step, top, offset / step, 1.0 + gain)

    def select(self, lines: slice, dtype: np.dtype[Any]) -> "LineConverters":
        """Those of some lines, calculating in `dtype`."""
        offset, gain = self.offset[lines].astype(dtype), self.gain[lines].astype(dtype)
        return replace(self, offset=offset, gain=gain)

    def convert(self, signal: FloatArray) -> None:
        """Round and saturate a signal that has gain and offset already, codes, in place."""
        np.rint(signal, out=signal)
        np.maximum(signal, -self.top, out=signal)
        np.minimum(signal, self.top, out=signal)


@dataclass(frozen=True)
class CellConverter:
    """The fine range in which single cells are read; zeroed by the board, so free of offset."""

    step: float
    """S per code."""
    top: int
    """Largest code; the smallest is 0."""

    @classmethod
    def of(cls, parameters: ChipParameters) -> "CellConverter":
        """The chip's own."""
        periphery = parameters.periphery
        return cls(periphery.cell_step, 2**periphery.adc_bits - 1)

    def codes(self, total: NDArray[np.float64], reads: int) -> None:
        """What a sum of `reads` conductances (S) reads, in codes, in place."""
        total /= self.step
        np.rint(total, out=total)
        np.clip(total, 0, reads * self.top, out=total)
