"""Write-verify: pulse all cells towards their targets, read, repeat, and keep a record per cell.

Every round reads the region once and gives each unfinished cell one pulse towards its target, SET
where it is too low and RESET where it is too high. A cell is finished when a reading lies within
the guard band, 0.7 of the tolerance; it is never pulsed again. Without the band, cells that barely
passed would fall out of the tolerance by read noise and telegraph noise (4 % of them on chip40nm).
Cells that run out of pulses keep what they reached and are reported, never hidden. All cells go at
once: the loop is over rounds, not over cells.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import LimitError, Macro, MacroSpec, PulseKind, Region
from rgnn_hal.macro.checks import check_conductance, check_region
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.progress import Progress, silent

_GUARD = 0.7
"""Accepted in a verification, of the tolerance."""
_VERIFY_SAMPLES = 4
_FINAL_SAMPLES = 16
"""Reads averaged for the final map: the error it reports is the cell's, not one read's noise."""


_SIGNS = {PulseKind.SET: 1, PulseKind.RESET: -1}


class CellStatus(IntEnum):
    """How a cell ended."""

    VERIFIED = 0
    """A reading was within the guard band."""
    EXHAUSTED = 1
    """It answered to pulses, but ran out of them."""
    STUCK = 2
    """Its conductance never moved by more than the tolerance: short, open or unformed."""


@dataclass(frozen=True)
class ProgrammingReport:
    """What write-verify did; arrays have the region's shape."""

    region: Region
    target: NDArray[np.float64]
    """S."""
    conductance: NDArray[np.float64]
    """Final map, S: an average of 16 reads after the last pulse."""
    pulses: NDArray[np.int32]
    """Pulses that each cell received."""
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

    pulses = np.zeros(region.shape, dtype=np.int32)
    reversals = np.zeros(region.shape, dtype=np.int32)
    steps = {kind: np.zeros(region.shape, dtype=np.intp) for kind in _SIGNS}
    direction = np.zeros(region.shape, dtype=np.int8)
    with macro.lock:
        start = macro.clock()
        first = reading = macro.read_conductance(region, samples)
        travel = np.zeros(region.shape)
        verified = np.abs(reading - goal) <= _GUARD * tolerance
        for _ in range(max_pulses):
            pending = ~verified
            if not pending.any():
                break
            wanted = np.where(reading < goal, 1, -1).astype(np.int8)
            reversals += pending & (direction == -wanted)
            for kind, sign in _SIGNS.items():
                mask = pending & (wanted == sign)
                if mask.any():
                    again, back = mask & (direction == sign), mask & (direction == -sign)
                    steps[kind] = train.climb(steps[kind], again, back)
                    voltage, gate = train.amplitudes(kind, steps[kind])
                    macro.pulse(
                        kind,
                        mask,
                        voltage=voltage,
                        gate_voltage=gate,
                        width=train.width,
                        region=region,
                    )
            direction = np.where(pending, wanted, direction)
            pulses += pending
            reading = macro.read_conductance(region, samples)
            np.maximum(travel, np.abs(reading - first), out=travel)
            verified |= np.abs(reading - goal) <= _GUARD * tolerance
            progress(int(verified.sum()), region.cells, "programming")
        final = macro.read_conductance(region, min(_FINAL_SAMPLES, spec.max_samples))
        status = np.where(
            verified,
            CellStatus.VERIFIED,
            np.where(travel <= tolerance, CellStatus.STUCK, CellStatus.EXHAUSTED),
        ).astype(np.int8)
        return ProgrammingReport(
            region, goal, final, pulses, reversals, status, tolerance, macro.clock() - start
        )


def check_tolerance(spec: MacroSpec, tolerance: float | None) -> float:
    """`tolerance`, S, if positive and finite; 1/40 of the conductance window for None."""
    if tolerance is None:
        return (spec.conductance.high - spec.conductance.low) / 40
    if not 0.0 < tolerance < float("inf"):
        raise LimitError(f"tolerance {tolerance!r} S is not a positive number")
    return tolerance
