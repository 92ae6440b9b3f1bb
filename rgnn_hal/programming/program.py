"""Programming as a user means it: form what is pristine, then write to targets."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import Capability, Macro, PulseKind, Region
from rgnn_hal.macro.checks import check_conductance, check_region
from rgnn_hal.programming.cells import CellStatus
from rgnn_hal.programming.forming import form
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.programming.write_verify import (
    FINAL_SAMPLES,
    ProgrammingReport,
    check_tolerance,
    write_verify,
)
from rgnn_hal.progress import Progress, silent


def program(
    macro: Macro,
    target: ArrayLike,
    region: Region | None = None,
    *,
    tolerance: float | None = None,
    progress: Progress = silent,
) -> ProgrammingReport:
    """Form the pristine cells of `region`, then write all of them to `target`, S.

    Hardware with a closed loop of its own (`CLOSED_LOOP_PROGRAM`) writes by itself, forming
    included; elsewhere `write_verify` does. A macro without FORM pulses is taken as formed by its
    maker. What cannot be done is refused before any cell is formed.

    Raises:
        LimitError, NotSupportedError: as `write_verify` and `form`.
    """
    region = check_region(macro.spec, region)
    goal = check_conductance(macro.spec, target, region).astype(np.float64, copy=False)
    tolerance = check_tolerance(macro.spec, tolerance)
    if Capability.CLOSED_LOOP_PROGRAM in macro.spec.capabilities:
        return _by_hardware(macro, goal, region, tolerance)
    train = PulseTrain.within(macro.spec)
    with macro.lock:
        if PulseKind.FORM in macro.spec.pulses:
            form(macro, region, progress=progress)
        return write_verify(
            macro, goal, region, tolerance=tolerance, train=train, progress=progress
        )


def _by_hardware(
    macro: Macro, goal: NDArray[np.float64], region: Region, tolerance: float
) -> ProgrammingReport:
    """The hardware's own write; it does not tell pulses."""
    with macro.lock:
        start = macro.clock()
        macro.program(goal, region)
        final = macro.read_conductance(region, min(FINAL_SAMPLES, macro.spec.max_samples))
        good = np.abs(final - goal) <= tolerance
        return ProgrammingReport(
            region=region,
            target=goal,
            conductance=final,
            pulses=np.zeros(region.shape, np.int32),
            reversals=np.zeros(region.shape, np.int32),
            status=np.where(good, CellStatus.VERIFIED, CellStatus.EXHAUSTED).astype(np.int8),
            tolerance=tolerance,
            chip_seconds=macro.clock() - start,
        )
