"""The same statistics from the workers of a dask scheduler, on this machine or on many.

Leaves of the file go out in at most 64 branches, and what comes back is added up pair by pair,
on the workers, in an order that follows from the file alone: the result is the same to the bit for
any number of workers. What a worker had when it was lost is made again by others. Every worker
needs the memory of a few Gram matrices, this package and the data under the same path. It needs no
macro: the one macro there is, real or emulated, has been read before the work is shared.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from threadpoolctl import threadpool_limits

from rgnn_hal.cost import record
from rgnn_hal.macro import ConfigurationError, TransportError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.structures import FilePart
from rgnn_hal.tasks.forces.collection import Collected, Job

_BRANCHES = 64
_POLL = 0.1  # s
_PATIENCE = 30.0
"""For the scheduler and for its first worker, s."""
_TOPIC = "rgnn_hal.frames"
_REPORTED = 32
"""Frames at a time."""


def collect_on(scheduler: str, job: Job, progress: Progress = silent) -> Collected:
    """Statistics of the whole file from the workers of the scheduler at an address.

    Raises:
        ConfigurationError: dask.distributed is not installed.
        TransportError: no scheduler answers, or it has no workers.
        DataError: as a single process does; also where a worker cannot see the file.
    """
    with _connected(scheduler) as client:
        done = _listen(client)
        total = client.compute(_sum_of_branches(job))
        while not total.done():
            progress(min(done[0], len(job.validates)), len(job.validates), "training")
            time.sleep(_POLL)
        collected: Collected = total.result()
    record(collected.work)
    return collected


def check_scheduler(scheduler: str) -> None:
    """Refuse, before any work, a scheduler that could not share it; raises as `collect_on`."""
    with _connected(scheduler):
        pass


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigurationError(
            "sharing work by a scheduler needs dask.distributed: pip install 'rgnn-hal[scale]'"
        ) from error
    try:
        client = Client(scheduler, timeout=_PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise TransportError(
            f"no dask scheduler answers at {scheduler!r} ({error}); start one with `dask scheduler`"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError as error:
            raise TransportError(
                f"the scheduler at {scheduler} has no workers; start some with "
                f"`dask worker {scheduler}`"
            ) from error
        yield client


def _sum_of_branches(job: Job) -> Any:
    """The task graph: branches, added pair by pair."""
    from dask.delayed import delayed

    leaves, shared = job.leaves(), delayed(job)
    sums = [delayed(_branch)(shared, branch) for branch in _branches(leaves)]
    while len(sums) > 1:
        paired = [delayed(_add)(a, b) for a, b in zip(sums[::2], sums[1::2], strict=False)]
        sums = [*paired, *sums[2 * len(paired) :]]
    return sums[0]


def _branches(leaves: Sequence[FilePart]) -> list[list[FilePart]]:
    """Consecutive leaves, in at most 64 groups of as equal a number as can be."""
    count = min(_BRANCHES, len(leaves))
    ends = [len(leaves) * number // count for number in range(count + 1)]
    return [list(leaves[start:stop]) for start, stop in pairwise(ends)]


def _branch(job: Job, leaves: Sequence[FilePart]) -> Collected:
    """What a worker does."""
    import torch
    from distributed import get_worker

    torch.set_num_threads(1)
    worker, unreported = get_worker(), 0

    def report() -> None:
        nonlocal unreported
        worker.log_event(_TOPIC, unreported)
        unreported = 0

    def counted() -> None:
        nonlocal unreported
        unreported += 1
        if unreported == _REPORTED:
            report()

    with threadpool_limits(1, user_api="blas"):
        collected = job.collect(leaves, counted)
    report()
    return collected


def _add(one: Collected, other: Collected) -> Collected:
    return one + other


def _listen(client: Any) -> list[int]:
    """A count of frames, in a list of one, that follows what workers report."""
    done = [0]

    def count(event: tuple[float, int]) -> None:
        done[0] += event[1]

    client.subscribe_topic(_TOPIC, count)
    return done
