"""Repeated timings of one call, in CPU time of this process."""

import time
from collections.abc import Callable

from rgnn_hal.reproduction.scaling import Estimate, middle_of


def timed(call: Callable[[], object], repeats: int) -> Estimate:
    """CPU seconds of a call that is warm."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return middle_of(seconds)
