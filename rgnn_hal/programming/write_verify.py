"""Write-verify: pulse all cells towards their targets, read, repeat, and keep a record per cell.

Every round gives each unfinished cell one pulse towards its target, SET where it is too low and
RESET where it is too high, and reads it again. A cell is finished when a reading lies within
the guard band, 0.7 of the tolerance; it is never pulsed again. Without the band, cells that barely
passed would fall out of the tolerance by read noise and telegraph noise (4 % of them on chip40nm).
Cells that run out of pulses, or that no pulse of the train moves, keep what they reached and are
reported, never hidden. All cells go at
once: the loop is over rounds, not over cells.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.cost import Ledger, record
from rgnn_hal.macro import LimitError, Macro, MacroSpec, PulseKind, Region
from rgnn_hal.macro.checks import check_conductance, check_region
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.progress import Progress, silent

_GUARD = 0.7
"""Accepted in a verification, of the tolerance."""
_VERIFY_SAMPLES = 4
FINAL_SAMPLES = 16
"""Reads averaged for the final map: the error it reports is the cell's, not one read's noise."""


_SIGNS = {PulseKind.SET: 1, PulseKind.RESET: -1}


class CellStatus(IntEnum):
    """How a cell ended."""

    VERIFIED = 0
    """A reading was within the guard band."""
    EXHAUSTED = 1
    """It answered to pulses, but ran out of them."""
    STUCK = 2
    """The whole train did not move it by more than the tolerance: short, open or unformed."""


@dataclass(frozen=True)
class ProgrammingReport:
    """What write-verify did; arrays have the region's shape."""

    region: Region
    target: NDArray[np.float64]
    """S."""
    conductance: NDArray[np.float64]
    """Final map, S: an average of 16 reads after the last pulse."""
    pulses: NDArray[np.int32]
    """Pulses that each cell received; 0 where the hardware wrote by itself."""
    reversals: NDArray[np.int32]
    """Changes of polarity."""
    status: NDArray[np.int8]
    """`CellStatus` of each cell."""
    tolerance: float
    """S."""
    chip_seconds: float
    """Time it took on the chip's clock."""

    @property
    def error(self) -> NDArray[np.float64]:
        """Final conductance minus target, S."""
        return self.conductance - self.target

    @property
    def success_fraction(self) -> float:
        """Cells that were verified and whose final map is within the tolerance, over all cells."""
        good = (self.status == CellStatus.VERIFIED) & (np.abs(self.error) <= self.tolerance)
        return float(good.mean())

    @property
    def mean_pulses(self) -> float:
        """Pulses per cell."""
        return float(self.pulses.mean())

    @property
    def rms_error(self) -> float:
        """Root mean square error of verified cells, S; NaN without any."""
        verified = self.status == CellStatus.VERIFIED
        return float(np.sqrt(np.mean(self.error[verified] ** 2))) if verified.any() else np.nan


def write_verify(
    macro: Macro,
    target: ArrayLike,
    region: Region | None = None,
    *,
    tolerance: float | None = None,
    train: PulseTrain | None = None,
    max_pulses: int = 60,
    samples: int | None = None,
    progress: Progress = silent,
) -> ProgrammingReport:
    """Bring the formed cells of `region` to `target`.

    Args:
        macro: chip to write.
        target: (region's rows, columns), S, within `macro.spec.conductance`.
        region: cells; the whole macro by default.
        tolerance: largest accepted deviation, S; 1/40 of the conductance window by default.
        train: pulses to use; the macro's whole envelope by default.
        max_pulses: most pulses of one cell.
        samples: reads averaged in each verification; 4 by default, or what the macro can.
        progress: told finished cells of all cells after every round.

    Raises:
        LimitError: targets outside the window, not finite or wrongly shaped, with examples; a
            tolerance that is not positive; a train outside the macro's limits. Nothing was pulsed.
        NotSupportedError: the macro has no SET or RESET pulses.
    """
    spec = macro.spec
    region = check_region(spec, region)
    goal = check_conductance(spec, target, region).astype(np.float64, copy=False)
    tolerance = check_tolerance(spec, tolerance)
    train = train or PulseTrain.within(spec)
    train.check(spec)
    if samples is None:
        samples = min(_VERIFY_SAMPLES, spec.max_samples)

    with macro.lock:
        start = macro.clock()
        first = macro.read_conductance(region, samples)
        cells = _Cells.of(goal, first, _GUARD * tolerance)
        pulser = _Pulser(macro, region, train)
        for _ in range(max_pulses):
            if not cells.pending.size:
                break
            pulser.pulse(cells)
            cells.verify(macro.read_conductance(region, samples, mask=cells.mask))
            cells.give_up(train.length, tolerance)
            progress(region.cells - cells.pending.size, region.cells, "programming")
        finally_read = min(FINAL_SAMPLES, spec.max_samples)
        final = macro.read_conductance(region, finally_read)
        pulses = int(cells.pulses.sum())
        verified = samples * (region.cells + pulses) + finally_read * region.cells
        record(Ledger(pulses=pulses, cell_reads=verified))
        return ProgrammingReport(
            region=region,
            target=goal,
            conductance=final,
            pulses=cells.pulses,
            reversals=cells.reversals,
            status=cells.status(tolerance),
            tolerance=tolerance,
            chip_seconds=macro.clock() - start,
        )


@dataclass
class _Cells:
    """The record of all cells, and the state of those that are pending.

    Arrays of all cells have the region's shape, arrays of pending cells one element for each.
    """

    accepted: float
    """Deviation at which a cell is finished, S."""
    pulses: NDArray[np.int32]
    reversals: NDArray[np.int32]
    pending: NDArray[np.intp]
    """Flat indices."""
    goal: NDArray[np.float64]
    first: NDArray[np.float64]
    moved: NDArray[np.float64]
    """Furthest that the cell was from its first reading, S."""
    wanted: NDArray[np.int8]
    """Polarity of the next pulse."""
    direction: NDArray[np.int8]
    """Polarity of the last pulse, 0 before the first."""
    steps: dict[PulseKind, NDArray[np.int16]]
    stuck: list[NDArray[np.intp]] = field(default_factory=list)
    """Flat indices of cells that were given up."""

    @classmethod
    def of(cls, goal: NDArray[np.float64], first: NDArray[np.float64], accepted: float) -> "_Cells":
        """All cells whose `first` reading is not within `accepted` of the goal are pending."""
        cells = cls(
            accepted=accepted,
            pulses=np.zeros(goal.shape, np.int32),
            reversals=np.zeros(goal.shape, np.int32),
            pending=np.arange(goal.size),
            goal=goal.reshape(-1),
            first=first.reshape(-1),
            moved=np.zeros(goal.size),
            wanted=np.zeros(goal.size, np.int8),
            direction=np.zeros(goal.size, np.int8),
            steps={kind: np.zeros(goal.size, np.int16) for kind in _SIGNS},
        )
        cells.verify(first)
        return cells

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which cells are pending."""
        mask = np.zeros(self.pulses.shape, np.bool_)
        mask.reshape(-1)[self.pending] = True
        return mask

    def verify(self, reading: NDArray[np.float64]) -> None:
        """Judge pending cells by a `reading` of the region, S, and let go of the finished."""
        now = reading.reshape(-1)[self.pending]
        np.maximum(self.moved, np.abs(now - self.first), out=self.moved)
        error = now - self.goal
        self.wanted = np.where(error < 0.0, np.int8(1), np.int8(-1))
        np.abs(error, out=error)
        self._keep(np.flatnonzero(error > self.accepted))

    def give_up(self, pulses: int, tolerance: float) -> None:
        """Let go of cells that `pulses` pulses have not moved by more than `tolerance`, S."""
        deaf = self.moved <= tolerance
        if deaf.any():
            deaf &= self.pulses.reshape(-1)[self.pending] >= pulses
            self.stuck.append(self.pending[deaf])
            self._keep(np.flatnonzero(~deaf))

    def _keep(self, which: NDArray[np.intp]) -> None:
        """Of the pending."""
        if which.size < self.pending.size:
            self.pending, self.goal = self.pending[which], self.goal[which]
            self.first, self.moved = self.first[which], self.moved[which]
            self.wanted, self.direction = self.wanted[which], self.direction[which]
            self.steps = {kind: step[which] for kind, step in self.steps.items()}

    def count(self) -> None:
        """Pending cells have been pulsed the way they wanted."""
        self.pulses.reshape(-1)[self.pending] += 1
        self.reversals.reshape(-1)[self.pending] += self.direction == -self.wanted
        self.direction = self.wanted

    def status(self, tolerance: float) -> NDArray[np.int8]:
        """`CellStatus` of every cell."""
        status = np.full(self.pulses.size, CellStatus.VERIFIED, np.int8)
        stuck = self.moved <= tolerance
        status[self.pending] = np.where(stuck, CellStatus.STUCK, CellStatus.EXHAUSTED)
        for cells in self.stuck:
            status[cells] = CellStatus.STUCK
        return status.reshape(self.pulses.shape)


class _Pulser:
    """Gives pending cells their next pulses."""

    def __init__(self, macro: Macro, region: Region, train: PulseTrain) -> None:
        self._macro = macro
        self._region = region
        self._train = train
        # Amplitudes of cells that are not pulsed stay at what a pulse may have.
        self._amplitudes: dict[tuple[PulseKind, str], NDArray[np.float64]] = {}

    def pulse(self, cells: _Cells) -> None:
        """One pulse to each pending cell, RESET and SET in turn."""
        for kind, sign in _SIGNS.items():
            chosen = np.flatnonzero(cells.wanted == sign)
            if not chosen.size:
                continue
            direction = cells.direction[chosen]
            step = self._train.climb(
                cells.steps[kind][chosen], direction == sign, direction == -sign
            )
            cells.steps[kind][chosen] = step
            where = cells.pending[chosen]
            mask = np.zeros(self._region.shape, np.bool_)
            mask.reshape(-1)[where] = True
            voltage, gate = self._train.amplitudes(kind, step)
            self._macro.pulse(
                kind,
                mask,
                voltage=self._spread(kind, "voltage", voltage, where),
                gate_voltage=self._spread(kind, "gate", gate, where),
                width=self._train.width,
                region=self._region,
            )
        cells.count()

    def _spread(
        self,
        kind: PulseKind,
        name: str,
        amplitude: NDArray[np.float64],
        where: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """`amplitude` of the cells `where` as an array of the region's shape, or one number."""
        if not amplitude.ndim:
            return amplitude
        key = kind, name
        if key not in self._amplitudes:
            self._amplitudes[key] = np.full(self._region.shape, amplitude[0])
        spread = self._amplitudes[key]
        spread.reshape(-1)[where] = amplitude
        return spread


def check_tolerance(spec: MacroSpec, tolerance: float | None) -> float:
    """`tolerance`, S, if positive and finite; 1/40 of the conductance window for None."""
    if tolerance is None:
        return (spec.conductance.high - spec.conductance.low) / 40
    if not 0.0 < tolerance < float("inf"):
        raise LimitError(f"tolerance {tolerance!r} S is not a positive number")
    return tolerance
