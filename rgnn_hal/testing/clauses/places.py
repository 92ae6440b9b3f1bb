"""Places: regions are where they say, at the edges of the macro too, and writes stay in them."""

from collections.abc import Callable
from functools import partial

import hypothesis.strategies as st
import numpy as np

from rgnn_hal.macro import Region
from rgnn_hal.testing import drawing
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, require
from rgnn_hal.testing.clauses.strength import switchable
from rgnn_hal.testing.conditioning import condition, pulse_strongly, start_low, strong_pulse
from rgnn_hal.testing.mirror import Drive, Mirror, sides
from rgnn_hal.testing.search import for_examples

_CORNER = 8, 5
"""Rows and columns of a region in a corner of the macro; not square."""
_BLOCK = 4
"""Side of the blocks in which the cells outside of a region are looked at."""
_MOST = 0.6
"""Of a block: telegraph noise moves a few per cent of its cells, a stray write all of them."""
_UNITS = 10.0
"""Times the window, that few cells exceed; a wrong unit is wrong a thousandfold."""


@clause(Bias.READ)
def every_cell_can_be_read(bench: Bench) -> None:
    """Every cell of the macro can be read, the first and the last, alone and together."""
    spec = bench.spec
    with bench.open() as macro:
        mirror = Mirror(macro, spec.region, gentle=bench.gentle)
        typical = float(np.quantile(np.abs(mirror.cells), 0.9))
        require(
            typical <= _UNITS * spec.conductance.high,
            f"cells read {typical:.3g} S, the window ends at {spec.conductance.high:.3g} S",
        )
        for row in (0, spec.rows - 1):
            for col in (0, spec.cols - 1):
                mirror.read_cells(Region.of_shape((1, 1), (row, col)))
        draw = np.random.default_rng(1)
        for side in sides(spec):
            lines = spec.rows if side == "rows" else spec.cols
            limit = spec.read_voltage
            voltage = draw.uniform(limit.low, limit.high, (bench.batch(3), lines))
            mirror.multiply(Drive(voltage, side, spec.region))


@clause(Bias.READ)
def corners_are_where_they_are(bench: Bench) -> None:
    """Regions in the corners of the macro are read and multiplied like those inside."""
    limit = bench.spec.read_voltage
    draw = np.random.default_rng(7)
    with bench.open() as macro:
        corners = _corners(bench.spec.region)
        if not bench.gentle:
            for corner in corners:
                condition(macro, corner)
        mirror = Mirror(macro, bench.spec.region, gentle=bench.gentle)
        for corner in corners:
            mirror.read_cells(corner)
            for side in sides(bench.spec):
                lines = corner.shape[0 if side == "rows" else 1]
                voltage = draw.uniform(limit.low, limit.high, (bench.batch(2), lines))
                mirror.multiply(Drive(voltage, side, corner))


@clause(Bias.READ)
def no_region_is_the_whole_macro(bench: Bench) -> None:
    """Verbs that are told no region mean the whole macro, whatever region came before."""
    spec = bench.spec
    limit = spec.read_voltage
    with bench.open() as macro:
        mirror = Mirror(macro, spec.region, gentle=bench.gentle)
        for side in sides(spec):
            lines = spec.rows if side == "rows" else spec.cols
            whole = Drive(np.full((1, lines), limit.high / 2), side, spec.region)
            for strip in _strips(spec.region):
                part = np.full((1, strip.shape[0 if side == "rows" else 1]), limit.high)
                mirror.multiply(Drive(part, side, strip))
                current = macro.multiply(whole.voltage, side=side)
                mirror.drive = whole
                mirror.compare(current, 1, "multiply without a region")
                mirror.apply(Drive(part, side, strip))
                macro.apply(whole.voltage, side=side)
                mirror.drive = whole
                mirror.read()
                mirror.read_cells(strip)
                mirror.same_cells(
                    told=macro.read_conductance(samples=mirror.bounds.reference_samples)
                )


@clause(Bias.READ)
def regions_of_cells_agree(bench: Bench) -> None:
    """Cells read one by one, in regions and all together are the same cells."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)

        def experiment(data: st.DataObject) -> None:
            mirror.read_cells(data.draw(drawing.regions(bench.patch)))

        for_examples(bench, experiment)


@clause(Bias.PULSE)
def pulses_stay_in_their_region(bench: Bench) -> None:
    """A pulse on a region, inside or in a corner of the macro, changes no cell anywhere else."""
    kind, _ = switchable(bench)
    with bench.open() as macro:
        for region in (_inner(bench.patch), *_corners(bench.spec.region)):
            start_low(macro, region)
            mirror = Mirror(macro, bench.spec.region, gentle=bench.gentle)
            every = np.ones(region.shape, dtype=np.bool_)
            _only_there(
                mirror,
                region,
                f"a {kind} pulse on {region}",
                partial(pulse_strongly, macro, kind, every, region),
            )


@clause(Bias.PULSE)
def programs_stay_in_their_region(bench: Bench) -> None:
    """Programming a region, inside or in a corner of the macro, changes no cell anywhere else."""
    if not bench.may_program:
        raise NotApplicable("CLOSED_LOOP_PROGRAM is not declared")
    window = bench.spec.conductance
    with bench.open() as macro:
        for region in (_inner(bench.patch), *_corners(bench.spec.region)):
            mirror = Mirror(macro, bench.spec.region, gentle=bench.gentle)
            is_low = mirror.cells[region.slices] < (window.low + window.high) / 2
            target = np.where(is_low, window.high, window.low)
            _only_there(
                mirror,
                region,
                f"programming {region}",
                partial(macro.program, target, region),
            )


@clause(Bias.PULSE)
def whole_pulses_are_whole(bench: Bench) -> None:
    """A pulse that is told no region reaches all rows and columns of the macro."""
    kinds = switchable(bench)
    whole = bench.spec.region
    every = np.ones(whole.shape, dtype=np.bool_)
    with bench.open() as macro:
        start_low(macro, whole)
        mirror = Mirror(macro, whole, gentle=bench.gentle)
        for kind in kinds:
            before = mirror.cells
            macro.pulse(kind, every, **strong_pulse(bench.spec.pulses[kind]))
            mirror.learn()
            mirror.require_reach(before, f"a strong {kind} pulse")
        mirror.multiply(_random(bench, 2))


@clause(Bias.PULSE)
def whole_programs_are_whole(bench: Bench) -> None:
    """Programming that is told no region writes all rows and columns of the macro."""
    if not bench.may_program:
        raise NotApplicable("CLOSED_LOOP_PROGRAM is not declared")
    window, shape = bench.spec.conductance, bench.spec.region.shape
    with bench.open() as macro:
        macro.program(np.full(shape, window.low))
        mirror = Mirror(macro, bench.spec.region, gentle=bench.gentle)
        before = mirror.cells
        macro.program(np.full(shape, window.high))
        mirror.learn()
        mirror.require_reach(before, "programming from one end of the window to the other")


def _only_there(mirror: Mirror, region: Region, words: str, write: Callable[[], None]) -> None:
    """Require that a write moves most cells of its region and, elsewhere, no line or block."""
    before = mirror.cells
    write()
    inside = np.zeros(before.shape, dtype=np.bool_)
    inside[region.slices] = True
    mirror.same_cells(inside)
    mirror.learn()
    change = np.abs(mirror.cells - before)
    move = float(np.median(change[inside]))
    require(move > mirror.visible, f"{words} moved its cells by only {move:.3g} S in the median")
    moved = change > max(mirror.visible, move / 4)
    for name, place in _surroundings(region, mirror.patch):
        share = float(moved[place.slices].mean())
        require(share <= _MOST, f"{words} moved {share:.0%} of the cells of {name}, {place}")


def _surroundings(region: Region, whole: Region) -> list[tuple[str, Region]]:
    """The lines along a region, and blocks of all that lies farther away."""
    top, bottom, left, right = (
        region.row_start,
        region.row_stop,
        region.col_start,
        region.col_stop,
    )
    places = []
    if top > 0:
        places.append(("the row above", Region(top - 1, top, left, right)))
    if bottom < whole.row_stop:
        places.append(("the row below", Region(bottom, bottom + 1, left, right)))
    if left > 0:
        places.append(("the column before", Region(top, bottom, left - 1, left)))
    if right < whole.col_stop:
        places.append(("the column behind", Region(top, bottom, right, right + 1)))
    for row in range(0, whole.row_stop - _BLOCK + 1, _BLOCK):
        for col in range(0, whole.col_stop - _BLOCK + 1, _BLOCK):
            block = Region.of_shape((_BLOCK, _BLOCK), (row, col))
            if not block.overlaps(region):
                places.append(("a block", block))
    return places


def _inner(patch: Region) -> Region:
    rows, cols = patch.shape
    return Region.of_shape(
        (max(1, rows // 2), max(1, cols // 2)),
        (patch.row_start + rows // 4, patch.col_start + cols // 4),
    )


def _corners(whole: Region) -> tuple[Region, Region]:
    """The first and the last corner."""
    shape = min(_CORNER[0], whole.row_stop), min(_CORNER[1], whole.col_stop)
    last = whole.row_stop - shape[0], whole.col_stop - shape[1]
    return Region.of_shape(shape), Region.of_shape(shape, last)


def _strips(whole: Region) -> tuple[Region, Region]:
    """The first rows and the first columns."""
    return (
        Region(0, min(_CORNER[0], whole.row_stop), 0, whole.col_stop),
        Region(0, whole.row_stop, 0, min(_CORNER[1], whole.col_stop)),
    )


def _random(bench: Bench, batch: int) -> Drive:
    limit = bench.spec.read_voltage
    shape = bench.batch(batch), bench.spec.rows
    voltage = np.random.default_rng(8).uniform(limit.low, limit.high, shape)
    return Drive(voltage, "rows", bench.spec.region)
