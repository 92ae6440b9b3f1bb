"""Cells: pulses move the cells of their mask, all of them, the right way, and no others."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import Macro, PulseKind, Region
from rgnn_hal.testing import drawing
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.conditioning import form, strong_pulse
from rgnn_hal.testing.mirror import Mirror
from rgnn_hal.testing.search import for_examples

_RISES = {PulseKind.SET: True, PulseKind.RESET: False}
_SHARE = 0.5
"""Of the cells that a strong pulse must move; defects and cells at their end do not move."""
_OWN = 0.8
"""Of the cells that must follow their own amplitude; half of them would by chance."""


@clause(Bias.READ)
def masked_reads_tell_their_cells(bench: Bench) -> None:
    """A read with a mask tells the cells of the mask as a whole read does, and no others."""
    draw = np.random.default_rng(6)
    rows, cols = bench.patch.shape
    corner = Region.of_shape(
        (max(1, rows // 2), max(1, cols // 2)),
        (bench.patch.row_start + rows // 3, bench.patch.col_start + cols // 3),
    )
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        samples = mirror.bounds.reference_samples
        for region in (bench.patch, corner):
            for share in (0.0, 0.3, 1.0):
                mirror.read_cells(region, samples, draw.random(region.shape) < share)
        mirror.same_cells()


@clause(Bias.PULSE)
def pulses_move_the_right_way(bench: Bench) -> None:
    """SET raises the conductance of the cells of its mask, RESET lowers it."""
    kinds = _switchable(bench)
    with bench.open() as macro:
        _start_low(bench, macro, bench.patch)
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        every = np.ones(bench.patch.shape, dtype=np.bool_)
        for kind in kinds:
            before = mirror.cells
            _pulse(bench, macro, kind, every, bench.patch)
            mirror.learn()
            rise = mirror.cells - before
            right = (rise if _RISES[kind] else -rise) > _visible(mirror)
            share = float(right.mean())
            require(
                share >= _SHARE,
                f"after a strong {kind} pulse only {share:.0%} of the cells had moved "
                f"{'up' if _RISES[kind] else 'down'}",
            )
            wrong = float(((-rise if _RISES[kind] else rise) > _visible(mirror)).mean())
            require(wrong <= 0.2, f"{wrong:.0%} of the cells moved the wrong way in a {kind} pulse")
            mirror.multiply(spread(bench, 3))


@clause(Bias.PULSE)
def pulses_stay_in_their_mask(bench: Bench) -> None:
    """A pulse reaches every row and column of its mask, and no cell outside of it."""
    kinds = _switchable(bench)
    draw = np.random.default_rng(4)
    rows, cols = bench.patch.shape
    corner = Region.of_shape(
        (max(1, rows // 2), max(1, cols // 2)),
        (bench.patch.row_start + rows // 4, bench.patch.col_start + cols // 4),
    )
    with bench.open() as macro:
        _start_low(bench, macro, bench.patch)
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for kind in kinds:
            start = mirror.cells
            for region, mask in (
                (bench.patch, draw.random(bench.patch.shape) < 0.5),
                (corner, np.ones(corner.shape, dtype=np.bool_)),
                (bench.patch, np.zeros(bench.patch.shape, dtype=np.bool_)),
                (bench.patch, np.ones(bench.patch.shape, dtype=np.bool_)),
            ):
                cells = np.zeros(bench.spec.region.shape, dtype=np.bool_)
                cells[region.slices] = mask
                inside = cells[bench.patch.slices]
                _pulse(bench, macro, kind, mask, region)
                mirror.same_cells(inside)
                mirror.learn()
            _reaches(kind, np.abs(mirror.cells - start) > _visible(mirror))


@clause(Bias.PULSE)
def amplitudes_are_each_cells_own(bench: Bench) -> None:
    """Where amplitudes are given cell by cell, every cell gets its own."""
    kind, _ = _switchable(bench)
    limits = bench.spec.pulses[kind]
    strong, weak = strong_pulse(limits), strong_pulse(limits)
    weak |= {"voltage": limits.voltage.low, "gate_voltage": limits.gate_voltage.low}
    every = np.ones(bench.patch.shape, dtype=np.bool_)
    chosen = np.random.default_rng(5).random(bench.patch.shape) < 0.5
    mixed = strong | {
        name: np.where(chosen, strong[name], weak[name]) for name in ("voltage", "gate_voltage")
    }
    with bench.open() as macro:
        rises = []
        for pulse in (weak, strong, mixed):
            _start_low(bench, macro, bench.patch)
            mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
            before = mirror.cells
            macro.pulse(kind, every, **pulse, region=bench.patch)
            mirror.learn()
            rises.append(mirror.cells - before)
        low, high = float(np.median(rises[0])), float(np.median(rises[1]))
        if high - low < 2 * _visible(mirror):
            raise NotApplicable(f"the gentlest {kind} pulse moves cells like the strongest")
        right = (rises[2] > (low + high) / 2) == chosen
        require(
            right.mean() >= _OWN,
            f"of {right.size} cells, {int((~right).sum())} did not follow their own amplitude: "
            f"a {kind} pulse with strong and weak amplitudes mixed",
        )


@clause(Bias.PULSE)
def whole_pulses_are_whole(bench: Bench) -> None:
    """A pulse on the whole macro reaches all of its rows and columns."""
    kinds = _switchable(bench)
    whole = bench.spec.region
    every = np.ones(whole.shape, dtype=np.bool_)
    with bench.open() as macro:
        _start_low(bench, macro, whole)
        mirror = Mirror(macro, whole, gentle=bench.gentle)
        for kind in kinds:
            before = mirror.cells
            _pulse(bench, macro, kind, every, whole)
            mirror.learn()
            _reaches(kind, np.abs(mirror.cells - before) > _visible(mirror))


@clause(Bias.PULSE)
def reads_see_pulses(bench: Bench) -> None:
    """Any pulse within its envelope is accepted, and reads see the cells that it left."""
    if not bench.kinds:
        raise NotApplicable("the macro has no pulses")
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        cells = np.zeros(bench.spec.region.shape, dtype=np.bool_)

        def experiment(data: st.DataObject) -> None:
            kind, arguments = data.draw(drawing.pulses(bench))
            mirror.multiply(spread(bench, 2))
            macro.pulse(kind, **arguments)
            cells[:] = False
            cells[arguments["region"].slices] = arguments["mask"]
            mirror.same_cells(cells[bench.patch.slices])
            mirror.learn()
            mirror.multiply(spread(bench, 2))

        for_examples(bench, experiment)


@clause(Bias.PULSE)
def pulse_limits_are_accepted(bench: Bench) -> None:
    """The ends of every pulse's envelope and its largest count are accepted."""
    if not bench.kinds:
        raise NotApplicable("the macro has no pulses")
    first = np.zeros(bench.patch.shape, dtype=np.bool_)
    first[0, 0] = True
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for kind in bench.kinds:
            limits = bench.spec.pulses[kind]
            for end in ("low", "high"):
                macro.pulse(
                    kind,
                    first,
                    voltage=np.where(first, getattr(limits.voltage, end), np.nan),
                    gate_voltage=np.float32(getattr(limits.gate_voltage, end)),
                    width=limits.width.low,
                    count=limits.max_count,
                    region=bench.patch,
                )
                mirror.same_cells(first)


def _switchable(bench: Bench) -> tuple[PulseKind, PulseKind]:
    """SET and then RESET, for cells that a RESET has gone before."""
    if not {PulseKind.SET, PulseKind.RESET} <= set(bench.kinds):
        raise NotApplicable("the macro does not have both SET and RESET pulses")
    return PulseKind.SET, PulseKind.RESET


def _start_low(bench: Bench, macro: Macro, region: Region) -> None:
    form(macro, region)
    _pulse(bench, macro, PulseKind.RESET, np.ones(region.shape, dtype=np.bool_), region)


def _pulse(
    bench: Bench, macro: Macro, kind: PulseKind, mask: NDArray[np.bool_], region: Region
) -> None:
    pulse: dict[str, Any] = strong_pulse(bench.spec.pulses[kind])
    macro.pulse(kind, mask, **pulse, region=region)


def _visible(mirror: Mirror) -> float:
    """A change of conductance that noise does not make, S."""
    window = mirror.macro.spec.conductance
    return mirror.bounds.cell_bound(mirror.bounds.reference_samples) + 1e-3 * (
        window.high - window.low
    )


def _reaches(kind: PulseKind, moved: NDArray[np.bool_]) -> None:
    for axis, name in ((1, "row"), (0, "column")):
        lines = moved.mean(axis=axis)
        if moved.shape[axis] >= 4:
            missed = np.flatnonzero(lines < 0.25).tolist()
            require(
                not missed,
                f"a strong {kind} pulse on all cells of {moved.shape[0]} x {moved.shape[1]} left "
                f"{name} {missed[:4]} (of the region) behind",
            )
