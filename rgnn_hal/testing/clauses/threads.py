"""Threads that share a macro."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

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
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        _raise("multiply in a thread", outcome)
        for drive, current in results:
            mirror.drive = drive
            mirror.compare(current, 1, "multiply beside other threads,")


def _run(verb: Callable[[], Any], outcome: list[BaseException | None]) -> None:
    try:
        verb()
    except BaseException as error:
        outcome.append(error)


def _raise(name: str, outcome: list[BaseException | None]) -> None:
    for error in outcome:
        raise ContractViolation(f"{name} raised {type(error).__name__}: {error}") from error
