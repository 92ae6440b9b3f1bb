"""One inference of a model, counted and ready to be run again digitally: what `cost` is about."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

from rgnn_hal.cost import Operations, Work
from rgnn_hal.cost.digital import count_digital

_REPEATS = 5


@dataclass(frozen=True)
class Workload:
    """A model's inference."""

    task: str
    inference: str
    """What one inference is, in words."""
    atoms: int
    reads: int
    """Averaged in every product."""
    frozen: int
    """Weights in the macro."""
    work: Work
    """Of one inference, through a macro."""
    training: Work | None
    """None for networks that were not trained."""
    digitally: Callable[[], Any]
    """Runs `batch` inferences on this machine, by the twin."""
    batch: int = 1


@dataclass(frozen=True)
class Timing:
    """One inference, measured on this machine by one thread."""

    seconds: float
    """Wall time, the shortest of a few runs."""
    cpu_seconds: float
    operations: Operations


def timed(workload: Workload) -> Timing:
    """Run the inference digitally, here and now."""
    with count_digital() as operations:
        workload.digitally()
    walls, cpus = [], []
    for _ in range(_REPEATS):
        wall, cpu = perf_counter(), process_time()
        workload.digitally()
        walls.append(perf_counter() - wall)
        cpus.append(process_time() - cpu)
    batch = workload.batch
    each = Work(digital=operations).shared_by(batch).digital
    return Timing(min(walls) / batch, min(cpus) / batch, each)
