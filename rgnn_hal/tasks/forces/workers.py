"""Who does the digital work of a training: this process, processes beside it, or other machines.

Statistics and sweeps of a file are sums over its leaves. Whoever forms them, sweeps are the same to
the bit and statistics to float64 rounding. One worker is this process, whose BLAS has all cores;
more workers share all of it but the noise of the macro, which is one, and the solving. Members of a
committee in threads of this process are no way out: four of 4,550 columns take 57.5 and 60 s in two
threads and 58 and 64 s one after another (400 frames of ethanol).
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
from rgnn_hal.tasks.forces.sweep import Sweep, Swept, one_thread


class Workers(Protocol):
    """Share the work on a file among themselves."""

    def collect(self, job: Job, progress: Progress = silent) -> Collected:
        """Statistics of the whole file; its work is recorded."""
        ...

    def sweep(self, sweep: Sweep) -> Swept:
        """A sweep of the whole file; its work is not recorded."""
        ...


class InProcess:
    """The one worker that needs nobody."""

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
