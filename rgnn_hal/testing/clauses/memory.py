"""Memory: whose arrays are whose."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.conditioning import strong_pulse
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
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        buffers: list[NDArray[Any]] = []
        if bench.may_program:
            buffers = [np.full(bench.patch.shape, bench.spec.conductance.high)]
            macro.program(buffers[0], bench.patch)
        else:
            pulse = strong_pulse(bench.spec.pulses[bench.kinds[-1]])
            mask = np.ones(bench.patch.shape, dtype=np.bool_)
            pulse["voltage"] = np.full(bench.patch.shape, pulse["voltage"])
            buffers = [mask, pulse["voltage"]]
            macro.pulse(bench.kinds[-1], mask, **pulse, region=bench.patch)
        mirror.learn()
        for buffer in buffers:
            buffer.fill(0)
        mirror.same_cells()
        mirror.multiply(spread(bench, 2))


@clause(Bias.READ)
def arguments_are_left_alone(bench: Bench) -> None:
    """Arguments are not written to; read-only, strided and nested-list arguments will do."""
    drive = spread(bench, 3)
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        fixed = drive.voltage.copy()
        fixed.flags.writeable = False
        wide = np.zeros((2 * len(drive.voltage), 2 * drive.voltage.shape[1]))
        wide[::2, ::2] = drive.voltage
        for argument in (fixed, wide[::2, ::2], np.asfortranarray(drive.voltage)):
            current = macro.multiply(argument, region=bench.patch)
            mirror.drive = drive
            mirror.compare(current, 1, "multiply of a strided or read-only array")
            require(np.array_equal(argument, drive.voltage), "multiply wrote to its argument")
        mirror.compare(
            macro.multiply(drive.voltage.tolist(), region=bench.patch), 1, "multiply of a list"
        )


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
