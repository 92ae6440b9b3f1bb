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
from rgnn_hal_firmware.noise import Disturbed, Values
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal

Numbers = NDArray[np.integer]

_SMOOTH = 1.5
"""Steps of noise from which rounding is noise too."""
_REACH = 8.0
"""sd of noise that no read is expected to exceed: once in 1e15."""
_BLOCK = 1 << 14
"""Cells that are read at a time: what is calculated for them stays in cache."""


class CellReader:
    """The instrument that reads single cells."""

    def __init__(self, parameters: ChipParameters, seed: int) -> None:
        self._converter = CellConverter.of(parameters)
        self._seed = seed

    def read(
        self, cells: Disturbed, mean: Values, number: Numbers, event: Numbers, samples: int
    ) -> Values:
        """Mean of `samples` reads, S; all arrays have the window's shape.

        Args:
            cells: to be read.
            mean: of each cell while it is read, S; consumed.
            number: of each cell on the chip.
            event: number of each cell's first read.
            samples: reads.
        """
        if samples == 1:
            total = self._sum(cells, mean, number, event, 1)
        else:
            singly = self._needs_single_reads(cells, mean)
            some = mean[singly][None]
            total = self._sum(cells, mean, number, event, samples)
            if some.size:
                few, number, event = cells.picked(singly), number[singly][None], event[singly][None]
                total[singly] = sum(
                    self._sum(few, some.copy(), number, event + read, 1)[0]
                    for read in range(samples)
                )
        total *= self._converter.step / samples
        return total

    def _needs_single_reads(self, cells: Disturbed, mean: Values) -> NDArray[np.bool_]:
        lowest = mean - _REACH * cells.sigma
        lowest[cells.fast.where] -= cells.fast.amplitude
        needs = lowest < 0.0
        np.subtract(2.0 * mean, lowest, out=lowest)
        needs |= lowest > self._converter.top * self._converter.step
        needs |= cells.sigma < _SMOOTH * self._converter.step
        return needs

    def _sum(
        self, cells: Disturbed, mean: Values, number: Numbers, event: Numbers, samples: int
    ) -> Values:
        """Sum of `samples` reads, in codes; consumes `mean`."""
        mean *= samples
        cells.disturb(mean, event, samples)
        rounding = (samples - 1) * self._converter.step**2 / 12
        rows = max(1, _BLOCK // mean.shape[1])
        for start in range(0, mean.shape[0], rows):
            block = slice(start, start + rows)
            noise = normal(self._seed, Purpose.CELL_READ, number[block], event[block])
            spread = cells.sigma[block]
            if samples > 1:
                spread = samples * spread**2
                spread += rounding
                np.sqrt(spread, out=spread)
            noise *= spread
            mean[block] += noise
            self._converter.codes(mean[block], samples)
        return mean
