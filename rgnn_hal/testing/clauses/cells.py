"""Cells: pulses move the cells of their mask, all of them, the right way, and no others."""

import hypothesis.strategies as st
import numpy as np

from rgnn_hal.macro import PulseKind, Region
from rgnn_hal.testing import drawing
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.clauses.strength import switchable
from rgnn_hal.testing.conditioning import pulse_strongly, start_low
from rgnn_hal.testing.mirror import Mirror
from rgnn_hal.testing.search import for_examples

_RISES = {PulseKind.SET: True, PulseKind.RESET: False}
_SHARE = 0.5
"""Of the cells that a strong pulse must move; defects and cells at their end do not move."""


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
    kinds = switchable(bench)
    with bench.open() as macro:
        start_low(macro, bench.patch)
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        every = np.ones(bench.patch.shape, dtype=np.bool_)
        for kind in kinds:
            before = mirror.cells
            pulse_strongly(macro, kind, every, bench.patch)
            mirror.learn()
            rise = mirror.cells - before
            right = (rise if _RISES[kind] else -rise) > mirror.visible
            share = float(right.mean())
            require(
                share >= _SHARE,
                f"after a strong {kind} pulse only {share:.0%} of the cells had moved "
                f"{'up' if _RISES[kind] else 'down'}",
            )
            wrong = float(((-rise if _RISES[kind] else rise) > mirror.visible).mean())
            require(wrong <= 0.2, f"{wrong:.0%} of the cells moved the wrong way in a {kind} pulse")
            mirror.multiply(spread(bench, 3))


@clause(Bias.PULSE)
def pulses_stay_in_their_mask(bench: Bench) -> None:
    """A pulse reaches every row and column of its mask, and no cell outside of it."""
    kinds = switchable(bench)
    draw = np.random.default_rng(4)
    rows, cols = bench.patch.shape
    corner = Region.of_shape(
        (max(1, rows // 2), max(1, cols // 2)),
        (bench.patch.row_start + rows // 4, bench.patch.col_start + cols // 4),
    )
    with bench.open() as macro:
        start_low(macro, bench.patch)
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
                pulse_strongly(macro, kind, mask, region)
                mirror.same_cells(inside)
                mirror.learn()
            mirror.require_reach(start, f"a strong {kind} pulse")


@clause(Bias.PULSE)
def single_cells_are_pulsed(bench: Bench) -> None:
    """Cells pulsed one in each call move as cells do that are pulsed together."""
    kind, _ = switchable(bench)
    side = min(bench.patch.shape)
    with bench.open() as macro:
        start_low(macro, bench.patch)
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        start = mirror.cells
        for place in range(side):
            mask = np.zeros(bench.patch.shape, dtype=np.bool_)
            mask[place, side - 1 - place] = True
            pulse_strongly(macro, kind, mask, bench.patch)
        mirror.learn()
        pulsed = np.eye(side, dtype=np.bool_)[::-1]
        rise = (mirror.cells - start)[:side, :side][pulsed]
        share = float((rise > mirror.visible).mean())
        require(
            share >= _SHARE or side < 4,
            f"of {side} cells that got a strong {kind} pulse in a call each, {share:.0%} rose",
        )


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
                voltage, gate = getattr(limits.voltage, end), getattr(limits.gate_voltage, end)
                macro.pulse(
                    kind,
                    first,
                    voltage=np.where(first, voltage, np.nan),
                    gate_voltage=np.float32(gate),
                    width=limits.width.low,
                    count=limits.max_count,
                    region=bench.patch,
                )
                macro.pulse(
                    kind,
                    first,
                    voltage=np.full(first.shape, voltage, np.float32),
                    gate_voltage=np.where(first, gate, np.nan),
                    width=limits.width.low,
                    count=np.int32(1),  # type: ignore[arg-type]  # integers of NumPy are integers
                    region=bench.patch,
                )
                mirror.same_cells(first)
