"""What a product multiplies with: mean and variance of a window's cells, ready for BLAS.

Built once per window and kept until a pulse changes the chip; from one refresh of the slow noise to
the next only the mean is made anew. Currents come in codes of the line that senses them: `scale` is
codes of output per siemens and code of input.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.converters import LineConverters
from rgnn_hal_firmware.crossbar import Crossbar
from rgnn_hal_firmware.noise import Cells, Disturbances, FloatArray
from rgnn_hal_firmware.state import ChipState
from rgnn_hal_firmware.window import Side, Window

_CACHED_CELLS = 1 << 21
_ALIGNMENT = 64
"""Bytes of a cache line: BLAS takes up to a tenth longer where its rows begin within one."""


@dataclass
class Operand:
    """One window, seen from one side; arrays are (driven, sensed)."""

    lines: LineConverters
    """Of the sensed lines, in the operand's type."""
    scale: FloatArray
    """Of each sensed line, 1/S."""
    variance: FloatArray
    """Of each element in one sample."""
    conductance: FloatArray
    """Linear part of each element at the refresh below; through the wires, where they resist."""
    cubic: FloatArray | None
    """Cubic part, 1/V^2; None where cells are ohmic."""
    refresh: int


class Operands:
    """The operands of one chip, most recently used ones kept."""

    def __init__(self, disturbances: Disturbances, crossbar: Crossbar, cols: int) -> None:
        self._disturbances = disturbances
        self._crossbar = crossbar
        self._cols = cols
        self._kept: OrderedDict[tuple[Window, Side, str], Operand] = OrderedDict()

    def forget(self) -> None:
        """Drop everything: conductances have changed."""
        self._kept.clear()
        self._crossbar.forget()

    def find(
        self, window: Window, side: Side, dtype: np.dtype[Any], refresh: int, state: ChipState
    ) -> Operand | None:
        """The operand of `window` at `refresh`, None if it was never added or dropped since."""
        key = window, side, dtype.char
        operand = self._kept.get(key)
        if operand is None:
            return None
        self._kept.move_to_end(key)
        if operand.refresh != refresh:
            if self._disturbances.moves:
                parts = self._parts(window, state, operand.scale, side, dtype, refresh)
                operand.conductance, operand.cubic = parts
            operand.refresh = refresh
        return operand

    def add(
        self,
        window: Window,
        state: ChipState,
        lines: LineConverters,
        input_step: float,
        side: Side,
        dtype: np.dtype[Any],
        refresh: int,
    ) -> Operand:
        """Make the operand of `window` and keep it.

        Args:
            window: its cells.
            state: of the chip.
            lines: all that sense when `side` is driven.
            input_step: V per code of the driven lines.
            side: driven.
            dtype: of the products.
            refresh: for which the operand is made.
        """
        sensed = window.slices[1 if side == "rows" else 0]
        scale = lines.gain[sensed] * (input_step / lines.step)
        conductance, cubic = self._parts(window, state, scale, side, dtype, refresh)
        own = self._disturbances.variance(self._cells(window), state).reshape(window.shape)
        variance = self._crossbar.variance(own, state.conductance, window)
        operand = Operand(
            lines=lines.select(sensed, dtype),
            scale=scale,
            variance=_oriented(variance, scale**2, side, dtype),
            conductance=conductance,
            cubic=cubic,
            refresh=refresh,
        )
        self._kept[window, side, dtype.char] = operand
        kept_cells = sum(kept.conductance.size for kept in self._kept.values())
        while kept_cells > _CACHED_CELLS and len(self._kept) > 1:
            kept_cells -= self._kept.popitem(last=False)[1].conductance.size
        return operand

    def _cells(self, window: Window) -> Cells:
        return window.cells(self._cols).reshape(-1)

    def _parts(
        self,
        window: Window,
        state: ChipState,
        scale: FloatArray,
        side: Side,
        dtype: np.dtype[Any],
        refresh: int,
    ) -> tuple[FloatArray, FloatArray | None]:
        """Linear and cubic part at `refresh`."""
        time = refresh * self._disturbances.refresh
        present = self._disturbances.conductance(self._cells(window), state, time)
        linear, cubic = self._crossbar.parts(
            present.reshape(window.shape), state.conductance, window
        )
        oriented = None if cubic is None else _oriented(cubic, scale, side, dtype)
        return _oriented(linear, scale, side, dtype), oriented


def _oriented(
    array: NDArray[np.float64], scale: FloatArray, side: Side, dtype: np.dtype[Any]
) -> FloatArray:
    values = array if side == "rows" else array.T
    scaled = _aligned(values.shape, dtype)
    np.multiply(values, scale, out=scaled, casting="same_kind")
    return scaled


def _aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> FloatArray:
    size = math.prod(shape) * dtype.itemsize
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)
