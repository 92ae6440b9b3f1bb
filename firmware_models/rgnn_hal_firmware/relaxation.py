"""Relaxation and drift: where a cell goes by itself after its last pulse, as one trajectory.

A pulse leaves a cell at G_0. From `onset` on it diffuses in ln t; nothing is ever drawn again from
G_0, and the next pulse finds the cell where it has gone:

    G(t) = | G_0 + s_1 A + s_2 B + d ln(t / 1 s) |
    A = W_a(ln(t / onset) / ln(1 s / onset))    up to 1 s, constant from then on
    B = W_b(ln(t / 1 s))                        from 1 s on

W_a and W_b are Brownian motions of the cell and its latest pulse. s_1 is the spread that cells have
1 s after the pulse, s_2 what a day adds per root e-fold, d the drift per e-fold; all depend on the
state G_0 (`Tabulated`). A variance linear in ln t joins the published spreads at 1 s, 1 day and
2 days (Wan et al., Nature 608, 504 (2022), Extended Data Fig. 3d; CMO/HfOx: arXiv 2502.04524).
Conductances do not pass below zero: they are reflected there, as low states rise (Baroni et al.,
IEEE TDMR 22, 340 (2022)).

Filaments that forming left are at rest: the published cells, never written, do not drift.

W is computed, not walked. It is known on a grid of 16 steps up to 1 s and 2 per e-fold after that,
by Levy's construction: the end point first, then midpoints of halves of halves, each with its own
number drawn for (cell, pulse, midpoint). So any time costs the same and may be asked in any order.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, draw_bits, further_bits, normal_of
from rgnn_hal_firmware.span import span, spots
from rgnn_hal_firmware.state import ChipState
from rgnn_hal_firmware.tabulated import Tabulated

Values = NDArray[np.float64]
Cells = NDArray[np.int64]
Steps = NDArray[np.uint8]

_EARLY_LEVELS = 4
_EARLY = 1 << _EARLY_LEVELS
"""Steps between the onset and 1 s."""
_LATE_LEVELS = 6
_LATE = 1 << _LATE_LEVELS
_PER_E_FOLD = 2
"""Steps after 1 s; 64 of them last for 8e13 s, after which nothing moves."""
_LATE_NODES = 1 << 16
_END_OF_TIME = 1e30
"""s: within what float32 holds."""
_DAY = np.log(86400.0)
_MARGIN = 1e-5
"""Of the times at which cells move on: a step is found in float32."""
_BLOCK = 1 << 14


class Relaxation:
    """The relaxation of one chip's cells.

    It remembers how far each cell has gone at the step that was asked for last, and how long that
    holds, so that only cells that have moved on are calculated; the result does not depend on it.
    """

    def __init__(self, parameters: ChipParameters, seed: int) -> None:
        relaxation, array = parameters.relaxation, parameters.array
        levels = relaxation.levels
        second, day = np.array(relaxation.sd_one_second), np.array(relaxation.sd_one_day)
        added = np.sqrt(np.maximum(day**2 - second**2, 0.0) / _DAY)
        self._early = Tabulated(levels, relaxation.sd_one_second)
        self._late = Tabulated(levels, tuple(added))
        self._drift = Tabulated(levels, relaxation.drift_per_e_fold)
        self._onset = relaxation.onset
        self._early_rate = _EARLY / -np.log(relaxation.onset)
        early = np.log(self._onset) + np.arange(1, _EARLY + 1) / self._early_rate
        late = np.arange(1, _LATE + 1) / _PER_E_FOLD
        self._ages = np.exp(np.concatenate([early, late, [np.inf]]))
        """At which cells leave each step, s."""
        self._seed = seed
        self.active = max(t.largest for t in (self._early, self._late, self._drift)) > 0.0
        """Whether cells of this kind relax at all."""
        cells = array.rows * array.cols
        self._step = np.zeros(cells, np.uint8)
        self._shift = np.zeros(cells, np.float32)
        self._until = np.full(cells, -np.inf, np.float32)
        """Earlier than the times, s, at which cells reach their next steps; never, if unwritten."""
        self._latest = -np.inf
        """Latest time that was asked for, s."""

    def shift(self, state: ChipState, cells: Cells, time: float) -> NDArray[np.float32]:
        """By how much each of `cells` (flat indices) has moved at `time` (s), S."""
        place = span(cells)
        if self.active:
            if time >= self._latest:
                self._latest = time
                due = np.flatnonzero(self._until[place] <= time)
                self._update(state, cells[due] if due.size < cells.size else cells, time)
            else:
                self._update(state, cells, time)
        return self._shift[place]

    def settle(self, state: ChipState, cells: Cells, time: float) -> None:
        """Make what `cells` (flat indices) have become at `time` (s) the state that pulses find."""
        if not self.active:
            return
        event = state.pulses.reshape(-1)[cells]
        if not event.all():
            self._until[cells[event == 0]] = -np.inf
        pulsed_at = state.pulsed_at.reshape(-1)[cells]
        if self._too_young(pulsed_at, time):
            return
        steps = self._steps(pulsed_at, time)
        steps *= event > 0
        gone = np.flatnonzero(steps)
        if gone.size:
            conductance, cells = state.conductance.reshape(-1), cells[gone]
            shift = self._displacement(conductance[cells], cells, event[gone], steps[gone])
            conductance[cells] += shift.astype(np.float32)
            self.forget(cells)

    def forget(self, cells: Cells) -> None:
        """`cells` (flat indices) have been changed."""
        if self.active:
            self._step[cells] = 0
            self._shift[cells] = 0.0
            self._until[cells] = -np.inf

    def _too_young(self, pulsed_at: Values, time: float) -> bool:
        """Whether none of some cells can have moved; so are all in the midst of programming."""
        return not pulsed_at.size or bool(pulsed_at.min() > time - self._onset)

    def _steps(self, pulsed_at: Values, time: float) -> Steps:
        """The last step of the grid that cells have reached, which were pulsed then."""
        age = np.clip(time - pulsed_at, self._onset, _END_OF_TIME).astype(np.float32)
        logarithm = np.log(age, out=age)
        late = logarithm * np.float32(_PER_E_FOLD) + np.float32(_EARLY)
        early = (logarithm - np.float32(np.log(self._onset))) * np.float32(self._early_rate)
        steps = np.where(logarithm < 0.0, early, late)
        np.minimum(steps, np.float32(_EARLY + _LATE), out=steps)
        return steps.astype(np.uint8)

    def _update(self, state: ChipState, cells: Cells, time: float) -> None:
        """Remember where `cells` are at `time` (s)."""
        for start in range(0, cells.size, _BLOCK):
            some = cells[start : start + _BLOCK]
            pulses = state.pulses.reshape(-1)[span(some)]
            if not pulses.all():
                self._until[some[pulses == 0]] = np.inf
                written = np.flatnonzero(pulses)
                some, pulses = some[written], pulses[written]
                if not some.size:
                    continue
            place = span(some)
            pulsed_at = state.pulsed_at.reshape(-1)[place]
            steps = self._steps(pulsed_at, time)
            self._until[place] = (pulsed_at + self._ages.take(steps)) * (1.0 - _MARGIN)
            moved = spots(steps != self._step[place])
            gone = some[moved]
            if gone.size:
                place = span(gone)
                rest = state.conductance.reshape(-1)[place]
                self._shift[place] = self._displacement(rest, gone, pulses[moved], steps[moved])
                self._step[place] = steps[moved]

    def _displacement(
        self, rest: Values, cells: Cells, event: NDArray[np.uint32], steps: Steps
    ) -> Values:
        """G - G_0 of cells that were left at `rest` (S) by pulse `event`, at `steps`."""
        bits = draw_bits(self._seed, Purpose.RELAXATION, cells, event)
        early = np.minimum(steps, _EARLY)
        walk = brownian(bits, early, _EARLY_LEVELS)
        walk *= self._early.at(rest) / np.sqrt(_EARLY)
        if steps.max() > _EARLY:
            late = spots(steps > _EARLY)
            since = steps[late] - np.uint8(_EARLY)
            further = brownian(bits[late], since, _LATE_LEVELS, _LATE_NODES)
            further *= self._late.at(rest[late]) / np.sqrt(_PER_E_FOLD)
            further += self._drift.at(rest[late]) * (since / _PER_E_FOLD)
            walk[late] += further
        walk += rest
        np.abs(walk, out=walk)
        walk -= rest
        return walk


def brownian(
    bits: NDArray[np.uint64], step: NDArray[np.integer], levels: int, nodes: int = 0
) -> Values:
    """W(step) of a Brownian motion with unit variance per step, 0 <= step <= 2^levels.

    Args:
        bits: the random word of each motion.
        step: where each is wanted.
        levels: number of halvings of its whole length.
        nodes: number of the first draw; motions of the same bits and other nodes are independent.
    """
    length = 1 << levels
    walk = normal_of(further_bits(bits, nodes))
    walk *= step / np.sqrt(length)
    for level in range(levels):
        # A segment is a power of two: bits are masked and shifted, not divided.
        segment = length >> level
        inside = step & (segment - 1)
        if not inside.any():
            break
        moving = spots(inside != 0)
        node = step[moving].astype(np.uint64)
        node >>= np.uint64(levels - level)
        node += np.uint64(nodes + (1 << level))
        midpoint = normal_of(further_bits(bits[moving], node))
        midpoint *= _tent(segment).take(inside[moving])
        walk[moving] += midpoint
    return walk


@lru_cache(maxsize=_LATE_LEVELS)
def _tent(segment: int) -> Values:
    """By how much a segment's midpoint moves each of its steps, per normal number."""
    inside = np.arange(segment)
    tent: Values = np.sqrt(segment) / 2 * (1.0 - np.abs(2.0 / segment * inside - 1.0))
    return tent
