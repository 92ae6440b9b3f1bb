"""Who does the digital work of a training: this process, processes beside it, or other machines.

Statistics and sweeps of a file are sums over its leaves. Whoever forms them, sweeps are the same to
the bit and statistics to float64 rounding. One worker is this process, which fits a member of the
committee on every core. More workers share the frames of one member after another. What they do not
share is the noise of the macro, which is one, and the solving.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from operator import add
from typing import Protocol

import torch

from rgnn_hal.macro import LimitError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.tasks.forces.branches import branches, pair_by_pair
from rgnn_hal.tasks.forces.cluster import connected
from rgnn_hal.tasks.forces.collection import Collected, Job, collect
from rgnn_hal.tasks.forces.local_cluster import local_cluster
from rgnn_hal.tasks.forces.sweep import Sweep, Swept
from rgnn_hal.tasks.forces.threads import one_thread


class Workers(Protocol):
    """Share the work on a file among themselves."""

    @property
    def members(self) -> int:
        """How many members of a committee to fit at the same time, each in a thread of its own."""
        ...

    def collect(self, job: Job, progress: Progress = silent) -> Collected:
        """Statistics of the whole file; its work is recorded."""
        ...

    def sweep(self, sweep: Sweep) -> Swept:
        """A sweep of the whole file; its work is not recorded."""
        ...


class InProcess:
    """The one worker that needs nobody."""

    @property
    def members(self) -> int:
        """One on every core."""
        return torch.get_num_threads()

    def collect(self, job: Job, progress: Progress = silent) -> Collected:
        """Here."""
        return collect(job, progress)

    def sweep(self, sweep: Sweep) -> Swept:
        """Here, a branch on every core; it is torch that works, which lets go of the lock."""
        threads = torch.get_num_threads()
        with one_thread(), ThreadPoolExecutor(threads) as pool:
            return pair_by_pair(list(pool.map(sweep.over, branches(sweep.job.leaves()))), add)


@contextmanager
def shared_among(workers: int, scheduler: str | None = None) -> Iterator[Workers]:
    """Those of the scheduler at an address, or else as many as asked for on this machine.

    Raises:
        LimitError: less than one worker.
        ConfigurationError: more than one, or a scheduler, without dask.distributed.
        TransportError: no scheduler answers, or it has no workers.
    """
    if workers < 1:
        raise LimitError(f"{workers} workers cannot work; give at least 1")
    if scheduler is not None:
        with connected(scheduler) as cluster:
            yield cluster
    elif workers > 1:
        with local_cluster(workers) as cluster:
            yield cluster
    else:
        yield InProcess()
