"""Drawing: what examples are made of, with the values where drivers go wrong drawn on purpose.

Voltages at both limits, one float inside them, at zero and at the smallest float; one line alone;
square regions, on which a transposed product has the right shape; single cells, rows and columns.
"""

from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import MacroSpec, PulseKind, PulseLimits, Range, Region, Side
from rgnn_hal.macro.checks import FloatArray
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.mirror import Drive, sides

_MOST_VECTORS = 4
_TYPES: tuple[type[np.floating[Any]], ...] = (np.float64, np.float32)


def levels(limit: Range, dtype: Any = np.float64) -> list[float]:
    """Both ends of a range, the floats just inside, the middle, and zero if it is in it."""
    low, high = dtype(limit.low), dtype(limit.high)
    drawn = [low, high, np.nextafter(low, high), np.nextafter(high, low), dtype((low + high) / 2)]
    drawn += [zero for zero in (dtype(0.0), np.finfo(dtype).tiny) if low <= zero <= high]
    return sorted({float(value) for value in drawn})


@st.composite
def regions(draw: st.DrawFn, outer: Region) -> Region:
    """A rectangle of `outer`: all of it, a square, or any."""
    rows, cols = outer.shape
    kind = draw(st.sampled_from(["whole", "square", "any"]))
    if kind == "whole":
        return outer
    if kind == "square":
        height = width = draw(st.integers(1, min(rows, cols)))
    else:
        height, width = draw(st.integers(1, rows)), draw(st.integers(1, cols))
    row, col = draw(st.integers(0, rows - height)), draw(st.integers(0, cols - width))
    return Region.of_shape((height, width), (outer.row_start + row, outer.col_start + col))


@st.composite
def drives(draw: st.DrawFn, spec: MacroSpec, patch: Region) -> Drive:
    """Voltages for any side, region, batch and type."""
    side: Side = draw(st.sampled_from(sides(spec)))
    region = draw(regions(patch))
    lines = region.shape[0 if side == "rows" else 1]
    shape = draw(st.integers(1, min(_MOST_VECTORS, spec.max_batch))), lines
    dtype = draw(st.sampled_from(_TYPES))
    return Drive(draw(_voltages(spec.read_voltage, shape, dtype)), side, region)


def _voltages(
    limit: Range, shape: tuple[int, int], dtype: type[np.floating[Any]]
) -> st.SearchStrategy[FloatArray]:
    ends = levels(limit, dtype)

    def spread(seed: int) -> FloatArray:
        drawn = np.random.default_rng(seed).uniform(limit.low, limit.high, shape)
        return np.clip(drawn.astype(dtype), dtype(limit.low), dtype(limit.high))

    def one_hot(place: int, level: float) -> FloatArray:
        voltage = np.zeros(shape, dtype)
        voltage[np.arange(shape[0]), (place + np.arange(shape[0])) % shape[1]] = level
        return voltage

    strategies: list[st.SearchStrategy[FloatArray]] = [
        st.sampled_from(ends).map(lambda level: np.full(shape, level, dtype)),
        st.builds(one_hot, st.integers(0, shape[1] - 1), st.sampled_from(ends)),
        hnp.arrays(dtype, shape, elements=st.sampled_from(ends)),
        st.integers(0, 2**16).map(spread),
    ]
    return st.one_of(strategies)


def masks(shape: tuple[int, int]) -> st.SearchStrategy[NDArray[np.bool_]]:
    """No cell, all cells, one cell, or any."""
    rows, cols = shape

    def single(row: int, col: int) -> NDArray[np.bool_]:
        mask = np.zeros(shape, dtype=np.bool_)
        mask[row, col] = True
        return mask

    return st.one_of(
        st.booleans().map(lambda every: np.full(shape, every)),
        st.builds(single, st.integers(0, rows - 1), st.integers(0, cols - 1)),
        hnp.arrays(np.bool_, shape),
    )


@st.composite
def pulses(draw: st.DrawFn, bench: Bench) -> tuple[PulseKind, dict[str, Any]]:
    """A pulse within its envelope, as arguments of `Macro.pulse`."""
    kind = draw(st.sampled_from(bench.kinds))
    limits = bench.spec.pulses[kind]
    region = draw(regions(bench.patch))
    return kind, {
        "mask": draw(masks(region.shape)),
        "voltage": draw(_amplitude(limits.voltage, region.shape)),
        "gate_voltage": draw(_amplitude(limits.gate_voltage, region.shape)),
        "width": draw(st.sampled_from(_widths(limits))),
        "count": draw(st.sampled_from([1, min(2, limits.max_count)])),
        "region": region,
    }


def _amplitude(limit: Range, shape: tuple[int, int]) -> st.SearchStrategy[Any]:
    number = st.sampled_from(levels(limit))
    return number | number.map(lambda level: np.full(shape, level))


def _widths(limits: PulseLimits) -> list[float]:
    """Both ends, without the minutes that the longest pulse would take on many cells."""
    width = limits.width
    return [width.low, width.nearest(1e-6), width.nearest(1e-3)]


def targets(spec: MacroSpec, shape: tuple[int, int]) -> st.SearchStrategy[NDArray[np.float64]]:
    """Conductances within the window, S."""
    window = spec.conductance

    def spread(seed: int) -> NDArray[np.float64]:
        return np.random.default_rng(seed).uniform(window.low, window.high, shape)

    ends = st.sampled_from([window.low, window.high])
    return st.integers(0, 2**16).map(spread) | hnp.arrays(np.float64, shape, elements=ends)
