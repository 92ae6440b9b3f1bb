"""Write-verify: pulse all cells towards their targets, read, repeat, and keep a record per cell.

Every round gives each unfinished cell one pulse towards its target, SET where it is too low and
RESET where it is too high, and reads it again. A cell is finished when a reading lies within
the guard band, 0.7 of the tolerance; it is never pulsed again. Without the band, cells that barely
passed would fall out of the tolerance by read noise and telegraph noise (4 % of them on chip40nm).
Cells that run out of pulses, or that no pulse of the train moves, keep what they reached and are
reported, never hidden. All cells go at
once: the loop is over rounds, not over cells.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.cost import Ledger, record
from rgnn_hal.macro import LimitError, Macro, MacroSpec, PulseKind, Region
from rgnn_hal.macro.checks import check_conductance, check_region
from rgnn_hal.programming.cells import Cells, CellStatus
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.progress import Progress, silent

_VERIFY_SAMPLES = 4
MAX_PULSES = 60
FINAL_SAMPLES = 16
"""Reads averaged for the final map: the error it reports is the cell's, not one read's noise."""


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


class Witness(Protocol):
    """Is told what pending cells read, S, before anything follows from it; may raise to stop."""

    def __call__(self, reading: NDArray[np.float64], *, pulsed: bool) -> None:
        """One value per pending cell; `pulsed` if each had a pulse since the last reading."""


def nobody(reading: NDArray[np.float64], *, pulsed: bool) -> None:
    """The witness who does not care."""


def write_verify(
    macro: Macro,
    target: ArrayLike,
    region: Region | None = None,
    *,
    tolerance: float | None = None,
    train: PulseTrain | None = None,
    max_pulses: int = MAX_PULSES,
    samples: int | None = None,
    cells: Cells | None = None,
    witness: Witness = nobody,
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
        cells: where an earlier call with the same arguments was interrupted; it is taken further.
            All cells are pending by default.
        witness: told every reading of pending cells, so that a later call can go on from here.
        progress: told finished cells of all cells before the first round and after every one.

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
        samples = default_samples(spec)

    if cells is None:
        cells = Cells.of(goal, tolerance, max_pulses)

    with macro.lock:
        start = macro.clock()
        pulses_before, looked = int(cells.pulses.sum()), cells.pending.size
        reading = _read_pending(macro, region, samples, cells)
        witness(reading, pulsed=False)
        cells.look(reading)
        pulser = _Pulser(macro, region, train)
        progress(region.cells - cells.pending.size, region.cells, "programming")
        while cells.pending.size:
            pulser.pulse(cells)
            reading = _read_pending(macro, region, samples, cells)
            witness(reading, pulsed=True)
            cells.judge(reading, train)
            progress(region.cells - cells.pending.size, region.cells, "programming")
        finally_read = min(FINAL_SAMPLES, spec.max_samples)
        final = macro.read_conductance(region, finally_read)
        pulses = int(cells.pulses.sum()) - pulses_before
        verified = samples * (looked + pulses) + finally_read * region.cells
        record(Ledger(pulses=pulses, cell_reads=verified))
        return ProgrammingReport(
            region=region,
            target=goal,
            conductance=final,
            pulses=cells.pulses,
            reversals=cells.reversals,
            status=cells.status,
            tolerance=tolerance,
            chip_seconds=macro.clock() - start,
        )


def _read_pending(macro: Macro, region: Region, samples: int, cells: Cells) -> NDArray[np.float64]:
    """One value per pending cell, S."""
    if not cells.pending.size:
        return np.empty(0)
    if cells.pending.size == region.cells:
        return macro.read_conductance(region, samples).reshape(-1)
    reading = macro.read_conductance(region, samples, mask=cells.mask)
    return reading.reshape(-1)[cells.pending]


class _Pulser:
    """Gives pending cells their next pulses."""

    def __init__(self, macro: Macro, region: Region, train: PulseTrain) -> None:
        self._macro = macro
        self._region = region
        self._train = train
        # Amplitudes of cells that are not pulsed stay at what a pulse may have.
        self._amplitudes: dict[tuple[PulseKind, str], NDArray[np.float64]] = {}

    def pulse(self, cells: Cells) -> None:
        """One pulse to each pending cell, SET and RESET in turn."""
        for kind, where, step in cells.advance(self._train):
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


def default_samples(spec: MacroSpec) -> int:
    """Reads averaged in a verification: 4, or what the macro can."""
    return min(_VERIFY_SAMPLES, spec.max_samples)


def check_tolerance(spec: MacroSpec, tolerance: float | None) -> float:
    """`tolerance`, S, if positive and finite; 1/40 of the conductance window for None."""
    if tolerance is None:
        return (spec.conductance.high - spec.conductance.low) / 40
    if not 0.0 < tolerance < float("inf"):
        raise LimitError(f"tolerance {tolerance!r} S is not a positive number")
    return tolerance
