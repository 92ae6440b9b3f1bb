"""Strength: how much a pulse does is decided by the amplitudes of every cell and by the count."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import Macro, PulseKind, Range
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, require
from rgnn_hal.testing.conditioning import pulse_strongly, start_low, strong_pulse
from rgnn_hal.testing.layouts import layouts
from rgnn_hal.testing.mirror import Mirror

_OWN = 0.8
"""Of the cells that must follow their own amplitude; half of them would by chance."""
_MANY = 6
"""Pulses of one train."""
_CERTAIN = 10.0
"""Standard errors of a median by which a train must do more than one pulse."""


def switchable(bench: Bench) -> tuple[PulseKind, PulseKind]:
    """SET and then RESET, for cells that a RESET has gone before."""
    if not {PulseKind.SET, PulseKind.RESET} <= set(bench.kinds):
        raise NotApplicable("the macro does not have both SET and RESET pulses")
    return PulseKind.SET, PulseKind.RESET


def change_cells(bench: Bench, macro: Macro) -> None:
    """Pulse and program all cells of the patch in every way that the bench may."""
    for kind in bench.kinds:
        pulse_strongly(macro, kind, np.ones(bench.patch.shape, dtype=np.bool_), bench.patch)
    if bench.may_program:
        macro.program(np.full(bench.patch.shape, bench.spec.conductance.high), bench.patch)


@clause(Bias.PULSE)
def voltages_are_each_cells_own(bench: Bench) -> None:
    """Where cell voltages are given cell by cell, in any layout, every cell gets its own."""
    _each_cells_own(bench, "voltage")


@clause(Bias.PULSE)
def gates_are_each_cells_own(bench: Bench) -> None:
    """Where gate voltages are given cell by cell, in any layout, every cell gets its own."""
    _each_cells_own(bench, "gate_voltage")


@clause(Bias.PULSE)
def count_is_a_number_of_pulses(bench: Bench) -> None:
    """A count of n does what n pulses do."""
    kind, _ = switchable(bench)
    limits = bench.spec.pulses[kind]
    counts = [n for n in (2, _MANY) if n <= limits.max_count]
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for share in (0.2, 0.1, 0.4):
            pulse = strong_pulse(limits) | {
                "voltage": _at(limits.voltage, share),
                "gate_voltage": _at(limits.gate_voltage, 0.1),
            }
            single = _rise(mirror, kind, [pulse])
            for count in counts:
                singles = _rise(mirror, kind, [pulse] * count)
                more = float(np.median(singles) - np.median(single))
                if more <= _CERTAIN * _error(singles, single) + 0.1 * mirror.visible:
                    continue
                train = _rise(mirror, kind, [pulse | {"count": count}])
                require(
                    abs(np.median(train) - np.median(singles)) <= 0.5 * more,
                    f"one {kind} pulse moved cells by {np.median(single):.3g} S in the median, "
                    f"{count} of them by {np.median(singles):.3g} S, but one call with "
                    f"count={count} by {np.median(train):.3g} S",
                )
                return
    raise NotApplicable(f"further {kind} pulses do not move cells visibly further")


def _each_cells_own(bench: Bench, name: str) -> None:
    kind, _ = switchable(bench)
    limits: Range = getattr(bench.spec.pulses[kind], name)
    strong = strong_pulse(bench.spec.pulses[kind])
    weak = strong | {name: limits.low}
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        low, high = (float(np.median(_rise(mirror, kind, [p]))) for p in (weak, strong))
        if high - low < 2 * mirror.visible:
            raise NotApplicable(
                f"the gentlest {name} of a {kind} pulse does what the strongest does"
            )
        chosen = np.random.default_rng(5).random(bench.patch.shape) < 0.5
        mixed = np.where(chosen, strong[name], weak[name])
        for words, array in {"an array": mixed, **layouts(mixed)}.items():
            rise = _rise(mirror, kind, [strong | {name: array}])
            right = (rise > (low + high) / 2) == chosen
            require(
                right.mean() >= _OWN,
                f"of {right.size} cells, {int((~right).sum())} did not follow their own {name}: "
                f"a {kind} pulse with strong and weak ones mixed in {words}",
            )
            require(np.array_equal(array, mixed), f"pulse wrote to {words} of {name}")


def _rise(mirror: Mirror, kind: PulseKind, pulses: list[dict[str, Any]]) -> NDArray[np.float64]:
    """By how much the cells of the patch rise from low in pulses on all of them, S."""
    start_low(mirror.macro, mirror.patch)
    mirror.learn()
    before = mirror.cells
    every = np.ones(mirror.patch.shape, dtype=np.bool_)
    for pulse in pulses:
        mirror.macro.pulse(kind, every, **pulse, region=mirror.patch)
    mirror.learn()
    return mirror.cells - before


def _error(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Standard error of the difference of two medians."""
    return float(1.25 * np.hypot(first.std(), second.std()) / np.sqrt(first.size))


def _at(limit: Range, share: float) -> float:
    return limit.low + share * (limit.high - limit.low)
