"""Limits: what is refused, what a refusal leaves behind, and that the limits themselves work."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from rgnn_hal.macro import Region
from rgnn_hal.testing import refusals
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, must_raise, require
from rgnn_hal.testing.drawing import levels
from rgnn_hal.testing.mirror import Drive, Mirror, sides
from rgnn_hal.testing.refusals import Refusal

_LARGEST = 1 << 22
"""Voltages of the largest batch that is tried."""


@clause(Bias.READ)
def voltages_beyond_are_refused(bench: Bench) -> None:
    """Voltages outside of the read limit are refused, by one float, NaN and infinity too."""
    _all_refused(bench, refusals.bad_voltages(bench))


@clause(Bias.READ)
def shapes_that_do_not_fit_are_refused(bench: Bench) -> None:
    """Voltages that do not fit the lines, the largest batch or the type are refused."""
    _all_refused(bench, refusals.bad_shapes(bench))


@clause(Bias.READ)
def regions_beyond_are_refused(bench: Bench) -> None:
    """Regions beyond the macro are refused by every verb that takes one."""
    _all_refused(bench, refusals.bad_regions(bench))


@clause(Bias.READ)
def bad_numbers_are_refused(bench: Bench) -> None:
    """Samples and durations that are out of range are refused."""
    _all_refused(bench, refusals.bad_numbers(bench.spec))


@clause(Bias.PULSE)
def pulses_beyond_are_refused(bench: Bench) -> None:
    """Pulses outside of their envelope are refused, whole, if one cell's value is."""
    if not bench.kinds:
        raise NotApplicable("the macro has no pulses")
    _all_refused(bench, refusals.bad_pulses(bench))


@clause(Bias.PULSE)
def targets_beyond_are_refused(bench: Bench) -> None:
    """Targets outside of the conductance window are refused, whole."""
    if not bench.may_program:
        raise NotApplicable("the macro has no closed-loop programming")
    _all_refused(bench, refusals.bad_targets(bench))


@clause(Bias.READ)
def refusals_leave_no_trace(bench: Bench) -> None:
    """A refused call moves no random stream and no clock: what follows is what would have been."""
    if not bench.reproducible:
        raise NotApplicable("the macro is not a new, equal chip at every opening")
    drive = spread(bench, 2)
    plain, disturbed = (_session(bench, drive, refuse) for refuse in (False, True))
    for name, before, after in zip(("currents", "cells", "time"), plain, disturbed, strict=True):
        require(np.array_equal(before, after), f"{name} differ after refused calls in between")


@clause(Bias.READ)
def limits_are_accepted(bench: Bench) -> None:
    """Voltages at both limits are accepted, in float32 and float64, and read right."""
    limit = bench.spec.read_voltage
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for side in sides(bench.spec):
            lines = bench.patch.shape[0 if side == "rows" else 1]
            for dtype in (np.float64, np.float32):
                for level in levels(limit, dtype):
                    voltage = np.full((1, lines), level, dtype)
                    mirror.multiply(Drive(voltage, side, bench.patch))
                    mirror.read()


@clause(Bias.READ)
def reading_disturbs_nothing(bench: Bench) -> None:
    """Reading just inside the limits, again and again, disturbs no cell."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for side in sides(bench.spec):
            lines = bench.patch.shape[0 if side == "rows" else 1]
            for level in levels(bench.spec.read_voltage):
                drive = Drive(np.full((bench.batch(4), lines), level), side, bench.patch)
                mirror.multiply(drive)
                mirror.read()
            mirror.same_cells()


@clause(Bias.READ)
def largest_calls_are_accepted(bench: Bench) -> None:
    """The largest batch and the most samples are accepted, and read right."""
    spec = bench.spec
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        mirror.multiply(spread(bench, max(1, _LARGEST // bench.patch.shape[0])))
        mirror.apply(spread(bench, 1))
        mirror.read(spec.max_samples)
        mirror.read(np.int64(spec.max_samples))  # type: ignore[arg-type]  # an integer too
        mirror.read_cells(
            Region.of_shape((1, 1), (bench.patch.row_start, bench.patch.col_start)),
            spec.max_samples,
        )


def spread(bench: Bench, batch: int, seed: int = 0) -> Drive:
    """Random voltages on the rows of the patch, as many vectors as asked for and allowed."""
    limit = bench.spec.read_voltage
    draw = np.random.default_rng(seed)
    voltage = draw.uniform(limit.low, limit.high, (bench.batch(batch), bench.patch.shape[0]))
    return Drive(voltage, "rows", bench.patch)


def _all_refused(bench: Bench, calls: Iterable[Refusal]) -> None:
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        mirror.apply(spread(bench, 2))
        for refusal in calls:
            before = macro.clock()
            must_raise(refusal.error, refusal.words, partial(refusal.call, macro))
            if bench.reproducible:
                require(macro.clock() == before, f"{refusal.words} was refused, but took time")
            mirror.read()
        mirror.same_cells()


def _session(
    bench: Bench, drive: Drive, refuse: bool
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.floating]], ...]:
    with bench.open() as macro:
        calls = refusals.refusals(bench) if refuse else []
        currents = []
        for part in range(3):
            for refusal in calls[part::3]:
                must_raise(refusal.error, refusal.words, partial(refusal.call, macro))
            currents.append(macro.multiply(drive.voltage, region=drive.region))
        return np.stack(currents), macro.read_conductance(bench.patch), np.array(macro.clock())
