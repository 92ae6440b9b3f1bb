"""Reading cell by cell: a sum of several reads in one draw.

A read is k = clip(rint((G + sigma z) / step)). Where sigma is no less than 1.5 steps and the ends
of the range are out of reach, what rounding does to a read is uniform over one step and independent
of everything else, up to terms of exp(-2 pi^2 (sigma / step)^2), below 1e-19. n reads then sum to

    sum k = rint((n G + sqrt(n sigma^2 + (n - 1) step^2 / 12) z) / step),

in distribution: the last of the n roundings is done, the others, n - 1 uniform numbers beside n
normal ones that are at least five times as wide, go into the normal. That leaves an excess kurtosis
of less than 4e-3 / n. Other cells are read n times.
"""

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.converters import CellConverter
from rgnn_hal_firmware.noise import Cells, Disturbances, Disturbed, Values
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import CellBits, Purpose, normal_of
from rgnn_hal_firmware.span import span
from rgnn_hal_firmware.state import ChipState

_SMOOTH = 1.5
"""Steps of noise from which rounding is noise too."""
_REACH = 8.0
"""sd of noise that no read is expected to exceed: once in 1e15."""
_BLOCK = 1 << 15
"""Cells that are read at a time: what is calculated for them stays in cache."""


class CellReader:
    """The instrument that reads single cells."""

    def __init__(self, parameters: ChipParameters, seed: int, disturbances: Disturbances) -> None:
        self._disturbances = disturbances
        self._converter = CellConverter.of(parameters)
        array = parameters.array
        self._bits = CellBits(seed, Purpose.CELL_READ, array.rows * array.cols)

    def read(self, cells: Cells, state: ChipState, samples: int) -> Values:
        """Mean of `samples` reads of each of `cells` (flat indices), S; counts them."""
        conductance, reads = np.empty(cells.size), state.reads.reshape(-1)
        for start in range(0, cells.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            some = cells[block]
            place = span(some)
            event = reads[place]
            conductance[block] = self._read(some, state, event, samples)
            reads[place] = event + np.uint32(samples)
        return conductance

    def _read(
        self, cells: Cells, state: ChipState, event: NDArray[np.uint32], samples: int
    ) -> Values:
        """Mean of `samples` reads of `cells` (flat indices), the first of number `event`, S."""
        disturbed = self._disturbances.among(cells, state)
        mean = disturbed.conductance(state.time)
        if samples == 1:
            total = self._sum(disturbed, mean, event, 1)
        else:
            singly = np.flatnonzero(self._needs_single_reads(disturbed, mean))
            some = mean[singly]
            total = self._sum(disturbed, mean, event, samples)
            if some.size:
                # Every read of every such cell, at once.
                few = self._disturbances.among(np.tile(cells[singly], samples), state)
                number = np.arange(samples, dtype=np.uint32)[:, None] + event[singly]
                reads = self._sum(few, np.tile(some, samples), number.reshape(-1), 1)
                total[singly] = reads.reshape(number.shape).sum(axis=0)
        total *= self._converter.step / samples
        return total

    def _needs_single_reads(self, cells: Disturbed, mean: Values) -> NDArray[np.bool_]:
        swing = _REACH * cells.sigma
        swing[cells.fast.place] += cells.fast.amplitude
        needs: NDArray[np.bool_] = mean < swing
        # Two conditions that hardly any block of cells meets.
        highest = self._converter.top * self._converter.step
        if mean.max() + swing.max() > highest:
            needs |= mean + swing > highest
        smooth = _SMOOTH * self._converter.step
        if cells.sigma.min() < smooth:
            needs |= cells.sigma < smooth
        return needs

    def _sum(
        self, cells: Disturbed, mean: Values, event: NDArray[np.uint32], samples: int
    ) -> Values:
        """Sum of `samples` reads, in codes; consumes `mean`."""
        mean *= samples
        cells.disturb(mean, event, samples)
        noise = normal_of(self._bits.draw(cells.cells, event))
        spread = cells.sigma
        if samples > 1:
            spread = samples * spread**2
            spread += (samples - 1) * self._converter.step**2 / 12
            np.sqrt(spread, out=spread)
        noise *= spread
        mean += noise
        self._converter.codes(mean, samples)
        return mean
