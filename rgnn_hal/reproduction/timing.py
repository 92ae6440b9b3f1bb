"""Repeated timings of one call, by this process's processor and by the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rgnn_hal.reproduction.scaling import Estimate, middle_of


@dataclass(frozen=True)
class Timing:
    """Seconds of one call."""

    cpu: Estimate
    wall: Estimate


def timed(call: Callable[[], object], repeats: int) -> Timing:
    """Seconds of a call that is warm."""
    call()
    cpu, wall = [], []
    for _ in range(repeats):
        process, clock = time.process_time(), time.perf_counter()
        call()
        cpu.append(time.process_time() - process)
        wall.append(time.perf_counter() - clock)
    return Timing(middle_of(cpu), middle_of(wall))
