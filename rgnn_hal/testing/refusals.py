"""Refusals: calls that every macro of a spec must refuse, each by as little as there is.

One float beyond a limit, one line beyond the macro, one vector more than the largest batch: a
driver that checks less exactly than the contract, clips, or lets NaN through, accepts one of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

import numpy as np

from rgnn_hal.macro import LimitError, Macro, MacroSpec, Range, Region
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.conditioning import strong_pulse

_LARGEST = 1 << 24
"""Voltages that one refused call carries at most."""


@dataclass(frozen=True)
class Refusal:
    """A call that must be refused."""

    words: str
    call: Callable[[Macro], Any]
    error: type[Exception] = LimitError


def refusals(bench: Bench) -> list[Refusal]:
    """Every refusal that a bench may try."""
    found = [
        *bad_voltages(bench),
        *bad_shapes(bench),
        *bad_regions(bench),
        *bad_numbers(bench.spec),
    ]
    if not bench.gentle:  # a driver that does not refuse these would wear the chip
        found += [*bad_pulses(bench), *bad_targets(bench)]
    return found


def bad_voltages(bench: Bench) -> Iterator[Refusal]:
    """Voltages outside of the read limit."""
    lines = bench.patch.shape[0]
    for verb in ("apply", "multiply"):
        for dtype in (np.float64, np.float32):
            for bad in _beyond(bench.spec.read_voltage, dtype):
                if bench.gentle and np.isinf(bad):  # what if it is not refused?
                    continue
                voltage = np.zeros((bench.batch(2), lines), dtype)
                voltage[-1, -1] = bad
                yield Refusal(
                    f"{verb} of {bad!r} V", methodcaller(verb, voltage, region=bench.patch)
                )


def bad_shapes(bench: Bench) -> Iterator[Refusal]:
    """Voltages that do not fit the lines, the batch or the type."""
    spec, patch = bench.spec, bench.patch
    lines = patch.shape[0]
    bad: dict[str, Any] = {
        "one vector without a batch": np.zeros(lines),
        "a line too few": np.zeros((1, lines - 1)),
        "a line too many": np.zeros((1, lines + 1)),
        "no vector at all": np.zeros((0, lines)),
        "vectors on three axes": np.zeros((1, 1, lines)),
        "truth values": np.zeros((1, lines), np.bool_),
        "complex voltages": np.zeros((1, lines), complex),
        "voltages as text": np.full((1, lines), "0"),
        "ragged lists": [[0.0] * lines, [0.0] * (lines + 1)],
    }
    if spec.max_batch * lines <= _LARGEST:
        bad["one vector more than max_batch"] = np.zeros((spec.max_batch + 1, lines), np.float32)
    for words, voltage in bad.items():
        for verb in ("apply", "multiply"):
            yield Refusal(f"{verb} of {words}", methodcaller(verb, voltage, region=patch))
    yield Refusal(
        "a side that is neither", methodcaller("apply", np.zeros((1, lines)), side="both")
    )


def bad_regions(bench: Bench) -> Iterator[Refusal]:
    """Regions that reach beyond the macro, or are none."""
    spec, silent = bench.spec, np.zeros((1, bench.spec.rows))
    whole = (0, spec.rows, 0, spec.cols)
    for verb in ("apply", "multiply"):
        yield Refusal(f"{verb} on a tuple", methodcaller(verb, silent, region=whole))
    yield Refusal("read_conductance of text", methodcaller("read_conductance", "0:1,0:1"))
    for words, region in (
        ("a row beyond the macro", Region(0, spec.rows + 1, 0, spec.cols)),
        ("a column beyond the macro", Region(0, spec.rows, 0, spec.cols + 1)),
        ("a single cell beyond", Region(spec.rows, spec.rows + 1, 0, 1)),
    ):
        silent = np.zeros((1, region.shape[0]))
        for verb in ("apply", "multiply"):
            yield Refusal(f"{verb} on {words}", methodcaller(verb, silent, region=region))
        yield Refusal(f"read_conductance of {words}", methodcaller("read_conductance", region))


def bad_numbers(spec: MacroSpec) -> Iterator[Refusal]:
    """Samples and durations that are none."""
    for samples in (0, -1, spec.max_samples + 1, 1.0, True, None):
        yield Refusal(f"read with samples={samples!r}", methodcaller("read", samples))
        yield Refusal(
            f"read_conductance with samples={samples!r}",
            methodcaller("read_conductance", Region(0, 1, 0, 1), samples=samples),
        )
        yield Refusal(
            f"multiply with samples={samples!r}",
            methodcaller("multiply", np.zeros((1, spec.rows)), samples=samples),
        )
    for words, mask in (
        ("of numbers", np.ones((1, 1))),
        ("of another shape", np.ones((1, 2), np.bool_)),
    ):
        yield Refusal(
            f"read_conductance with a mask {words}",
            methodcaller("read_conductance", Region(0, 1, 0, 1), mask=mask),
        )
    for duration in (-1e-9, float("nan"), float("inf"), None):
        yield Refusal(f"wait({duration!r})", methodcaller("wait", duration))


def bad_pulses(bench: Bench) -> Iterator[Refusal]:
    """Pulses outside of their envelope, all on at least one cell."""
    patch = bench.patch
    mask = np.ones(patch.shape, dtype=np.bool_)
    for kind, limits in bench.spec.pulses.items():
        good = strong_pulse(limits) | {"mask": mask, "region": patch}
        bad: list[tuple[str, dict[str, Any]]] = []
        for name in ("voltage", "gate_voltage"):
            for value in _beyond(getattr(limits, name), np.float64):
                one = np.full(patch.shape, good[name])
                one[-1, -1] = value
                bad += [
                    (f"{name} {value!r} V", {name: value}),
                    (f"one {name} {value!r} V", {name: one}),
                ]
        bad += [
            (f"width {value!r} s", {"width": value}) for value in _beyond(limits.width, np.float64)
        ]
        bad += [(f"count {n!r}", {"count": n}) for n in (0, -1, limits.max_count + 1, 1.0, True)]
        bad += [
            ("a mask of another shape", {"mask": np.ones((1, *patch.shape), dtype=np.bool_)}),
            ("a mask of numbers", {"mask": mask.astype(np.int64)}),
            ("a mask of ragged lists", {"mask": [[True], [True, False]]}),
            ("no mask", {"mask": None}),
            ("a region that the mask does not fit", {"region": Region(0, 1, 0, 1)}),
        ]
        for words, change in bad:
            if words.startswith("a region") and patch.cells == 1:
                continue
            yield Refusal(
                f"{kind} pulse with {words}", methodcaller("pulse", kind, **(good | change))
            )


def bad_targets(bench: Bench) -> Iterator[Refusal]:
    """Conductances outside of the window."""
    if not bench.may_program:
        return
    patch, window = bench.patch, bench.spec.conductance
    good = np.linspace(window.low, window.high, patch.cells).reshape(patch.shape)
    for value in _beyond(window, np.float64):
        target = good.copy()
        target[-1, -1] = value
        yield Refusal(f"program of {value!r} S", methodcaller("program", target, patch))
    unfit: dict[str, Any] = {
        "another shape": np.full((1, *patch.shape), window.low),
        "complex numbers": good.astype(complex),
    }
    for words, unfitting in unfit.items():
        yield Refusal(f"program of {words}", methodcaller("program", unfitting, patch))


def _beyond(limit: Range, dtype: type[np.floating[Any]]) -> list[Any]:
    low, high = dtype(limit.low), dtype(limit.high)
    infinity = dtype(np.inf)
    return [
        np.nextafter(high, infinity),
        np.nextafter(low, -infinity),
        dtype(np.nan),
        infinity,
        -infinity,
    ]
