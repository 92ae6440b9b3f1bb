"""Who does the digital work of a training: this process, processes beside it, or other machines.

Statistics and sweeps of a file are sums over its leaves. Whoever forms them, sweeps are the same to
the bit and statistics to float64 rounding. One worker is this process with a thread on every core;
more workers share all of it but the noise of the macro, which is one, and the solving.
"""

from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import Context
from operator import add
from threading import Event, Lock
from typing import Protocol

from threadpoolctl import threadpool_info, threadpool_limits

from rgnn_hal.cost import record
from rgnn_hal.macro import LimitError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.tasks.forces.branches import branches, pair_by_pair
from rgnn_hal.tasks.forces.cluster import connected
from rgnn_hal.tasks.forces.collection import Collected, Job, one_torch_thread
from rgnn_hal.tasks.forces.local_cluster import local_cluster
from rgnn_hal.tasks.forces.sweep import Sweep, Swept, one_thread

_GRAM_BYTES = 3 << 29
"""Of Gram matrices of training frames in this process: two of 9,300 columns."""
_REPORTS = 0.1  # seconds


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
        """Here, in a thread on every core, each with Gram matrices of its own.

        In fewer where those would be too large; BLAS then has the other cores. 900 frames of
        ethanol, 4,380 columns, take 12 s in two threads; in one, with BLAS on both cores, 15.5.
        """
        cores, stop, lock, done = _cores(), Event(), Lock(), 0
        size = 8 * job.regression.reservoir.columns**2
        parts = branches(job.leaves(), max(1, min(cores, _GRAM_BYTES // size)))

        def counted() -> None:
            nonlocal done
            if stop.is_set():
                raise CancelledError
            with lock:
                done += 1

        with (
            one_torch_thread(),  # around all: each thread gives back what it found
            threadpool_limits(cores // len(parts), user_api="blas"),
            ThreadPoolExecutor(len(parts)) as pool,
        ):
            # In contexts of their own, as in workers: work is recorded once, with the sampled part.
            sums = [pool.submit(Context().run, job.collect, part, counted) for part in parts]
            pending = set(sums)
            try:
                while pending:
                    finished, pending = wait(pending, _REPORTS, FIRST_EXCEPTION)
                    for one in finished:
                        one.result()  # raises what went wrong there
                    progress(done, len(job.validates), "training")
            finally:
                stop.set()
        collected = pair_by_pair([one.result() for one in sums], add)
        record(collected.work)
        return collected

    def sweep(self, sweep: Sweep) -> Swept:
        """Here, a branch on every core; it is torch that works, which lets go of the lock."""
        cores = _cores()  # before there is one thread
        with one_thread(), ThreadPoolExecutor(cores) as pool:
            return pair_by_pair(list(pool.map(sweep.over, branches(sweep.job.leaves()))), add)


def _cores() -> int:
    """As many as BLAS takes; torch, whose tensors are small here, is often kept to one thread."""
    blas: list[int] = [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]
    return max(blas)


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
