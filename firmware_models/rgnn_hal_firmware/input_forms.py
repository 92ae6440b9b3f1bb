"""How a code of an input converter reaches the cells: as a voltage, or as planes that are summed.

`Levels`: the line is held at a voltage in proportion to the code k.

`SummedPlanes`: the line is pulsed once per bit of |k| = sum_p 2^p b_p, on or off at full read
voltage, and an integrator weighs what plane p draws by 2^p before the one conversion (Wan et al.,
Nature 608, 504 (2022)). With noise z_p of its own in every plane

    I = step sum_p 2^p b_p (G + sigma z_p) = step (k G + sqrt(sum_p 4^p b_p) sigma z)

so that a product means the same and is quieter (k = 127: 5461 in place of 16129), and every cell
sees full voltage whatever the code, so that its curve is a factor and no distortion.

Planes with a conversion each are no matter of the chip: whoever drives it sends them one by one.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters

FloatArray = NDArray[np.floating[Any]]


class InputForm(Protocol):
    """Arrays are (batch, lines) or broadcast with it."""

    def line_error(self, level: FloatArray, offset: FloatArray, bow: FloatArray) -> FloatArray:
        """What a line adds to a code, in codes; `level` is the code over the largest one."""

    def cubed(self, voltage: FloatArray) -> FloatArray:
        """What the cubic part of a cell's conductance multiplies with, V^3, for what is coded."""

    def power(self, code: FloatArray, driven: FloatArray) -> FloatArray:
        """What the variance of a cell multiplies with; consumes `driven`, the code with errors."""

    def noise_share(self, code: FloatArray) -> FloatArray | NDArray[np.bool_]:
        """How much of its converter's noise each line carries, rms; a line at rest none."""


@dataclass(frozen=True)
class Levels:
    """One voltage per code."""

    def line_error(self, level: FloatArray, offset: FloatArray, bow: FloatArray) -> FloatArray:
        """See `InputForm`."""
        return np.asarray(offset + bow * level * (1 - level**2))

    def cubed(self, voltage: FloatArray) -> FloatArray:
        """See `InputForm`."""
        return np.asarray(voltage**3)

    def power(self, code: FloatArray, driven: FloatArray) -> FloatArray:
        """See `InputForm`."""
        driven *= driven
        return driven

    def noise_share(self, code: FloatArray) -> NDArray[np.bool_]:
        """See `InputForm`."""
        return np.not_equal(code, 0)


@dataclass(frozen=True)
class SummedPlanes:
    """One on/off pulse per bit, summed with its weight before the conversion."""

    full: float
    """Voltage of a pulse, V."""
    top: int
    """Largest code."""

    def line_error(self, level: FloatArray, offset: FloatArray, bow: FloatArray) -> FloatArray:
        """See `InputForm`."""
        return np.asarray(np.abs(level) * offset)  # every pulse is at full scale, without bow

    def cubed(self, voltage: FloatArray) -> FloatArray:
        """See `InputForm`."""
        return np.asarray(voltage * voltage.dtype.type(self.full**2))

    def power(self, code: FloatArray, driven: FloatArray) -> FloatArray:
        """See `InputForm`."""
        return self._powers.take(np.abs(code).astype(np.intp)).astype(code.dtype, copy=False)

    def noise_share(self, code: FloatArray) -> FloatArray:
        """See `InputForm`."""
        return np.asarray(np.sqrt(self.power(code, code)) / self.top)

    @cached_property
    def _powers(self) -> NDArray[np.float64]:
        """sum_p 4^p b_p of every code."""
        code = np.arange(self.top + 1)
        planes = range(self.top.bit_length())
        return np.asarray(sum(4.0**plane * (code >> plane & 1) for plane in planes))


def input_step(parameters: ChipParameters) -> float:
    """Read voltage per code, V."""
    low, high = parameters.periphery.read_voltage
    codes: int = 2**parameters.periphery.dac_bits - 2
    return (high - low) / codes


def input_form(parameters: ChipParameters) -> InputForm:
    """The chip's own."""
    full = parameters.periphery.read_voltage[1]
    if parameters.periphery.input_planes:
        return SummedPlanes(full, round(full / input_step(parameters)))
    return Levels()
