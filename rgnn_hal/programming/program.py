"""Programming as a user means it: form what is pristine, then write to targets."""

import numpy as np
from numpy.typing import ArrayLike

from rgnn_hal.macro import Macro, PulseKind, Region
from rgnn_hal.macro.checks import check_conductance, check_region
from rgnn_hal.programming.forming import form
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.programming.write_verify import ProgrammingReport, check_tolerance, write_verify
from rgnn_hal.progress import Progress, silent


def program(
    macro: Macro,
    target: ArrayLike,
    region: Region | None = None,
    *,
    tolerance: float | None = None,
    progress: Progress = silent,
) -> ProgrammingReport:
    """Form the pristine cells of `region`, then `write_verify` all of them to `target`, S.

    A macro without FORM pulses is taken as formed by its maker. What cannot be done is refused
    before any cell is formed.

    Raises:
        LimitError, NotSupportedError: as `write_verify` and `form`.
    """
    region = check_region(macro.spec, region)
    goal = check_conductance(macro.spec, target, region).astype(np.float64, copy=False)
    tolerance = check_tolerance(macro.spec, tolerance)
    train = PulseTrain.within(macro.spec)
    with macro.lock:
        if PulseKind.FORM in macro.spec.pulses:
            form(macro, region, progress=progress)
        return write_verify(
            macro, goal, region, tolerance=tolerance, train=train, progress=progress
        )
