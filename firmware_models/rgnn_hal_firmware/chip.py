"""The chip: cells, converters and clock behind the verbs of its controller.

It does what it is told within physics; checking arguments is the contract's business, above. Verbs
take arrays of a `Window`'s shape, in SI units. Time is virtual and moves with every verb:

    pulse             width * count for every group of cells that share a row and a multiplexer
                      position; groups follow one another
    products          read_time per sample of a vector
    read_conductance  read_time per sample of a row with cells that are read
"""

from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.chipfile import ChipFile
from rgnn_hal_firmware.defects import stuck_conductance
from rgnn_hal_firmware.disturb import Disturb
from rgnn_hal_firmware.exact_readout import ExactReadout
from rgnn_hal_firmware.forming import Forming
from rgnn_hal_firmware.multiplexer import turns
from rgnn_hal_firmware.parameters import Preset, load_preset
from rgnn_hal_firmware.readout import NoisyReadout, Readout
from rgnn_hal_firmware.relaxation import Relaxation
from rgnn_hal_firmware.state import ChipState
from rgnn_hal_firmware.switching import Switching
from rgnn_hal_firmware.thermal import ROOM, Thermal
from rgnn_hal_firmware.window import Side, Window

FloatArray = NDArray[np.floating[Any]]

_BLOCK = 1 << 15
"""Cells that are pulsed at a time: what is calculated for them stays in cache."""


class PulseKind(StrEnum):
    """FORM and SET raise conductance, RESET lowers it."""

    FORM = "form"
    SET = "set"
    RESET = "reset"


class Chip:
    """One chip. Not for several threads at a time.

    Args:
        preset: what the chip is made from.
        seed: which of all chips of that preset it is.
        exact: read it with ideal instruments; the cells are the same.
        temperature: at which it works, K.
        file: where it lives, if it outlives the process; `Chip.stored` opens one.
    """

    def __init__(
        self,
        preset: Preset,
        seed: int,
        *,
        exact: bool = False,
        temperature: float = ROOM,
        file: ChipFile | None = None,
    ) -> None:
        parameters = preset.parameters
        self.preset = preset
        self.seed = seed
        self.exact = exact
        self.whole = Window(0, parameters.array.rows, 0, parameters.array.cols)
        self._file = file
        self._forming = Forming(parameters, seed)
        self._switching = Switching(parameters, seed, temperature)
        self._disturb = Disturb(parameters, self._switching.heat)
        self._acts = {
            PulseKind.FORM: self._forming.pulse,
            PulseKind.SET: self._switching.set,
            PulseKind.RESET: self._switching.reset,
        }
        self._relaxation = Relaxation(parameters, seed)
        thermal = Thermal(parameters, seed, temperature)
        self._readout: Readout = (
            ExactReadout(parameters, self._relaxation, thermal)
            if exact
            else NoisyReadout(parameters, seed, self._relaxation, thermal)
        )
        self._read_ns = round(parameters.read_time * 1e9)
        stuck = stuck_conductance(parameters, seed)
        self._healthy = np.isnan(stuck)
        if file is not None and file.state is not None:
            self._state = file.state
        else:
            self._state = ChipState.pristine(parameters)
            np.copyto(self._state.conductance, stuck, where=~self._healthy)
            self._commit(self._state)
        self._unsaved = False
        self._latched_at: tuple[Window, Side] = (self.whole, "rows")
        self.ground()

    @classmethod
    def stored(
        cls,
        path: Path,
        *,
        preset: str | None = None,
        seed: int | None = None,
        exact: bool = False,
        temperature: float = ROOM,
    ) -> Self:
        """The chip in file `path`, or a new one that is put there.

        `preset` and `seed` must be the file's where they are given; a new chip is `chip40nm` with
        seed 0 by default.

        Raises:
            PresetError, ChipFileError, ChipStorageError: nothing was changed.
        """
        file = ChipFile.open(path, preset=preset, seed=seed)
        try:
            return cls(file.preset, file.seed, exact=exact, temperature=temperature, file=file)
        except BaseException:
            file.release()
            raise

    @property
    def nonvolatile(self) -> bool:
        """Whether its cells outlive this process: it lives in a file."""
        return self._file is not None

    @property
    def healthy(self) -> NDArray[np.bool_]:
        """Which cells pulses can move, (rows, columns). Silicon does not tell; tests may ask."""
        return self._healthy.copy()

    @property
    def formed(self) -> NDArray[np.bool_]:
        """Which cells have broken down, (rows, columns); SET and RESET leave the others alone."""
        return self._state.formed.copy()

    def pulse(
        self,
        kind: PulseKind,
        mask: NDArray[np.bool_],
        voltage: FloatArray,
        gate_voltage: FloatArray,
        width: float,
        count: int,
        window: Window,
    ) -> None:
        """Give the cells of `mask` `count` pulses; all or nothing, committed on return.

        Raises:
            ChipStorageError: the state could not be written; the chip is as before.
        """
        responsive = mask & self._healthy[window.slices]
        if kind is not PulseKind.FORM:
            responsive &= self._state.formed[window.slices]
        inside = np.flatnonzero(responsive)
        work = self._disturbance(kind, mask, voltage, width * count, window)
        positions = self.preset.parameters.array.multiplexed_columns
        state = self._state
        before = state.remember(forming=kind is PulseKind.FORM)
        try:
            state.join_clocks()
            end_ns = state.time_ns + round(turns(mask, positions) * count * width * 1e9)
            for start in range(0, inside.size, _BLOCK):
                some = inside[start : start + _BLOCK]
                cells = window.flat(some, self.whole.shape[1])
                amplitude, gate = voltage.reshape(-1)[some], gate_voltage.reshape(-1)[some]
                before.note(cells)
                self._relaxation.settle(state, cells, state.time)
                self._acts[kind](state, cells, amplitude, gate, width, count)
                state.pulsed_at.reshape(-1)[cells] = end_ns / 10**9
            if work is not None:
                before.note(np.arange(self._healthy.size))
                self._disturb_others(kind, work, float(gate_voltage[mask].max()))
            state.time_ns = end_ns
            self.ground()
            self._commit(state)
        except BaseException:
            before.recall()
            raise
        self._unsaved = False
        self._readout.forget()

    def apply(self, voltage: FloatArray, side: Side, window: Window) -> None:
        """Hold `voltage` (batch, driven lines of `window`), V, on the lines of `side`."""
        self._latched = voltage
        self._latched_at = window, side

    def read(self, samples: int = 1) -> FloatArray:
        """Currents of the sensed lines for every vector held, (batch, sensed), A."""
        window, side = self._latched_at
        currents = self._readout.currents(self._latched, window, side, self._state, samples)
        self._state.product_time_ns += self._latched.shape[0] * samples * self._read_ns
        self._unsaved = True
        return currents

    def read_conductance(
        self, window: Window, samples: int = 1, mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Every cell of `window` by itself, (rows, columns), S; NaN outside of `mask`."""
        self.ground()
        self._state.join_clocks()
        if mask is None:
            mask = np.ones(window.shape, np.bool_)
        inside = np.flatnonzero(mask)
        cells = window.flat(inside, self.whole.shape[1])
        conductance = np.full(window.shape, np.nan)
        conductance.reshape(-1)[inside] = self._readout.conductance(cells, self._state, samples)
        self._state.time_ns += int(mask.any(axis=1).sum()) * samples * self._read_ns
        self._unsaved = True
        return conductance

    def ground(self) -> None:
        """Hold all lines at zero: one vector of zero volts on the rows."""
        self._latched = np.zeros((1, self.whole.shape[0]))
        self._latched_at = self.whole, "rows"

    @property
    def time(self) -> float:
        """Chip time, s."""
        return (self._state.time_ns + self._state.product_time_ns) / 10**9

    def wait(self, duration: float) -> None:
        """Let `duration` seconds of chip time pass."""
        self._state.join_clocks()
        seconds = int(duration)
        self._state.time_ns += seconds * 10**9 + round((duration - seconds) * 1e9)
        self._unsaved = True

    def close(self) -> None:
        """Save the clock and the counters, and let go of the file.

        Raises:
            ChipStorageError: they could not be written; what pulses did was committed before.
        """
        file, self._file = self._file, None
        if file is None:
            return
        try:
            if self._unsaved:
                file.commit(self._state)
        finally:
            file.release()

    def _disturbance(
        self,
        kind: PulseKind,
        mask: NDArray[np.bool_],
        voltage: FloatArray,
        duration: float,
        window: Window,
    ) -> NDArray[np.float64] | None:
        """What pulses do to cells that they half select, see `disturb`; None for nothing."""
        if kind is PulseKind.FORM or not mask.any():
            return None
        setting = kind is PulseKind.SET
        switching = self._switching
        threshold = switching.set_voltage if setting else switching.reset_voltage
        limits = self.preset.parameters.limits
        highest = (limits.set if setting else limits.reset).voltage[1]
        return self._disturb.work(mask, voltage, window, threshold, duration, highest)

    def _disturb_others(self, kind: PulseKind, work: NDArray[np.float64], gate: float) -> None:
        """Move all cells by `work` (rows, columns), up to what `gate` (V) allows."""
        if kind is PulseKind.SET:
            self._switching.disturb_set(self._state, work, gate)
        else:
            self._switching.disturb_reset(self._state, work)
        self._relaxation.forget(np.arange(work.size))

    def _commit(self, state: ChipState) -> None:
        if self._file is not None:
            self._file.commit(state)


def new_chip(
    preset: str = "chip40nm", seed: int = 0, *, exact: bool = False, temperature: float = ROOM
) -> Chip:
    """A chip that lives as long as the process.

    Raises:
        PresetError: unknown preset.
    """
    return Chip(load_preset(preset), seed, exact=exact, temperature=temperature)
