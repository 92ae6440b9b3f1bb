"""Write-verify: pulse all cells towards their targets, read, repeat, and keep a record per cell.

Every round reads the region once and gives each unfinished cell one pulse towards its target, SET
where it is too low and RESET where it is too high. A cell is finished when a reading lies within
the tolerance; it is never pulsed again. Cells that run out of pulses keep what they reached and are
reported, never hidden. All cells go at once: the loop is over rounds, not over cells.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import LimitError, Macro, PulseKind, Region
from rgnn_hal.macro.checks import check_conductance, check_region
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.progress import Progress, silent

_FINAL_SAMPLES = 16
"""Reads averaged for the final map: the error it reports is the cell's, not one read's noise."""


class CellStatus(IntEnum):
    """How a cell ended."""

    VERIFIED = 0
    """A reading was within the tolerance."""
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
    samples: int = 4,
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
        samples: reads averaged in each verification.
        progress: told finished cells of all cells after every round.

    Raises:
        LimitError: targets outside the window, not finite or wrongly shaped, with examples.
        NotSupportedError: the macro has no SET or RESET pulses.
    """
    spec = macro.spec
    region = check_region(spec, region)
    goal = check_conductance(spec, target, region).astype(np.float64, copy=False)
    if tolerance is None:
        tolerance = (spec.conductance.high - spec.conductance.low) / 40
    if not tolerance > 0:
        raise LimitError(f"tolerance {tolerance!r} S is not positive")
    train = train or PulseTrain.within(spec)

    pulses = np.zeros(region.shape, dtype=np.int32)
    reversals = np.zeros(region.shape, dtype=np.int32)
    step = np.zeros(region.shape, dtype=np.intp)
    direction = np.zeros(region.shape, dtype=np.int8)
    with macro.lock:
        start = macro.clock()
        first = reading = macro.read_conductance(region, samples)
        travel = np.zeros(region.shape)
        verified = np.abs(reading - goal) <= tolerance
        for _ in range(max_pulses):
            pending = ~verified
            if not pending.any():
                break
            wanted = np.where(reading < goal, 1, -1).astype(np.int8)
            reversed_ = pending & (direction == -wanted)
            step = np.where(direction == wanted, step + 1, 0)
            reversals += reversed_
            direction = np.where(pending, wanted, direction).astype(np.int8)
            for kind, sign in ((PulseKind.SET, 1), (PulseKind.RESET, -1)):
                mask = pending & (wanted == sign)
                if mask.any():
                    voltage, gate = train.amplitudes(kind, step)
                    macro.pulse(
                        kind,
                        mask,
                        voltage=voltage,
                        gate_voltage=gate,
                        width=train.width,
                        region=region,
                    )
            pulses += pending
            reading = macro.read_conductance(region, samples)
            np.maximum(travel, np.abs(reading - first), out=travel)
            verified |= np.abs(reading - goal) <= tolerance
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
