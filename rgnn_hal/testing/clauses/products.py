"""Products: currents are sums of conductance times voltage."""

import hypothesis.strategies as st
import numpy as np

from rgnn_hal.testing import drawing
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, clause, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.mirror import Drive, Mirror, check_array, sides
from rgnn_hal.testing.search import for_examples


@clause(Bias.READ)
def currents_are_sums(bench: Bench) -> None:
    """Currents are the sums of conductance times voltage, for any side, region and batch."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)

        def experiment(data: st.DataObject) -> None:
            mirror.multiply(data.draw(drawing.drives(bench.spec, bench.patch)))

        for_examples(bench, experiment)


@clause(Bias.READ)
def small_voltages_count(bench: Bench) -> None:
    """Small voltages of either sign make small currents, to the resolution that is declared."""
    spec = bench.spec
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for side in sides(spec):
            lines = bench.patch.shape[0 if side == "rows" else 1]
            for end in (spec.read_voltage.low, spec.read_voltage.high):
                levels = end / np.array([3.0, 10.0, 30.0, 100.0, 300.0])[: spec.max_batch]
                voltage = np.repeat(levels[:, None], lines, axis=1)
                mirror.multiply(Drive(voltage, side, bench.patch))


@clause(Bias.READ)
def batches_keep_their_order(bench: Bench) -> None:
    """Every vector of a batch has its own currents, in the order in which they were passed."""
    limit, patch = bench.spec.read_voltage, bench.patch
    with bench.open() as macro:
        mirror = Mirror(macro, patch, gentle=bench.gentle)
        for side in sides(bench.spec):
            lines = patch.shape[0 if side == "rows" else 1]
            batch = bench.batch(lines)
            one_hot = limit.high * np.eye(lines)[:batch]
            for voltage in (one_hot, one_hot[::-1].copy()):
                mirror.apply(Drive(voltage, side, patch))
                mirror.read()
                mirror.multiply(Drive(voltage, side, patch))


@clause(Bias.READ)
def multiply_is_apply_and_read(bench: Bench) -> None:
    """multiply is apply and then read, and leaves its voltages latched."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for seed in range(3):
            drive = spread(bench, 3, seed)
            fused = mirror.multiply(drive)
            latched = mirror.read()
            macro.safe()
            mirror.apply(drive)
            separate = mirror.read()
            if mirror.bounds.exact:
                scale = 1e-6 * float(np.abs(fused).max())
                for name, current in (("read after it", latched), ("apply, read", separate)):
                    off = float(np.abs(current - fused).max())
                    require(off <= scale, f"multiply and {name} differ by {off:.3g} A")


@clause(Bias.READ)
def currents_have_the_type_of_voltages(bench: Bench) -> None:
    """Currents have the type of the voltages, and other real numbers count as float64."""
    lines, sensed = bench.patch.shape
    with bench.open() as macro:
        for dtype, expected in (
            (np.float32, np.float32),
            (np.float64, np.float64),
            (np.float16, np.float64),
            (np.int8, np.float64),
        ):
            voltage = np.zeros((bench.batch(2), lines), dtype)
            macro.apply(voltage, region=bench.patch)
            for verb, current in (
                ("read", macro.read()),
                ("an averaged read", macro.read(min(2, bench.spec.max_samples))),
                ("multiply", macro.multiply(voltage, region=bench.patch)),
            ):
                words = f"{verb} of {np.dtype(dtype)} voltages"
                check_array(current, (len(voltage), sensed), np.dtype(expected), words)
        macro.apply(np.zeros((1, lines), np.float32), region=bench.patch)
        macro.safe()
        grounded = (1, bench.spec.cols)
        check_array(macro.read(), grounded, np.dtype(np.float64), "read of grounded lines")
        current = macro.multiply([[0.0] * lines], region=bench.patch)
        check_array(current, (1, sensed), np.dtype(np.float64), "multiply of a list")


@clause(Bias.READ)
def reading_repeats(bench: Bench) -> None:
    """Reading again without a new apply senses the same voltages on the same lines."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        for seed in range(2):
            mirror.apply(spread(bench, 2, seed))
            for _ in range(3):
                mirror.read()
                macro.clock()


@clause(Bias.READ)
def applying_replaces(bench: Bench) -> None:
    """A new apply replaces the one before it: batch, side and region."""
    patch = bench.patch
    with bench.open() as macro:
        mirror = Mirror(macro, patch, gentle=bench.gentle)
        for seed in range(3):
            mirror.apply(spread(bench, 2, seed))
            mirror.read()
        for side in sides(bench.spec):
            for height, width, batch in ((1, patch.shape[1], 3), (patch.shape[0], 1, 1)):
                region = type(patch).of_shape((height, width), (patch.row_start, patch.col_start))
                lines = height if side == "rows" else width
                voltage = np.full((bench.batch(batch), lines), bench.spec.read_voltage.high)
                mirror.apply(spread(bench, 2))
                mirror.apply(Drive(voltage, side, region))
                mirror.read()
