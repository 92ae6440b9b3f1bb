"""Where write-verify stands: the record of all cells, and the state of those that are pending.

The state follows from readings alone. `look`, and `advance` then `judge` once per round, applied to
the readings of a loop that was interrupted give the state it had; a campaign resumes that way.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import PulseKind
from rgnn_hal.programming.pulse_train import PulseTrain

Steps = NDArray[np.int16]

_GUARD = 0.7
"""Accepted in a verification, of the tolerance."""
_SIGNS = {PulseKind.SET: 1, PulseKind.RESET: -1}


class CellStatus(IntEnum):
    """How a cell ended."""

    VERIFIED = 0
    """A reading was within the guard band."""
    EXHAUSTED = 1
    """It answered to pulses, but ran out of them."""
    STUCK = 2
    """The whole train did not move it by more than the tolerance: short, open or unformed."""


@dataclass
class Cells:
    """The cells of one region on their way to their targets.

    Arrays of all cells have the region's shape, arrays of pending cells one element for each.
    """

    tolerance: float
    """S."""
    max_pulses: int
    """Of one cell, after which it is given up."""
    target: NDArray[np.float64]
    """Of all cells, S."""
    pending: NDArray[np.intp]
    """Flat indices."""
    rounds: int = field(init=False)
    """Pulses that each pending cell has had."""
    first: NDArray[np.float64] = field(init=False)
    """First readings, S: of all cells, flat, valid for pending ones; empty before them."""
    deaf: NDArray[np.bool_] = field(init=False)
    """Whether no reading was further from the first than the tolerance."""
    wanted: NDArray[np.int8] = field(init=False)
    """Polarity of the next pulse."""
    direction: NDArray[np.int8] = field(init=False)
    """Polarity of the last pulse, 0 before the first."""
    steps: dict[PulseKind, NDArray[np.int16]] = field(init=False)
    _reversed: NDArray[np.int32] = field(init=False)
    """How often each pending cell's polarity has changed in these rounds."""
    _pulses: NDArray[np.int32] = field(init=False)
    """Of all cells, up to the first of these rounds for pending ones; likewise `_reversals`."""
    _reversals: NDArray[np.int32] = field(init=False)
    _ended: NDArray[np.int8] = field(init=False)
    """`CellStatus` of all cells that are not pending."""

    def __post_init__(self) -> None:
        self._pulses = np.zeros(self.target.shape, np.int32)
        self._reversals = np.zeros(self.target.shape, np.int32)
        self._ended = np.full(self.target.shape, CellStatus.VERIFIED, np.int8)
        self._begin()

    @classmethod
    def of(cls, target: NDArray[np.float64], tolerance: float, max_pulses: int) -> "Cells":
        """All cells pending, and nothing known of them."""
        return cls(
            tolerance=tolerance,
            max_pulses=max_pulses,
            target=target,
            pending=np.arange(target.size),
        )

    @property
    def pulses(self) -> NDArray[np.int32]:
        """Of all cells, each followed by a reading."""
        pulses = self._pulses.copy()
        pulses.reshape(-1)[self.pending] += self.rounds
        return pulses

    @property
    def reversals(self) -> NDArray[np.int32]:
        """Changes of polarity of all cells."""
        reversals = self._reversals.copy()
        reversals.reshape(-1)[self.pending] += self._reversed
        return reversals

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which cells are pending."""
        mask = np.zeros(self.target.shape, np.bool_)
        mask.reshape(-1)[self.pending] = True
        return mask

    @property
    def finished(self) -> NDArray[np.bool_]:
        """Which cells were verified."""
        finished: NDArray[np.bool_] = (self._ended == CellStatus.VERIFIED) & ~self.mask
        return finished

    @property
    def status(self) -> NDArray[np.int8]:
        """`CellStatus` of every cell, were this the end."""
        status = self._ended.copy()
        ends = np.where(self.deaf, CellStatus.STUCK, CellStatus.EXHAUSTED)
        status.reshape(-1)[self.pending] = ends
        return status

    def reopen(self, mask: NDArray[np.bool_]) -> None:
        """Take up the cells of `mask` again, from the gentlest pulse, and let go of all others."""
        self._ended = self.status
        self._ended[mask] = CellStatus.VERIFIED
        self._keep(np.zeros(self.pending.size, np.bool_))
        self.pending = np.flatnonzero(mask)
        self._begin()

    def look(self, reading: NDArray[np.float64]) -> None:
        """Judge pending cells by a reading, S, without a pulse before it."""
        if not self.first.size:
            self.first = np.empty(self.target.size)
            self.first[self.pending] = reading
        self._verify(reading)
        self._give_up()

    def advance(self, train: PulseTrain) -> list[tuple[PulseKind, NDArray[np.intp], Steps]]:
        """Decide the next pulse of every pending cell, and count it.

        Returns:
            Kinds of pulse, with the flat indices of their cells and the step of each.
        """
        pulses = []
        for kind, sign in _SIGNS.items():
            own = self.wanted == sign
            steps = train.climb(
                self.steps[kind], own & (self.direction == sign), own & (self.direction == -sign)
            )
            self.steps[kind] = steps
            chosen = np.flatnonzero(own)
            if chosen.size:
                pulses.append((kind, self.pending[chosen], steps[chosen]))
        self._reversed += self.direction == -self.wanted
        self.direction = self.wanted
        self.rounds += 1
        return pulses

    def judge(self, reading: NDArray[np.float64], train: PulseTrain) -> None:
        """Judge pending cells by a reading after their pulses, S; let go of finished and stuck."""
        self._verify(reading)
        if self.rounds >= train.length:
            self._ended.reshape(-1)[self.pending[self.deaf]] = CellStatus.STUCK
            self._keep(~self.deaf)
        self._give_up()

    def _begin(self) -> None:
        count = self.pending.size
        self.rounds = 0
        self.first = np.empty(0)
        self.deaf = np.ones(count, np.bool_)
        self.wanted = np.zeros(count, np.int8)
        self.direction = np.zeros(count, np.int8)
        self.steps = {kind: np.zeros(count, np.int16) for kind in _SIGNS}
        self._reversed = np.zeros(count, np.int32)

    def _verify(self, reading: NDArray[np.float64]) -> None:
        deaf = np.flatnonzero(self.deaf)
        if deaf.size:
            moved = np.abs(reading[deaf] - self.first[self.pending[deaf]])
            self.deaf[deaf] = moved <= self.tolerance
        error = reading - self.target.reshape(-1)[self.pending]
        self.wanted = 2 * (error < 0.0).view(np.int8) - np.int8(1)
        np.abs(error, out=error)
        self._keep(error > _GUARD * self.tolerance)

    def _give_up(self) -> None:
        """For good: one more reading may be good by its noise alone."""
        if self.rounds >= self.max_pulses:
            self._ended = self.status
            self._keep(np.zeros(self.pending.size, np.bool_))

    def _keep(self, which: NDArray[np.bool_]) -> None:
        """Of the pending."""
        leaving = np.flatnonzero(~which)
        if not leaving.size:
            return
        gone, kept = self.pending[leaving], np.flatnonzero(which)
        self._pulses.reshape(-1)[gone] += self.rounds
        self._reversals.reshape(-1)[gone] += self._reversed[leaving]
        self.pending, self.deaf = self.pending[kept], self.deaf[kept]
        self.wanted, self.direction = self.wanted[kept], self.direction[kept]
        self._reversed = self._reversed[kept]
        self.steps = {kind: step[kept] for kind, step in self.steps.items()}
