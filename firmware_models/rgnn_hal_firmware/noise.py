"""Read noise: white and 1/f in every cell, and telegraph noise in some.

All formed cells have the same white sigma, whatever their conductance (RGNN: flat over |w| and over
G). Towards high resistance it is the *relative* noise that saturates (Ielmini et al., Appl. Phys.
Lett. 96, 053503 (2010)), so pristine cells are quiet:

    sigma(G) = white * min(1, G / quiet_below)

1/f noise and slow traps are state: they move with the time and do not average out within a read.
Telegraph amplitudes scale likewise, and no trap blocks more than its cell conducts. `Disturbances`
are all of one chip, `Disturbed` some cells of it with all that moves and disturbs them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.cell_parameters import ReadNoiseParameters
from rgnn_hal_firmware.flicker import Flicker
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.relaxation import Relaxation
from rgnn_hal_firmware.span import span
from rgnn_hal_firmware.state import ChipState
from rgnn_hal_firmware.telegraph import Traps, TrapTable
from rgnn_hal_firmware.thermal import Thermal

FloatArray = NDArray[np.floating[Any]]
Values = NDArray[np.float64]
Cells = NDArray[np.int64]

_BLOCK = 1 << 15
"""Cells that are looked at together: what is calculated for them stays in cache."""


@dataclass(frozen=True)
class Disturbances:
    """All that disturbs one chip's cells."""

    noise: ReadNoiseParameters
    fast: TrapTable
    slow: TrapTable
    moves: bool
    """Whether conductances depend on the time."""
    refresh: float
    """Grid of chip time on which slow traps move, s."""
    relaxation: Relaxation
    flicker: Flicker
    thermal: Thermal

    @classmethod
    def of(
        cls, parameters: ChipParameters, seed: int, relaxation: Relaxation, thermal: Thermal
    ) -> Self:
        """The chip's own."""
        refresh = parameters.telegraph.refresh
        fast, slow = Traps.of(parameters, seed).split(refresh)
        flicker = Flicker(parameters, seed)
        cells = parameters.array.rows * parameters.array.cols
        return cls(
            noise=parameters.read_noise,
            fast=TrapTable(fast, cells),
            slow=TrapTable(slow, cells),
            moves=bool(slow.cell.size) or relaxation.active or flicker.active,
            refresh=refresh,
            relaxation=relaxation,
            flicker=flicker,
            thermal=thermal,
        )

    def conductance(self, cells: Cells, state: ChipState, time: float) -> Values:
        """Of `cells` (flat indices) at `time` (s): relaxed, with 1/f noise and slow traps, S."""
        present = np.empty(cells.size)
        for block in _blocks(cells.size):
            present[block] = self.among(cells[block], state).conductance(time)
        return present

    def variance(self, cells: Cells, state: ChipState) -> Values:
        """Of one read or one sample of each of `cells` (flat indices), S^2."""
        variance = np.empty(cells.size)
        for block in _blocks(cells.size):
            variance[block] = self.among(cells[block], state).variance()
        return variance

    def among(self, cells: Cells, state: ChipState) -> "Disturbed":
        """`cells` (flat indices) of a chip in `state`."""
        return Disturbed(cells, state.conductance.reshape(-1)[span(cells)], state, self)


@dataclass(frozen=True)
class Disturbed:
    """Some cells; arrays have one element for each."""

    cells: Cells
    """Flat indices."""
    at_rest: Values
    """Conductance, S."""
    state: ChipState
    chip: Disturbances

    @cached_property
    def loudness(self) -> Values:
        """Noise over that of formed cells: 0 ... 1."""
        return np.minimum(self.at_rest / self.chip.noise.quiet_below, 1.0)

    @cached_property
    def sigma(self) -> Values:
        """White noise of one read, S."""
        return self.chip.noise.white * self.loudness

    @cached_property
    def fast(self) -> Traps:
        """Those that are drawn anew in every read."""
        return self.chip.fast.among(self.cells)

    @cached_property
    def slow(self) -> Traps:
        """Those that move with the time."""
        return self.chip.slow.among(self.cells)

    def conductance(self, time: float) -> Values:
        """Relaxed, with 1/f noise and slow traps, as the cells are at `time` (s), S; a copy."""
        present = self.at_rest + self.chip.relaxation.shift(self.state, self.cells, time)
        if self.chip.flicker.active:
            present += self.at_rest * self.chip.flicker.relative_shift(self.cells, time)
        if self.slow.cell.size:
            step = np.floor(time / self.chip.refresh) * self.chip.refresh
            present[self.slow.place] += self.slow.shift_at(step) * self._scale(self.slow)
        factor = self.chip.thermal.factor(self.at_rest, self.cells)
        return present if factor is None else present * factor

    def variance(self) -> Values:
        """Of one read or one sample: white and fast traps, S^2."""
        variance = self.sigma**2
        variance[self.fast.place] += self.fast.variance * self._scale(self.fast) ** 2
        return variance

    def disturb(self, sums: Values, number: NDArray[np.integer], reads: int) -> None:
        """Add the fast traps' shifts to `sums` (S) of `reads` reads, the first of `number`."""
        shift = self.fast.shift_of_reads(number[self.fast.place], reads)
        sums[self.fast.place] += shift * self._scale(self.fast)

    def _scale(self, traps: Traps) -> Values:
        """By how much each trap's amplitude is smaller than in a formed cell."""
        conducts = self.at_rest[traps.place] / traps.amplitude
        return np.minimum(self.loudness[traps.place], conducts)


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, _BLOCK):
        yield slice(start, start + _BLOCK)
