"""What a product multiplies with: conductances of a window as they are at one time, ready for BLAS.

Operands are built once per window and kept until a pulse changes the chip; from one refresh of the
telegraph noise to the next only the cells with a trap are rewritten.

Conductances are rounded to a grid of 2^-42 S (for 512 lines and 16-bit inputs). A float64 product
of DAC codes with them is then a sum of integers below 2^53, which is exact: the same bits on every
machine, however many vectors share a call.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.noise import FloatArray, NoiseShape, loudness
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.telegraph import Index, Telegraph
from rgnn_hal_firmware.window import Side, Window

_CACHED_CELLS = 1 << 21


@dataclass
class Operand:
    """One window, seen from one side."""

    conductance: FloatArray
    """(driven, sensed), S, telegraph shifts included."""
    noise: NoiseShape
    traps: NDArray[np.intp]
    where: Index
    """Of each trap in `conductance`."""
    at_rest: NDArray[np.float64]
    """Conductance of each trap's cell without its shift, S."""
    relative_sigma: NDArray[np.float64]
    """sigma / white of each trap's cell: scales its shift."""
    refresh: int = field(default=-1)
    """Number of the refresh that the shifts belong to."""


class Operands:
    """The operands of one chip, most recently used ones kept."""

    def __init__(self, parameters: ChipParameters, telegraph: Telegraph) -> None:
        self._quiet_below = parameters.read_noise.quiet_below
        self._interval = parameters.telegraph.refresh
        self._telegraph = telegraph
        self._grid = _exact_grid(parameters)
        self._kept: OrderedDict[tuple[Window, Side, str], Operand] = OrderedDict()

    def forget(self) -> None:
        """Drop everything: conductances have changed."""
        self._kept.clear()

    def at(
        self,
        conductance: NDArray[np.float64],
        window: Window,
        side: Side,
        dtype: np.dtype[Any],
        refresh: int,
    ) -> Operand:
        """The operand of `window` at a refresh, from the chip's conductances at rest."""
        key = window, side, dtype.char
        operand = self._kept.get(key)
        if operand is None:
            operand = self._kept[key] = self._build(conductance[window.slices], window, side, dtype)
            self._evict()
        else:
            self._kept.move_to_end(key)
        if operand.refresh != refresh:
            shift = self._telegraph.shift(operand.traps, refresh * self._interval)
            shifted = operand.at_rest + shift * operand.relative_sigma
            operand.conductance[operand.where] = self._on_grid(shifted)
            operand.refresh = refresh
        return operand

    def _build(
        self, at_rest: NDArray[np.float64], window: Window, side: Side, dtype: np.dtype[Any]
    ) -> Operand:
        traps = self._telegraph.inside(window)
        where = self._telegraph.where(traps, window)
        if side == "cols":
            at_rest, where = at_rest.T, where[::-1]
        relative_sigma = loudness(at_rest, self._quiet_below)
        return Operand(
            conductance=np.ascontiguousarray(self._on_grid(at_rest), dtype=dtype),
            noise=NoiseShape.of(relative_sigma, dtype),
            traps=traps,
            where=where,
            at_rest=at_rest[where],
            relative_sigma=relative_sigma[where],
        )

    def _on_grid(self, conductance: NDArray[np.float64]) -> NDArray[np.float64]:
        codes = conductance / self._grid
        np.rint(codes, out=codes)
        codes *= self._grid
        return codes

    def _evict(self) -> None:
        cells = sum(operand.conductance.size for operand in self._kept.values())
        while cells > _CACHED_CELLS and len(self._kept) > 1:
            cells -= self._kept.popitem(last=False)[1].conductance.size


def _exact_grid(parameters: ChipParameters) -> float:
    periphery, array = parameters.periphery, parameters.array
    largest = periphery.cell_step * 2**periphery.adc_bits
    product_bits = periphery.dac_bits - 1 + int(np.ceil(np.log2(max(array.rows, array.cols))))
    return float(2.0 ** (np.ceil(np.log2(largest)) - (53 - product_bits)))
