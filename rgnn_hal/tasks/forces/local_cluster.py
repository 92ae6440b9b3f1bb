"""Workers on this machine: a dask scheduler in this process, and processes beside it.

They are commands of their own, not children of `multiprocessing`, which would run the script that
trains once more in each of them: it needs no `if __name__ == "__main__"`. They leave Ctrl-C to this
process and end when it does, however it does, by a pipe that closes. One that dies is replaced, and
what it had is made again. As with any dask scheduler on this machine, no password keeps other users
from its port on 127.0.0.1.
"""

import logging
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from rgnn_hal.macro import TransportError
from rgnn_hal.tasks.forces.cluster import Cluster, require_distributed

_REPLACEMENTS = 4
"""A worker."""


@contextmanager
def local_cluster(workers: int) -> Iterator[Cluster]:
    """So many workers, which share the cores.

    Raises:
        ConfigurationError: dask.distributed is not installed.
    """
    require_distributed(f"sharing work among {workers} processes")
    import dask
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster

    # Neighbouring branches go to the same worker, where their sum needs no copy.
    placed = {"distributed.scheduler.worker-saturation": math.inf}
    with (
        dask.config.set(placed),
        LocalCluster(
            n_workers=0,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # without one it warns of others that hold 8787
            silence_logs=logging.CRITICAL,
        ) as scheduler,
        Client(scheduler, set_as_default=False) as client,
        TemporaryDirectory(prefix="rgnn_hal-") as folder,
        _Crew(scheduler.scheduler_address, folder, workers) as crew,
    ):
        yield Cluster(client, workers, max(1, CPU_COUNT // workers), crew.tend)


class _Crew:
    """Processes that work for a scheduler."""

    def __init__(self, address: str, folder: str, workers: int) -> None:
        # What can be imported here can be there.
        self._environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        module = "rgnn_hal.tasks.forces.worker_process"
        self._command = (sys.executable, "-P", "-m", module, address, folder)
        self._replacements = workers * _REPLACEMENTS
        self._running: list[subprocess.Popen[bytes]] = []
        self._workers = workers

    def __enter__(self) -> "_Crew":
        for _ in range(self._workers):
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.kill()
        while self._running:
            self._bury(self._running.pop())

    def tend(self) -> None:
        """Replace those who died.

        Raises:
            TransportError: they die again and again.
        """
        for process in [each for each in self._running if each.poll() is not None]:
            self._running.remove(process)
            status = self._bury(process)
            if self._replacements == 0:
                raise TransportError(
                    f"local workers end again and again, the last one {_ended(status)}; give "
                    "fewer workers if memory is short"
                )
            self._replacements -= 1
            self._start()

    def _start(self) -> None:
        self._running.append(
            subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        )

    @staticmethod
    def _bury(process: subprocess.Popen[bytes]) -> int:
        with process:  # closes its pipe
            return process.wait()


def _ended(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
