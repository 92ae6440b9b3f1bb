"""Random telegraph noise: in some cells one trap holds or frees a charge, and G has two levels.

    G(t) = G + A (b(t) - q) * sigma(G) / white,    b = 1 while the trap is empty, P(b = 1) = q

A is log-normal over cells (IEDM 2014, 10.1109/IEDM.2014.7047051), q uniform, the time constant tau
log-uniform. b(t) is a two-state Markov process. It is *computed*, not walked: on a grid of tau / 2
the process is renewed with probability 1 - e^(-1/2), and b(t) is what was drawn at the latest
renewal. That has the exponential correlation of the process and gives the state of any cell at any
time from its seed alone: nothing to store, nothing that depends on who asked before.
"""

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal, uniform
from rgnn_hal_firmware.window import Window

Index = tuple[NDArray[np.intp], NDArray[np.intp]]

_STEPS_PER_TIME_CONSTANT = 2
_END_OF_TIME = 1e12
"""s; later than this nothing moves, which keeps step numbers within int64."""
_RENEWAL = -np.expm1(-1.0 / _STEPS_PER_TIME_CONSTANT)


class Telegraph:
    """The traps of one chip."""

    def __init__(self, parameters: ChipParameters, seed: int) -> None:
        telegraph, array = parameters.telegraph, parameters.array
        everywhere = np.arange(array.rows * array.cols)
        present = uniform(seed, Purpose.TRAP_PRESENT, everywhere) < telegraph.cell_fraction
        self._seed = seed
        self._cells = np.flatnonzero(present)
        amplitude = normal(seed, Purpose.TRAP_AMPLITUDE, self._cells)
        low, high = np.log(telegraph.time_constants)
        self._amplitude = telegraph.amplitude_median * np.exp(telegraph.amplitude_sigma * amplitude)
        self._occupancy = uniform(seed, Purpose.TRAP_OCCUPANCY, self._cells)
        tau = np.exp(low + (high - low) * uniform(seed, Purpose.TRAP_TIME, self._cells))
        self._step = tau / _STEPS_PER_TIME_CONSTANT
        self._phase = uniform(seed, Purpose.TRAP_PHASE, self._cells)
        self._rows, self._columns = np.divmod(self._cells, array.cols)

    def inside(self, window: Window) -> NDArray[np.intp]:
        """Numbers of the traps in `window`."""
        return np.flatnonzero(
            (self._rows >= window.row_start)
            & (self._rows < window.row_stop)
            & (self._columns >= window.col_start)
            & (self._columns < window.col_stop)
        )

    def where(self, traps: NDArray[np.intp], window: Window) -> Index:
        """Row and column of each of `traps` within `window`."""
        return self._rows[traps] - window.row_start, self._columns[traps] - window.col_start

    def shift(self, traps: NDArray[np.intp], time: float) -> NDArray[np.float64]:
        """A (b(t) - q) of each of `traps` at `time` (s of chip time), S."""
        steps = min(time, _END_OF_TIME) / self._step[traps] + self._phase[traps]
        slot = np.floor(steps).astype(np.int64)
        # Without a renewal in 32 steps (probability 1e-7) the state is drawn there.
        pending = np.arange(traps.size)
        for _ in range(32):
            cells = self._cells[traps[pending]]
            draw = uniform(self._seed, Purpose.TRAP_RENEWAL, cells, slot[pending])
            pending = pending[draw >= _RENEWAL]
            if not pending.size:
                break
            slot[pending] -= 1
        empty = uniform(self._seed, Purpose.TRAP_STATE, self._cells[traps], slot)
        occupancy = self._occupancy[traps]
        shift: NDArray[np.float64] = self._amplitude[traps] * ((empty < occupancy) - occupancy)
        return shift
