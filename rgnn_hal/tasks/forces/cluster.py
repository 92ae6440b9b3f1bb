"""Statistics and sweeps from the workers of a dask scheduler, on this machine or on many.

Branches of the file go out, and what comes back is added up on the workers
(`rgnn_hal.tasks.forces.branches`). What a worker had when it was lost is made again by others.
Every worker needs the memory of a few of a member's Gram matrices (`committee`), this package and
the data under the same path. It needs no macro: the one macro there is, real or emulated, has been
read before the work is shared.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from operator import add
from typing import Any
from uuid import uuid4

from threadpoolctl import threadpool_limits

from rgnn_hal.cost import Operations, record
from rgnn_hal.macro import ConfigurationError, TransportError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout.packed import Arrays, pack_statistics, unpack_statistics
from rgnn_hal.structures import FilePart
from rgnn_hal.tasks.forces.branches import branches, gram_branches, pair_by_pair
from rgnn_hal.tasks.forces.collection import Collected, Job
from rgnn_hal.tasks.forces.sweep import Sweep, Swept

_POLL = 0.05  # s
_PATIENCE = 30.0
"""For a scheduler and for its workers, s."""
_REPORTS = 0.2
"""Between a worker's reports of frames, s."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Cluster:
    """Workers behind a client of dask's."""

    client: Any
    workers: int | None = None
    """Their number, if it is known beforehand; they are waited for."""
    blas_threads: int = 1
    """Of a worker that collects."""
    tend: Callable[[], None] = _nothing
    """Called while waiting."""

    def collect(self, job: Job, progress: Progress = silent) -> Collected:
        """Statistics of the whole file.

        Raises:
            DataError: as a single process does; also where a worker cannot see the file.
            TransportError: workers die of it one after another.
        """
        frames = len(job.validates)
        with self._reports() as (topic, done):
            sums: _Sums = self._sum(
                _collect,
                job,
                gram_branches(job.leaves(), self.workers),
                self.blas_threads,
                topic,
                waiting=lambda: progress(min(done[0], frames), frames, "training"),
            )
        record(sums.work)
        progress(frames, frames, "training")
        return sums.unpack()

    def sweep(self, sweep: Sweep) -> Swept:
        """A sweep of the whole file; raises as `collect`."""
        swept: Swept = self._sum(_sweep, sweep, branches(sweep.job.leaves()))
        return swept

    def _sum(
        self,
        of_branch: Callable[..., Any],
        what: Job | Sweep,
        parts: Sequence[Sequence[FilePart]],
        *rest: object,
        waiting: Callable[[], None] = _nothing,
    ) -> Any:
        from dask.delayed import delayed
        from distributed import KilledWorker

        self._gather_workers()
        shared = delayed(what, traverse=False)
        sums = [delayed(of_branch)(shared, part, *rest) for part in parts]
        total = self.client.compute(pair_by_pair(sums, delayed(add)))
        while not total.done():
            self.tend()
            waiting()
            time.sleep(_POLL)
        try:
            return total.result()
        except (KilledWorker, CancelledError) as error:
            raise TransportError(
                "workers died one after another of the same frames, or their scheduler did; each "
                "needs the memory of a few Gram matrices, so that fewer may go further"
            ) from error

    def _gather_workers(self) -> None:
        """Wait for all, for a while: the first one would be given everything."""
        deadline = time.monotonic() + _PATIENCE
        while len(self.client.nthreads()) < (self.workers or 0) and time.monotonic() < deadline:
            self.tend()
            time.sleep(_POLL)

    @contextmanager
    def _reports(self) -> Iterator[tuple[str, list[int]]]:
        """A topic to report frames to, and their number so far, in a list of one."""
        topic, done = f"rgnn_hal.frames.{uuid4()}", [0]

        def count(event: tuple[float, int]) -> None:
            done[0] += event[1]

        self.client.subscribe_topic(topic, count)
        try:
            yield topic, done
        finally:
            self.client.unsubscribe_topic(topic)


@contextmanager
def connected(scheduler: str) -> Iterator[Cluster]:
    """The workers of the scheduler at an address.

    Raises:
        ConfigurationError: dask.distributed is not installed.
        TransportError: no scheduler answers, or it has no workers.
    """
    require_distributed("sharing work by a scheduler")
    from distributed import Client

    try:
        client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
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
        yield Cluster(client)


def require_distributed(what: str) -> None:
    """Refuse `what` where dask.distributed is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f"{what} needs dask.distributed: pip install 'rgnn-hal[scale]'"
        ) from error


@dataclass(frozen=True)
class _Sums:
    """`Collected` in half the memory: triangles of Gram matrices."""

    training: Arrays
    validation: Arrays
    work: Operations

    @classmethod
    def pack(cls, collected: Collected) -> "_Sums":
        training, validation = map(pack_statistics, (collected.training, collected.validation))
        return cls(training, validation, collected.work)

    def unpack(self) -> Collected:
        training, validation = map(unpack_statistics, (self.training, self.validation))
        return Collected(training, validation, self.work)

    def __add__(self, other: "_Sums") -> "_Sums":
        return _Sums(
            {name: array + other.training[name] for name, array in self.training.items()},
            {name: array + other.validation[name] for name, array in self.validation.items()},
            self.work + other.work,
        )


def _collect(job: Job, leaves: Sequence[FilePart], blas_threads: int, topic: str) -> _Sums:
    """What a worker does."""
    from distributed import get_worker

    worker, unreported, last = get_worker(), 0, time.monotonic()

    def report() -> None:
        nonlocal unreported, last
        worker.log_event(topic, unreported)
        unreported, last = 0, time.monotonic()

    def counted() -> None:
        nonlocal unreported
        unreported += 1
        if time.monotonic() > last + _REPORTS:
            report()

    with threadpool_limits(blas_threads, user_api="blas"):
        collected = job.collect(leaves, counted)
    report()
    return _Sums.pack(collected)


def _sweep(sweep: Sweep, leaves: Sequence[FilePart]) -> Swept:
    """What a worker does."""
    return sweep.over(leaves)
