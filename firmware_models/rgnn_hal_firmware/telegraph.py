"""Random telegraph noise: in some cells one trap holds or frees a charge, and G has two levels.

    G(t) = G + A (b(t) - q),    b = 1 while the trap is empty, P(b = 1) = q

A is log-normal over formed cells (IEDM 2014, 10.1109/IEDM.2014.7047051) and smaller where little
conducts (`noise`), q uniform, the time constant tau log-uniform. Two limits of the two-state Markov
process b(t) cover all traps, told apart by the `refresh` interval:

*Fast* traps (tau < refresh) are taken as independent from one sample to the next. A single read
sees one of two levels; a product sees the sum over many cells, of variance sum v^2 A^2 q (1 - q).

*Slow* traps are state. It is computed, not walked: on a grid of tau / 2 the process is renewed with
probability 1 - e^(-1/2), and b(t) is what was drawn at the latest renewal. That has the exponential
correlation of the process and gives the state of any cell at any time from its seed alone: nothing
to store, nothing that depends on who asked before.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal, uniform
from rgnn_hal_firmware.span import span

Values = NDArray[np.float64]
Index = NDArray[np.intp]

_STEPS_PER_TIME_CONSTANT = 2
_RENEWAL = -np.expm1(-1.0 / _STEPS_PER_TIME_CONSTANT)
_END_OF_TIME = 1e12
"""s; later than this nothing moves, which keeps step numbers within int64."""
_READS_AT_ONCE = 16


@dataclass(frozen=True)
class Traps:
    """Some traps of one chip; every array has one element per trap."""

    seed: int
    cell: Index
    """Flat index of the trap's cell on the chip."""
    place: Index
    """Of that cell among those that the traps were looked up for."""
    amplitude: Values
    """A, S."""
    empty: Values
    """q, the share of time that the trap is empty."""
    time_constant: Values
    """tau, s."""

    @classmethod
    def of(cls, parameters: ChipParameters, seed: int) -> Self:
        """All traps of the chip."""
        telegraph, array = parameters.telegraph, parameters.array
        present = uniform(seed, Purpose.TRAP_PRESENT, np.arange(array.rows * array.cols))
        cell = np.flatnonzero(present < telegraph.cell_fraction)
        spread = telegraph.amplitude_sigma * normal(seed, Purpose.TRAP_AMPLITUDE, cell)
        low, high = np.log(telegraph.time_constants)
        log_time = low + (high - low) * uniform(seed, Purpose.TRAP_TIME, cell)
        empty = uniform(seed, Purpose.TRAP_OCCUPANCY, cell)
        amplitude = telegraph.amplitude_median * np.exp(spread)
        return cls(seed, cell, cell, amplitude, empty, np.exp(log_time))

    def split(self, time_constant: float) -> tuple[Self, Self]:
        """Those below `time_constant` (s), and the others."""
        fast = self.time_constant < time_constant
        slow = ~fast
        return self.chosen(fast, self.place[fast]), self.chosen(slow, self.place[slow])

    @property
    def variance(self) -> Values:
        """A^2 q (1 - q), S^2."""
        variance: Values = self.amplitude**2 * self.empty * (1.0 - self.empty)
        return variance

    def shift_of_reads(self, read: NDArray[np.integer], count: int) -> Values:
        """Sum of A (b - q), S, over `count` independent reads, numbered from `read` for each cell.

        In how many of up to 16 reads a trap is empty is one binomial draw.
        """
        empty = np.zeros(self.cell.size)
        for start in range(0, count, _READS_AT_ONCE):
            draw = uniform(self.seed, Purpose.TRAP_READ, self.cell, read + start)
            empty += _binomial(draw, min(_READS_AT_ONCE, count - start), self.empty)
        shift: Values = self.amplitude * (empty - count * self.empty)
        return shift

    def shift_at(self, time: float) -> Values:
        """A (b(t) - q), S, at `time` (s)."""
        step = self.time_constant / _STEPS_PER_TIME_CONSTANT
        phase = uniform(self.seed, Purpose.TRAP_PHASE, self.cell)
        slot = np.floor(min(time, _END_OF_TIME) / step + phase).astype(np.int64)
        # Without a renewal in 32 steps (probability 1e-7) the state is drawn there.
        pending = np.arange(self.cell.size)
        for _ in range(32):
            draw = uniform(self.seed, Purpose.TRAP_RENEWAL, self.cell[pending], slot[pending])
            pending = pending[draw >= _RENEWAL]
            if not pending.size:
                break
            slot[pending] -= 1
        return self._shift(uniform(self.seed, Purpose.TRAP_STATE, self.cell, slot))

    def _shift(self, draw: Values) -> Values:
        shift: Values = self.amplitude * ((draw < self.empty) - self.empty)
        return shift

    def chosen(self, which: NDArray[np.bool_] | Index, place: Index) -> Self:
        """Some of the traps, and the place of each."""
        return type(self)(
            self.seed,
            self.cell[which],
            place,
            self.amplitude[which],
            self.empty[which],
            self.time_constant[which],
        )


class TrapTable:
    """The traps of one chip, found by cell."""

    def __init__(self, traps: Traps, cells: int) -> None:
        self._traps = traps
        self._number = np.full(cells, -1, np.int32)
        self._number[traps.cell] = np.arange(traps.cell.size)

    def among(self, cells: Index) -> Traps:
        """Those of `cells` (flat indices)."""
        if not self._traps.cell.size:
            return self._traps
        number: NDArray[np.int32] = self._number[span(cells)]
        place = np.flatnonzero(number >= 0)
        return self._traps.chosen(number[place].astype(np.intp), place)


def _binomial(draw: Values, count: int, probability: Values) -> Values:
    """Successes among `count` trials, from one uniform `draw` each."""
    failures = 1.0 - probability
    term = failures**count
    odds = probability / failures
    total, successes = term.copy(), np.zeros(draw.size)
    for trial in range(count):
        successes += draw >= total
        term *= odds
        term *= (count - trial) / (trial + 1)
        total += term
    return successes
