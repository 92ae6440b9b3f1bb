"""Capabilities: what is declared works, what is not declared is a typed error."""

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from rgnn_hal.macro import Capability, NotSupportedError, PulseKind
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, must_raise, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.clauses.strength import change_cells
from rgnn_hal.testing.mirror import Drive, Mirror


@clause(Bias.READ)
def undeclared_is_refused(bench: Bench) -> None:
    """Capabilities and kinds of pulse that are not declared raise NotSupportedError."""
    spec, patch = bench.spec, bench.patch
    none = np.zeros(patch.shape, dtype=np.bool_)  # if it is not refused, nothing should happen
    with bench.open() as macro:
        mirror = Mirror(macro, patch, gentle=bench.gentle)
        mirror.apply(spread(bench, 1))
        pulse: Callable[..., None] = partial(macro.pulse, region=patch)
        if Capability.TRANSPOSE not in spec.capabilities:
            silent = np.zeros((1, patch.shape[1]))
            for verb in (macro.apply, macro.multiply):
                words = f"{verb.__name__} with side='cols', which is not declared,"
                must_raise(
                    NotSupportedError, words, partial(verb, silent, side="cols", region=patch)
                )
        if Capability.CLOSED_LOOP_PROGRAM not in spec.capabilities:
            as_is = np.clip(mirror.cells, spec.conductance.low, spec.conductance.high)
            target = np.full(patch.shape, np.nan) if bench.gentle else as_is
            must_raise(
                NotSupportedError,
                "program, which is not declared,",
                lambda: macro.program(target, patch),
            )
        for kind in (*PulseKind, "melt"):
            if kind not in spec.pulses:
                must_raise(
                    NotSupportedError,
                    f"a {kind} pulse, which the macro lacks,",
                    partial(pulse, kind, none, voltage=1.0, gate_voltage=1.0, width=1e-6),
                )
        mirror.read()
        mirror.same_cells()


@clause(Bias.READ)
def transpose_works(bench: Bench) -> None:
    """Driving columns (TRANSPOSE) senses rows: the transposed product, on square regions too."""
    if Capability.TRANSPOSE not in bench.spec.capabilities:
        raise NotApplicable("TRANSPOSE is not declared")
    limit = bench.spec.read_voltage
    draw = np.random.default_rng(2)
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        voltage = draw.uniform(limit.low, limit.high, (bench.batch(3), bench.patch.shape[1]))
        for dtype in (np.float64, np.float32):
            mirror.multiply(Drive(voltage.astype(dtype), "cols", bench.patch))
            mirror.read()
            mirror.multiply(spread(bench, 3))


@clause(Bias.READ)
def waiting_works(bench: Bench) -> None:
    """wait lets its time pass on the clock, no more, and with VIRTUAL_CLOCK returns at once."""
    virtual = Capability.VIRTUAL_CLOCK in bench.spec.capabilities
    duration = 1000.0 if virtual and not bench.gentle else 0.01
    with bench.open() as macro:
        before, started = macro.clock(), time.monotonic()
        macro.wait(duration)
        passed, took = macro.clock() - before, time.monotonic() - started
        require(passed >= duration * (1 - 1e-6), f"wait({duration} s) took {passed} s of the clock")
        most = 1.5 * (duration if virtual else max(duration, took)) + 1e-3
        require(passed <= most, f"{passed} s of the clock passed in wait({duration} s)")
        require(not virtual or took < 0.1 * duration + 5, f"wait({duration} s) took {took:.1f} s")


@clause(Bias.PULSE)
def programming_works(bench: Bench) -> None:
    """Programming (CLOSED_LOOP_PROGRAM) writes the region that was named."""
    if not bench.may_program:
        raise NotApplicable("CLOSED_LOOP_PROGRAM is not declared")
    window, patch = bench.spec.conductance, bench.patch
    draw = np.random.default_rng(3)
    with bench.open() as macro:
        mirror = Mirror(macro, patch, gentle=bench.gentle)
        for seed in range(2):
            target = draw.uniform(window.low, window.high, patch.shape)
            macro.program(target, patch)
            mirror.learn()
            mirror.require_target(target, f"program number {seed + 1}")
            mirror.multiply(spread(bench, 3))


@clause(Bias.READ)
def cells_persist(bench: Bench) -> None:
    """Conductances outlive the session (PERSISTENT): what pulses did is there at reopening."""
    if Capability.PERSISTENT not in bench.spec.capabilities:
        raise NotApplicable("PERSISTENT is not declared")
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        identity = macro.spec.identity
    with bench.factory() as again:
        require(again.spec.identity == identity, f"{identity} became {again.spec.identity}")
        mirror.macro = again
        mirror.same_cells()
        mirror.multiply(spread(bench, 2))


@clause(Bias.READ)
def emulation_is_reproducible(bench: Bench) -> None:
    """The same chip and the same calls give the same results (emulated chips)."""
    if not bench.reproducible:
        raise NotApplicable("the macro is not a new, equal chip at every opening")
    drive = spread(bench, 3)
    results = []
    for _ in range(2):
        with bench.factory() as macro:
            new = macro.read_conductance(bench.patch)
        with bench.open() as macro:
            cells = macro.read_conductance(bench.patch)
            results.append((new, cells, macro.multiply(drive.voltage, region=drive.region)))
            change_cells(bench, macro)
    names = "conductances of a new chip", "conductances", "currents"
    for name, first, second in zip(names, *results, strict=True):
        require(np.array_equal(first, second), f"{name} differ between two equal sessions")


@clause(Bias.READ)
def splitting_changes_nothing(bench: Bench) -> None:
    """A batch split over several calls gives the results of the whole batch (emulated chips)."""
    if not bench.reproducible:
        raise NotApplicable("the macro is not a new, equal chip at every opening")
    if bench.spec.max_batch < 4:
        raise NotApplicable("the largest batch is too small to split")
    drive = spread(bench, 4)
    with bench.open() as macro:
        bounds = Mirror(macro, bench.patch, gentle=bench.gentle).bounds
        whole = macro.multiply(drive.voltage, region=drive.region)
    with bench.open() as macro:
        Mirror(macro, bench.patch, gentle=bench.gentle)
        parts = [macro.multiply(v, region=drive.region) for v in np.split(drive.voltage, [1, 3])]
    # One converter step: where BLAS sums in another order, a code may round the other way.
    allowed = 1.01 * bounds.adc_step + 1e-6 * np.abs(whole).max()
    worst = float(np.abs(np.concatenate(parts) - whole).max())
    require(worst <= allowed, f"currents of a split batch differ by up to {worst:.3g} A")
