"""Opening, owning and closing."""

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rgnn_hal.macro import Capability, ClosedError, DeviceError, Macro, PulseKind
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, must_raise, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.clauses.strength import change_cells
from rgnn_hal.testing.mirror import Mirror

_CYCLES = 4


@clause(Bias.READ)
def opens_with_its_spec(bench: Bench) -> None:
    """Opening gives an open macro whose spec stays the same, also when it is opened again."""
    with bench.open() as macro:
        require(isinstance(macro, Macro), f"opening gave a {type(macro).__name__}, not a Macro")
        require(not macro.closed, "a macro that was just opened says that it is closed")
        Mirror(macro, bench.patch, gentle=bench.gentle).read()
        require(macro.spec == bench.spec, "the spec is another one than at an earlier opening")


@clause(Bias.READ)
def close_is_idempotent(bench: Bench) -> None:
    """close can be called twice, and safe after it, without an error."""
    macro = bench.open()
    macro.apply(np.full((1, bench.spec.rows), bench.spec.read_voltage.high))
    macro.close()
    require(macro.closed, "closed is false after close")
    macro.close()
    macro.safe()
    macro.close()
    require(macro.closed, "closed is false after the second close")


@clause(Bias.READ)
def closed_macros_refuse(bench: Bench) -> None:
    """Every verb of a closed macro raises ClosedError."""
    macro = bench.open()
    macro.close()
    spec, cell = bench.spec, np.zeros((1, 1), dtype=np.bool_)
    silent = np.zeros((1, spec.rows))
    verbs: dict[str, Callable[[], Any]] = {
        "program": lambda: macro.program(np.full((spec.rows, spec.cols), spec.conductance.low)),
        "pulse": lambda: macro.pulse(
            PulseKind.SET, cell, voltage=1.0, gate_voltage=1.0, width=1e-6
        ),
        "apply": lambda: macro.apply(silent),
        "read": macro.read,
        "multiply": lambda: macro.multiply(silent),
        "read_conductance": macro.read_conductance,
        "clock": macro.clock,
        "wait": lambda: macro.wait(0.0),
    }
    for verb, call in verbs.items():
        must_raise(ClosedError, f"{verb} after close", call)


@clause(Bias.READ)
def reopens_after_close(bench: Bench) -> None:
    """After close the hardware can be opened again at once, with all lines grounded."""
    for _ in range(2):
        with bench.open() as macro:
            mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
            macro.apply(np.full((1, bench.spec.rows), bench.spec.read_voltage.high))
        with bench.factory() as again:
            mirror.macro, mirror.drive = again, None
            mirror.read()


@clause(Bias.READ)
def leaves_no_handle_open(bench: Bench) -> None:
    """Opening and closing leaves no file, connection or thread behind in this process."""
    bench.factory().close()  # libraries that are loaded on the way may keep a file
    counts = [_open_handles()]
    for _ in range(_CYCLES):
        macro = bench.factory()
        macro.read_conductance(bench.patch)
        macro.close()
        del macro
        gc.collect()
        counts.append(_open_handles())
    grown = all(after > before for before, after in pairwise(counts))
    require(not grown, f"open files and threads after each opening and closing: {counts}")


@clause(Bias.READ)
def with_block_closes(bench: Bench) -> None:
    """Leaving a with block closes the macro, and an exception inside is not masked."""
    with bench.open() as macro:
        pass
    require(macro.closed, "the macro is open after its with block")
    mine = KeyError("mine")
    try:
        with bench.open() as macro:
            raise mine
    except BaseException as error:
        require(error is mine, f"the block raised KeyError, what came out is {error!r}")
    else:
        require(False, "the exception of the block was swallowed")
    require(macro.closed, "the macro is open after a with block that raised")


@clause(Bias.READ)
def dropping_closes(bench: Bench) -> None:
    """A macro that is dropped without close lets go of the hardware."""
    macro = bench.open()
    macro.apply(np.zeros((1, bench.spec.rows)))
    watch = weakref.ref(macro)
    del macro
    gc.collect()
    if watch() is not None:
        raise NotApplicable("something else still refers to the macro, perhaps what opened it")
    with bench.factory() as again:
        Mirror(again, bench.patch, gentle=bench.gentle).read()


@clause(Bias.READ)
def ownership_is_exclusive(bench: Bench) -> None:
    """A second opener of hardware that is in use gets a DeviceError that says so."""
    if Capability.PERSISTENT not in bench.spec.capabilities:
        raise NotApplicable("each opening is a chip of its own (not PERSISTENT)")
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        error = must_raise(DeviceError, "opening what is in use", bench.factory)
        require(str(error), "the DeviceError has no message; it must name the owner")
        mirror.read()


@clause(Bias.READ)
def two_macros_are_two(bench: Bench) -> None:
    """Where two can be open at once, neither senses the voltages or pulses of the other."""
    if Capability.PERSISTENT in bench.spec.capabilities:
        raise NotApplicable("hardware that is PERSISTENT has one owner")
    with bench.open() as first:
        try:
            second = bench.factory()
        except DeviceError as error:
            raise NotApplicable(f"the hardware has one owner: {error}") from error
        with second:
            one, two = (Mirror(m, bench.patch, gentle=bench.gentle) for m in (first, second))
            one.apply(spread(bench, 2))
            two.read()
            change_cells(bench, second)
            one.read()
            one.same_cells()
            two.learn()
            two.multiply(spread(bench, 2, seed=1))


def _open_handles() -> int:
    folder = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    if not folder.is_dir():
        raise NotApplicable(f"{sys.platform} does not list the open files of a process")
    return len(list(folder.iterdir())) + threading.active_count()
