"""Memory: whose arrays are whose."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import PulseKind
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.conditioning import start_low, strong_pulse
from rgnn_hal.testing.layouts import layouts
from rgnn_hal.testing.mirror import Drive, Mirror


@clause(Bias.READ)
def voltages_are_copied(bench: Bench) -> None:
    """A caller may reuse its voltage buffer as soon as apply or multiply has returned."""
    drive = spread(bench, 3)
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for verb in (macro.apply, macro.multiply):
            for drawn in (drive.voltage, drive.voltage.astype(np.float32)):
                buffer = drawn.copy()
                verb(buffer, region=bench.patch)
                buffer.fill(np.nan)
                mirror.drive = Drive(drawn, "rows", bench.patch)
                mirror.read()


@clause(Bias.PULSE)
def cell_arguments_are_copied(bench: Bench) -> None:
    """A caller may reuse its masks, amplitudes and targets as soon as the verb has returned."""
    if not (bench.kinds or bench.may_program):
        raise NotApplicable("the macro has no pulses and no closed-loop programming")
    shape = bench.patch.shape
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        writes: list[tuple[Callable[..., None], dict[str, NDArray[Any]]]] = []
        if bench.may_program:
            window = bench.spec.conductance
            target = np.random.default_rng(9).uniform(window.low, window.high, shape)
            writes.append((partial(macro.program, region=bench.patch), {"conductance": target}))
        if bench.kinds:
            pulse = strong_pulse(bench.spec.pulses[bench.kinds[-1]])
            width = pulse.pop("width")
            arrays = {name: np.full(shape, value) for name, value in pulse.items()}
            arrays["mask"] = np.random.default_rng(9).random(shape) < 0.5
            verb = partial(macro.pulse, bench.kinds[-1], width=width, region=bench.patch)
            writes.append((verb, arrays))
        for write, arrays in writes:
            write(**arrays)
            mirror.learn()
            for buffer in arrays.values():
                buffer.fill(0)
            mirror.same_cells()
            mirror.multiply(spread(bench, 2))


@clause(Bias.READ)
def arguments_are_left_alone(bench: Bench) -> None:
    """Arguments are not written to, and may be laid out in memory in any way, or be lists."""
    drive = spread(bench, 3)
    voltage, region = drive.voltage, bench.patch
    mask = np.random.default_rng(6).random(region.shape) < 0.5
    with bench.open() as macro:
        mirror = Mirror(macro, region, gentle=bench.gentle)
        for words, argument in layouts(voltage).items():
            current = macro.multiply(argument, region=region)
            mirror.drive = drive
            mirror.compare(current, 1, f"multiply of {words}")
            macro.safe()
            macro.apply(argument, region=region)
            mirror.compare(macro.read(), 1, f"apply of {words}, read")
            require(np.array_equal(argument, voltage), f"apply or multiply wrote to {words}")
        current = macro.multiply(voltage.tolist(), region=region)
        mirror.drive = drive
        mirror.compare(current, 1, "multiply of a list")
        for words, argument in layouts(mask).items():
            given = argument.copy(order="K")
            mirror.read_cells(region, mirror.bounds.reference_samples, argument)
            require(np.array_equal(argument, given), f"read_conductance wrote to {words}")


@clause(Bias.PULSE)
def cell_arguments_are_left_alone(bench: Bench) -> None:
    """Masks and targets are not written to, and may be laid out in memory in any way."""
    if not (bench.kinds or bench.may_program):
        raise NotApplicable("the macro has no pulses and no closed-loop programming")
    region, window = bench.patch, bench.spec.conductance
    draw = np.random.default_rng(10)
    mask = draw.random(region.shape) < 0.5
    target = draw.uniform(window.low, window.high, region.shape)
    with bench.open() as macro:
        mirror = Mirror(macro, region, gentle=bench.gentle)
        if bench.may_program:
            for words, argument in layouts(target).items():
                macro.program(np.full(region.shape, window.high), region)
                macro.program(argument, region)
                mirror.learn()
                mirror.require_target(target, f"programming {words}")
                require(np.array_equal(argument, target), f"program wrote to {words}")
        kinds = set(bench.kinds)
        for words, argument in layouts(mask).items():
            if not {PulseKind.SET, PulseKind.RESET} <= kinds:
                break
            start_low(macro, region)
            mirror.learn()
            before = mirror.cells
            macro.pulse(
                PulseKind.SET,
                argument,
                **strong_pulse(bench.spec.pulses[PulseKind.SET]),
                region=region,
            )
            mirror.same_cells(mask)
            mirror.learn()
            rose = mirror.cells - before > mirror.visible
            share = float(rose[mask].mean()) if mask.any() else 1.0
            require(share >= 0.5, f"a strong SET pulse moved {share:.0%} of the cells of {words}")
            require(np.array_equal(argument, mask), f"pulse wrote to {words}, its mask")


@clause(Bias.READ)
def results_may_be_written_to(bench: Bench) -> None:
    """What a verb returned belongs to the caller: writing to it changes nothing in the macro."""
    drive = spread(bench, 2)
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for _ in range(2):
            cells = macro.read_conductance(bench.patch)
            cells.fill(np.nan)
            mirror.same_cells()
            mirror.multiply(drive).fill(np.nan)
            mirror.read().fill(np.nan)
            mirror.read()


@clause(Bias.READ)
def results_never_change(bench: Bench) -> None:
    """What a verb returned never changes afterwards, whatever is called next."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        kept: list[tuple[str, NDArray[Any], NDArray[Any]]] = []

        def keep(verb: str, result: NDArray[Any]) -> None:
            kept.append((verb, result, result.copy()))

        for seed in range(3):
            keep("multiply", mirror.multiply(spread(bench, 2, seed)))
            keep("read", mirror.read())
            keep("read_conductance", macro.read_conductance(bench.patch))
            if bench.kinds:
                kind = bench.kinds[seed % len(bench.kinds)]
                mask = np.ones(bench.patch.shape, dtype=np.bool_)
                pulse = strong_pulse(bench.spec.pulses[kind])
                macro.pulse(kind, mask, **pulse, region=bench.patch)
                mirror.learn()
        macro.safe()
        macro.close()
        for verb, result, copy in kept:
            require(np.array_equal(result, copy), f"an array that {verb} returned has changed")
