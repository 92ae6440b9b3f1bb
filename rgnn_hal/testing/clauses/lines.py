"""Lines: when voltages are on them and when they are grounded."""

from collections.abc import Callable
from operator import methodcaller
from typing import Any

import numpy as np

from rgnn_hal.macro import DeviceError, Macro, TransportError
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, ContractViolation, NotApplicable, clause, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.conditioning import strong_pulse
from rgnn_hal.testing.mirror import Drive, Mirror, sides


@clause(Bias.READ)
def opens_grounded(bench: Bench) -> None:
    """After opening all lines are grounded: read senses one vector of zero volts."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        macro.apply(spread(bench, 2).voltage, region=bench.patch)
    with bench.factory() as again:
        mirror.macro, mirror.drive = again, None
        mirror.read()


@clause(Bias.READ)
def safe_grounds(bench: Bench) -> None:
    """safe grounds every line, however it was driven, and may be repeated."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for side in sides(bench.spec):
            lines = bench.patch.shape[0 if side == "rows" else 1]
            voltage = np.full((bench.batch(2), lines), bench.spec.read_voltage.high)
            for latch in (mirror.apply, mirror.multiply):
                latch(Drive(voltage, side, bench.patch))
                mirror.read()
                for _ in range(3):
                    macro.safe()
                    mirror.drive = None
                    mirror.read()


@clause(Bias.READ)
def reading_cells_and_waiting_ground(bench: Bench) -> None:
    """read_conductance and wait leave all lines grounded."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        none = np.zeros(bench.patch.shape, dtype=np.bool_)
        verbs: tuple[Callable[[], Any], ...] = (
            lambda: macro.read_conductance(bench.patch),
            lambda: macro.read_conductance(bench.patch, mask=~none),
            lambda: macro.read_conductance(bench.patch, mask=none),
            lambda: macro.wait(0.0),
        )
        for verb in verbs:
            mirror.apply(spread(bench, 2))
            mirror.read()
            verb()
            mirror.drive = None
            mirror.read()


@clause(Bias.PULSE)
def pulsing_grounds(bench: Bench) -> None:
    """pulse and program leave all lines grounded."""
    if not (bench.kinds or bench.may_program):
        raise NotApplicable("the macro has no pulses and no closed-loop programming")
    patch = bench.patch
    verbs: list[Callable[[Macro], None]] = []
    for kind in bench.kinds:
        pulse = strong_pulse(bench.spec.pulses[kind]) | {"region": patch}
        masks = np.zeros(patch.shape, np.bool_), np.ones(patch.shape, np.bool_)
        verbs += [methodcaller("pulse", kind, mask, **pulse) for mask in masks]
    if bench.may_program:
        verbs.append(lambda m: m.program(np.full(patch.shape, bench.spec.conductance.high), patch))
    with bench.open() as macro:
        mirror = Mirror(macro, patch, gentle=bench.gentle)
        for verb in verbs:
            mirror.apply(spread(bench, 2))
            mirror.read()
            verb(macro)
            mirror.drive = None
            mirror.read()
            mirror.learn()


@clause(Bias.READ)
def faults_are_raised(bench: Bench) -> None:
    """A fault of the hardware is raised as DeviceError or TransportError and grounds the array."""
    if bench.fault is None:
        raise NotApplicable("no way to make this hardware fail was given (`fault`)")
    fault = bench.fault
    drive = spread(bench, 2)
    verbs: dict[str, Callable[[Macro], Any]] = {
        "apply": lambda m: m.apply(drive.voltage, region=drive.region),
        "read": lambda m: m.read(),
        "multiply": lambda m: m.multiply(drive.voltage, region=drive.region),
        "read_conductance": lambda m: m.read_conductance(bench.patch),
    }
    cells = np.ones(bench.patch.shape, dtype=np.bool_)
    reading = set(verbs)
    for kind in bench.kinds:
        pulse = strong_pulse(bench.spec.pulses[kind]) | {"region": bench.patch}
        verbs[f"a {kind} pulse"] = methodcaller("pulse", kind, cells, **pulse)
    for name, verb in verbs.items():
        with bench.open() as macro:
            mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
            mirror.apply(drive)
            fault(macro)
            _must_fail(name, verb, macro)
            if macro.closed:
                continue
            mirror.drive = None
            mirror.read()
            macro.safe()
            if name not in reading:
                mirror.learn()  # after a TransportError nobody knows whether pulses were given
            mirror.multiply(drive)


def _must_fail(name: str, verb: Callable[[Macro], Any], macro: Macro) -> None:
    try:
        verb(macro)
    except (DeviceError, TransportError) as error:
        require(str(error), f"the {type(error).__name__} of {name} has no message")
    except Exception as error:
        raise ContractViolation(
            f"a fault in {name} came out as {type(error).__name__}: {error}"
        ) from error
    else:
        raise ContractViolation(f"{name} swallowed a fault of the hardware and returned")
