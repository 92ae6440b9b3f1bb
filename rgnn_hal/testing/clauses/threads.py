"""Threads that share a macro."""

import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, cast

import numpy as np

from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, ContractViolation, clause, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.conditioning import strong_pulse
from rgnn_hal.testing.mirror import Drive, Mirror

_WAITING = 0.03
"""s that a verb is watched for; one that ignores the lock returns in less on any computer."""
_LATEST = 60.0
"""s after which a verb that should go on is taken to hang."""
_ROUNDS = 6
_PAUSE = 1e-4
"""s for which a lock that was released is left to others."""


@clause(Bias.READ)
def verbs_wait_for_the_lock(bench: Bench) -> None:
    """Every verb waits while another thread holds macro.lock, and goes on when it is released."""
    drive = spread(bench, 1)
    none = np.zeros(bench.patch.shape, dtype=np.bool_)
    with bench.open() as macro:
        verbs: dict[str, Callable[[], Any]] = {
            "apply": lambda: macro.apply(drive.voltage, region=drive.region),
            "read": macro.read,
            "multiply": lambda: macro.multiply(drive.voltage, region=drive.region),
            "read_conductance": lambda: macro.read_conductance(bench.patch),
            "clock": macro.clock,
            "wait": lambda: macro.wait(0.0),
            "safe": macro.safe,
        }
        for kind in bench.kinds:
            pulse = strong_pulse(bench.spec.pulses[kind]) | {"region": bench.patch}
            verbs[f"a {kind} pulse"] = partial(macro.pulse, kind, none, **pulse)
        verbs["close"] = macro.close
        for name, verb in verbs.items():
            outcome: list[BaseException | None] = []
            worker = threading.Thread(target=_run, args=(verb, outcome), daemon=True)
            with macro.lock:
                worker.start()
                worker.join(_WAITING)
                require(worker.is_alive(), f"{name} did not wait for macro.lock")
            worker.join(_LATEST)
            require(not worker.is_alive(), f"{name} hangs after macro.lock was released")
            _raise(name, outcome)


@clause(Bias.READ)
def holding_the_lock_lets_verbs_through(bench: Bench) -> None:
    """Whoever holds macro.lock may call verbs, and hold the lock twice."""
    drive = spread(bench, 1)
    with bench.open() as macro:

        def work() -> None:
            with macro.lock:
                require(macro.lock.acquire(blocking=False), "macro.lock is not reentrant")
                macro.lock.release()
                macro.multiply(drive.voltage, region=drive.region)
                macro.safe()

        outcome: list[BaseException | None] = []
        worker = threading.Thread(target=_run, args=(work, outcome), daemon=True)
        worker.start()
        worker.join(_LATEST)
        require(not worker.is_alive(), "a verb hangs if its caller holds macro.lock")
        _raise("multiply inside macro.lock", outcome)


@clause(Bias.READ)
def threads_do_not_mix(bench: Bench) -> None:
    """Two threads that multiply at once both get their own currents."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        drives = [spread(bench, 2, seed) for seed in range(3)]
        results: list[tuple[Drive, np.ndarray[Any, Any]]] = []
        gate = threading.Barrier(len(drives))

        def work(drive: Drive, fused: bool) -> None:
            gate.wait(_LATEST)
            for _ in range(_ROUNDS):
                if fused:
                    current = macro.multiply(drive.voltage, region=drive.region)
                else:
                    with macro.lock:
                        macro.apply(drive.voltage, region=drive.region)
                        current = macro.read()
                results.append((drive, current))

        outcome: list[BaseException | None] = []
        workers = [
            threading.Thread(target=_run, args=(partial(work, drive, i > 0), outcome))
            for i, drive in enumerate(drives)
        ]
        lock = macro.lock
        macro.lock = cast(Any, _Yielding(lock))
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        finally:
            macro.lock = lock
        _raise("multiply in a thread", outcome)
        for drive, current in results:
            mirror.drive = drive
            mirror.compare(current, 1, "multiply beside other threads,")


class _Yielding:
    """A lock that other threads get whenever it is released.

    Python gives a lock back to the thread that has just released it, so that a verb which lets go
    of it half way is hardly ever met there.
    """

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return bool(self._lock.acquire(blocking, timeout))

    def release(self) -> None:
        self._lock.release()
        time.sleep(_PAUSE)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def _run(verb: Callable[[], Any], outcome: list[BaseException | None]) -> None:
    try:
        verb()
    except BaseException as error:
        outcome.append(error)


def _raise(name: str, outcome: list[BaseException | None]) -> None:
    for error in outcome:
        raise ContractViolation(f"{name} raised {type(error).__name__}: {error}") from error
