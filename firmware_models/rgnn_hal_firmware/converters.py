"""Converters: volts to codes on the driven lines, amperes to codes on the sensed ones.

A converter of n bits uses 2^n - 1 codes, evenly spaced over its range so that both ends and zero
are codes: nothing applied is exactly nothing, because a line at rest is switched to ground. Every
line has errors of its own, drawn from the seed. With x = code / largest code, a line is driven by

    V = step (code (1 + gain) + offset + bow x (1 - x^2))

(pulses of `input_forms.SummedPlanes` stand at x = 1 each) and senses, beyond full scale in
saturation,

    s = (I (1 + gain) + offset) / step + noise z,    x = s / top
    code = clip(rint(s + bow (1 - x^2) + walk(x)), -top, top),    top = 2^(n-1) - 1

The bow is the smooth part of integral non-linearity. The walk is the part that comes from unequal
elements: a random walk over 32 segments of the range, tied at both ends, so that codes are lost
or doubled where segments meet. Noise is fresh in every conversion.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.input_forms import InputForm, input_form, input_step
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal
from rgnn_hal_firmware.window import Side

FloatArray = NDArray[np.floating[Any]]


_SEGMENTS = 32
"""Of the walk, over the range of a column converter."""


@dataclass(frozen=True)
class InputConverter:
    """The DACs of all driven lines, of both sides: columns are numbered after rows."""

    step: float
    """V per code."""
    top: float
    """Largest code."""
    offset: FloatArray
    """Of each line, in codes."""
    gain: FloatArray
    """1 + gain error of each line."""
    bow: FloatArray
    """In codes."""
    ideal: bool
    """Whether lines have no errors."""
    form: InputForm
    """How codes reach the cells."""

    @classmethod
    def of(cls, parameters: ChipParameters, seed: int) -> "InputConverter":
        """The chip's own."""
        periphery, array = parameters.periphery, parameters.array
        step = input_step(parameters)
        line = np.arange(array.rows + array.cols)
        spreads = periphery.input_offset_sd, periphery.input_gain_sd, periphery.input_bow_sd
        offset, gain, bow = (
            spread * normal(seed, purpose, line)
            for spread, purpose in zip(
                spreads,
                (Purpose.INPUT_OFFSET, Purpose.INPUT_GAIN, Purpose.INPUT_BOW),
                strict=True,
            )
        )
        top = periphery.read_voltage[1] / step
        form = input_form(parameters)
        return cls(step, top, offset / step, 1.0 + gain, bow * top, not any(spreads), form)

    def code(self, voltage: FloatArray) -> FloatArray:
        """Codes for `voltage` (batch, lines), V, in the same type."""
        codes = voltage / voltage.dtype.type(self.step)
        return np.rint(codes, out=codes)

    def drive(self, code: FloatArray, lines: slice) -> FloatArray:
        """What `lines` really carry for `code` (batch, lines), in codes; itself without errors."""
        if self.ideal:
            return code
        gain, offset, bow = (
            error[lines].astype(code.dtype) for error in (self.gain, self.offset, self.bow)
        )
        driven = code * gain
        driven += self.form.line_error(code / code.dtype.type(self.top), offset, bow)
        driven[code == 0] = 0
        return driven


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
    noise: float
    """Of one conversion, rms, in codes."""
    bow: FloatArray | None
    """Of each line, in codes; None without."""
    walk: FloatArray | None
    """Of each line and segment, in codes; None without."""

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
        bow = walk = None
        if periphery.bow_sd:
            bow = top * periphery.bow_sd * normal(seed, Purpose.CONVERTER_BOW, line)
        if periphery.walk_sd:
            walk = top * periphery.walk_sd * _bridge(seed, line)
        return cls(step, top, offset / step, 1.0 + gain, periphery.noise / step, bow, walk)

    def select(self, lines: slice, dtype: np.dtype[Any]) -> "LineConverters":
        """Those of some lines, calculating in `dtype`."""
        offset, gain = self.offset[lines].astype(dtype), self.gain[lines].astype(dtype)
        bow, walk = (
            None if error is None else error[lines].astype(dtype) for error in (self.bow, self.walk)
        )
        return replace(self, offset=offset, gain=gain, bow=bow, walk=walk)

    def convert(self, signal: FloatArray) -> None:
        """Bend, round and saturate a signal that has gain and offset already, codes, in place.

        Lines are its last axis.
        """
        bent = 0.0 if self.bow is None else self.bow * (1 - (signal / self.top) ** 2)
        if self.walk is not None:
            level = (signal + self.top) * (_SEGMENTS / (2 * self.top + 1))
            segment = np.clip(level, 0, _SEGMENTS - 1).astype(np.intp)
            bent = bent + self.walk[np.arange(signal.shape[-1]), segment]
        if self.bow is not None or self.walk is not None:
            signal += bent
        np.rint(signal, out=signal)
        signal.clip(-self.top, self.top, out=signal)


def _bridge(seed: int, line: NDArray[np.integer]) -> FloatArray:
    """Random walks over the segments that begin and end at 0, (lines, segments)."""
    number = line[:, None] * _SEGMENTS + np.arange(1, _SEGMENTS)
    steps = normal(seed, Purpose.CONVERTER_WALK, number) / np.sqrt(_SEGMENTS)
    steps -= steps.mean(axis=1, keepdims=True)
    walk: FloatArray = np.concatenate([np.zeros((line.size, 1)), steps.cumsum(axis=1)], axis=1)
    return walk


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
