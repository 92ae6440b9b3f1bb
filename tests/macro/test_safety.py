"""Whatever goes wrong, the array ends up grounded, closed stays closed, no error is masked."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rgnn_hal.macro import ClosedError, DeviceError, Macro, PulseKind, TransportError
from rgnn_hal.macro.checks import FloatArray
from tests.conftest import ArrayMacro

VOLTAGE = np.full((2, 8), 0.1)
VERBS: dict[str, Callable[[Macro], Any]] = {
    "program": lambda m: m.program(np.full((8, 6), 5e-6)),
    "pulse": lambda m: m.pulse(
        PulseKind.SET, np.ones((8, 6), dtype=bool), voltage=1.0, gate_voltage=1.0, width=1e-6
    ),
    "apply": lambda m: m.apply(VOLTAGE),
    "read": lambda m: m.read(),
    "read_conductance": lambda m: m.read_conductance(),
    "wait": lambda m: m.wait(1.0),
}


@pytest.mark.parametrize("error", [DeviceError("arc"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("verb", VERBS)
def test_an_exception_inside_a_verb_grounds_the_array(
    macro: ArrayMacro, verb: str, error: BaseException
) -> None:
    macro.apply(VOLTAGE)
    macro.log.clear()
    macro.failures[verb] = error
    with pytest.raises(type(error)) as caught:
        VERBS[verb](macro)
    assert caught.value is error
    assert macro.log[-2:] == [verb, "safe"]
    assert not macro.latched[0].any()
    assert not macro.closed


def test_an_exception_between_apply_and_read_of_a_multiply_grounds_the_array(
    macro: ArrayMacro,
) -> None:
    macro.failures["read"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        macro.multiply(VOLTAGE)
    assert macro.log == ["apply", "read", "safe"]


def test_when_grounding_fails_too_the_first_error_is_raised_and_the_second_noted(
    macro: ArrayMacro,
) -> None:
    macro.failures = {"read": TransportError("silent"), "safe": DeviceError("relay stuck")}
    with pytest.raises(TransportError, match="silent") as caught:
        macro.read()
    assert caught.value.__notes__ == ["and grounding the array failed: relay stuck"]


def test_a_macro_is_usable_after_a_failed_verb(macro: ArrayMacro) -> None:
    macro.failures["apply"] = DeviceError("busy")
    with pytest.raises(DeviceError):
        macro.multiply(VOLTAGE)
    macro.failures.clear()
    assert macro.multiply(VOLTAGE).shape == (2, 6)


def test_close_grounds_first_and_is_idempotent(macro: ArrayMacro) -> None:
    macro.close()
    macro.close()
    macro.safe()
    assert macro.log == ["safe", "close"]


def test_safe_is_idempotent_and_possible_at_any_time(macro: ArrayMacro) -> None:
    macro.safe()
    macro.safe()
    macro.apply(VOLTAGE)
    macro.safe()
    assert macro.log == ["safe", "safe", "apply", "safe"]


def test_close_lets_go_of_the_hardware_even_when_grounding_fails(macro: ArrayMacro) -> None:
    macro.failures["safe"] = DeviceError("relay stuck")
    with pytest.raises(DeviceError, match="relay stuck"):
        macro.close()
    assert macro.log == ["safe", "close"]
    assert macro.closed
    macro.close()
    assert macro.log == ["safe", "close"]


def test_leaving_a_with_block_closes(macro: ArrayMacro) -> None:
    with macro as entered:
        assert entered is macro
    assert macro.closed


def test_an_error_in_a_with_block_is_not_masked_by_a_failing_close(macro: ArrayMacro) -> None:
    macro.failures["close"] = TransportError("hung up")
    mine = KeyError("mine")
    with pytest.raises(KeyError) as caught, macro:
        raise mine
    assert caught.value is mine
    assert mine.__notes__ == ["and closing the macro failed: hung up"]


def test_a_failing_close_after_a_clean_block_is_raised(macro: ArrayMacro) -> None:
    macro.failures["close"] = TransportError("hung up")
    with pytest.raises(TransportError, match="hung up"), macro:
        pass


def test_a_macro_that_is_dropped_is_closed() -> None:
    macro = ArrayMacro()
    log = macro.log
    del macro
    gc.collect()
    assert log == ["safe", "close"]


def test_a_driver_that_fails_while_it_opens_is_dropped_quietly() -> None:
    class Broken(ArrayMacro):
        def __init__(self) -> None:
            raise DeviceError("no chip")

    with pytest.raises(DeviceError, match="no chip"):
        Broken()
    gc.collect()  # an exception in __del__ would be a warning, hence an error


EXIT = """
from tests.conftest import ArrayMacro
class Loud(ArrayMacro):
    def _safe(self): print("safe", flush=True)
    def _close(self):
        print("close", flush=True)
        raise RuntimeError("even so")
macros = [Loud(), Loud()]
macros[0].failures["cycle"] = macros[0]
{ending}
"""


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)", "macros[1].apply([[0.1] * 8])"])
def test_macros_left_open_are_closed_at_interpreter_exit(
    ending: str, pytestconfig: pytest.Config
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", EXIT.format(ending=ending)],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["safe", "close"] * 2


FORK = """
import os, sys
from tests.conftest import ArrayMacro
class Loud(ArrayMacro):
    def _safe(self): print("safe", os.getpid(), flush=True)
macro = Loud()
child = os.fork()
if child == 0:
    sys.exit()
os.waitpid(child, 0)
print("parent", os.getpid(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_does_not_close_its_parents_macros(pytestconfig: pytest.Config) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORK],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        check=True,
    )
    parent = ran.stdout.split()[1]
    assert ran.stdout.split() == ["parent", parent, "safe", parent]


class Slow(ArrayMacro):
    """Notices when two threads are inside driver verbs at once."""

    inside = 0
    overlapped = False

    def _reach(self, verb: str) -> None:
        super()._reach(verb)
        self.inside += 1
        threading.Event().wait(1e-3)
        self.overlapped |= self.inside > 1
        self.inside -= 1


def in_threads(*works: Callable[[], Any]) -> list[BaseException]:
    """Run every work in its own thread at once; what they raised."""
    errors: list[BaseException] = []
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> None:
        gate.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_verbs_of_many_threads_run_one_at_a_time() -> None:
    macro = Slow()
    works: list[Callable[[], Any]] = [
        macro.read,
        macro.clock,
        macro.safe,
        macro.read_conductance,
        lambda: macro.multiply(VOLTAGE),
        lambda: macro.wait(1.0),
    ]
    assert in_threads(*works, *works) == []
    assert not macro.overlapped


def test_multiply_is_atomic_among_threads() -> None:
    macro = Slow()
    expected = [macro.multiply(np.full((1, 8), level)) for level in (0.05, 0.1)]
    results: dict[int, list[FloatArray]] = {0: [], 1: []}

    def work(which: int) -> None:
        for _ in range(5):
            results[which].append(macro.multiply(np.full((1, 8), (0.05, 0.1)[which])))

    assert in_threads(lambda: work(0), lambda: work(1)) == []
    for which, currents in results.items():
        assert all(np.array_equal(current, expected[which]) for current in currents)


def test_a_sequence_under_the_lock_is_atomic_and_close_waits_for_it() -> None:
    macro = Slow()
    started = threading.Event()

    def sequence() -> None:
        with macro.lock:
            started.set()
            for _ in range(5):
                macro.read()

    def close() -> None:
        started.wait()
        macro.close()

    assert in_threads(sequence, close) == []
    assert macro.log == ["read"] * 5 + ["safe", "close"]


class Announcing(ArrayMacro):
    """Tells when a verb has found the macro open for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.found_open = threading.Event()

    def _check_open(self) -> None:
        super()._check_open()
        self.found_open.set()


def test_a_verb_that_waited_for_the_lock_while_another_thread_closed_is_refused() -> None:
    macro = Announcing()
    errors: list[BaseException] = []
    late = threading.Thread(target=lambda: errors.extend(in_threads(macro.read)))
    with macro.lock:
        late.start()
        assert macro.found_open.wait(timeout=10)
        macro.close()
    late.join()
    assert [type(error) for error in errors] == [ClosedError]
    assert "read" not in macro.log
