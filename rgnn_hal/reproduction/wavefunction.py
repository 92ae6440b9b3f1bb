"""The wavefunction of H2 through a chip, against the exact energy and configuration interaction.

Two electrons are the case where first principles are cheapest: all excitations in a large basis
take about a second. The row says so.
"""

import time
from pathlib import Path
from typing import Any

from rgnn_hal.analog import Multilevel
from rgnn_hal.benchmarks.fully_trained import FullyTrained
from rgnn_hal.cost import Operations
from rgnn_hal.macro import Macro, open_macro
from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.cell import Missing, Watch, watching
from rgnn_hal.reproduction.chart import Curves, Series
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import exact_two_electrons, matrix_rate
from rgnn_hal.reproduction.hardware import Claims, Counted, add_gains
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.reproduction.timing import timed
from rgnn_hal.tasks.wavefunction import Limits, State, begin, parse_molecule, solve, summary
from rgnn_hal.tasks.wavefunction.workload import wavefunction_workload
from rgnn_hal.tasks.xu2025 import workload

_H2 = "H 0 0 0; H 0 0 1.4"
_STEPS = 4
"""Measured between two looks at the time."""
_CHEMICAL_ACCURACY = 1.6e-3
"""Hartree, about 1 kcal/mol."""


def write_wavefunction(context: Context, draft: Draft) -> None:
    """All rows about wavefunctions."""
    uri = context.settings.macro
    folder = context.folder / "h2"
    state = begin(parse_molecule(_H2), context.settings.wavefunction, uri)
    with open_macro(uri) as macro:
        with watching(f"solve H2 at 1.4 bohr through {uri}") as watch:
            with watching(f"train H2 at 1.4 bohr through {uri}") as training:
                solve(state, macro, Limits(steps=1), out=folder)
            _measure(context, state, macro, folder, training.run.cpu_seconds)
        result = summary(state)
        _accuracy(draft, result, watch)
    with watching("one sample of psi and its local energy, of H2") as counted:
        sample = wavefunction_workload(folder)
    assert sample.training is not None
    _compute(context, draft, watch, sample.training.all_digital)
    _training(context, draft, result, training.run.cpu_seconds)
    draft.charts.append(_history(state))
    with watching("the paper's network, psi of H2 at one walker") as theirs:
        network = workload.wavefunction_workload().work
        at_once = workload.wavefunction_workload(Multilevel()).work
    add_gains(
        draft,
        "One walker of H2",
        Counted("the paper's network, psi alone", network, theirs.run),
        at_once,
        Counted("our model, psi and local energy", sample.work, counted.run),
        Claims(paper.WAVEFUNCTION_SPEED, paper.WAVEFUNCTION_EFFICIENCY),
    )


def _measure(context: Context, state: State, macro: Macro, folder: Path, trained: float) -> None:
    """Until the CPU time is over, of which training took some; it is looked at between steps."""
    start, budget = time.process_time(), context.settings.solve_seconds
    steps = 2 * _STEPS
    while True:
        solve(state, macro, Limits(steps=steps), out=folder)
        spent = time.process_time() - start + trained
        context.progress(min(int(spent), int(budget)), int(budget), "wavefunction")
        if spent >= budget:
            return
        steps += _STEPS


def _accuracy(draft: Draft, result: dict[str, Any], watch: Watch) -> None:
    energy, error = result["energy_hartree"], result["standard_error_hartree"]
    interval = (energy - error, energy + error)
    cell = watch.measured(energy, "hartree", interval)
    draft.add("accuracy", "energy of H2 at 1.4 bohr", paper.WAVEFUNCTION_ENERGY, cell)
    exact = paper.H2_EXACT
    low, high = (1e3 * (end - exact.value) for end in interval)
    off = watch.measured(
        1e3 * (energy - exact.value),
        "mhartree",
        (low, high),
        remark=f"against {exact.value} hartree: {exact.source}",
    )
    what = "energy of H2 at 1.4 bohr, off the exact one"
    draft.add("accuracy", what, paper.WAVEFUNCTION_OFF, off, headline=True)


def _compute(context: Context, draft: Draft, watch: Watch, ours: Operations) -> None:
    basis, repeats = context.settings.reference_basis, context.settings.repeats
    claim = paper.WAVEFUNCTION_COMPUTE
    what = f"PySCF CCSD/{basis} (exact for two electrons) over ours, H2"
    try:
        with watching(f"PySCF, all excitations of H2 in {basis}, {repeats} times") as theirs:
            energy = exact_two_electrons(_H2, basis)
            time = timed(lambda: exact_two_electrons(_H2, basis), repeats)
    except ConfigurationError as error:
        missing = Missing(f"not measured: {error}")
        draft.add("compute", f"CPU time, {what}", claim, missing, headline=True)
        return
    off = 1e3 * (energy - paper.H2_EXACT.value)
    spent = watch.run.cpu_seconds
    remark = (
        f"below 1, first principles are cheaper: {time.cpu.value:.3g} s, {off:+.2f} mhartree from "
        f"exact; ours {spent:.0f} s, the emulator included; interval: their repetitions"
    )
    ratio, low, high = (t / spent for t in (time.cpu.value, time.cpu.low, time.cpu.high))
    cell = theirs.measured(ratio, "x", (low, high), remark=remark)
    draft.add("compute", f"CPU time, {what}", claim, cell, headline=True)
    rate = matrix_rate() / (ours.macs + ours.special + ours.elementary)
    bounds = (time.cpu.low * rate, time.cpu.high * rate)
    remark = "theirs: CPU time x the rate of matrix products here; ours counted"
    counted = theirs.measured(time.cpu.value * rate, "x", bounds, bound="at most", remark=remark)
    draft.add("compute", f"operations, {what}", claim, counted)


def _training(context: Context, draft: Draft, result: dict[str, Any], seconds: float) -> None:
    """What the frozen body saves, and how much of everything is trained."""
    recipe, budget = context.settings.wavefunction, context.settings.training_seconds
    with watching("the same network with all weights trained by Adam, on the host") as watch:
        rival = FullyTrained.begin(parse_molecule(_H2), recipe).train(
            paper.H2_EXACT.value + _CHEMICAL_ACCURACY, budget
        )
    off = 1e3 * (rival.energy - paper.H2_EXACT.value)
    cell = watch.measured(
        100 * (1 - seconds / rival.seconds),
        "% less",
        bound="" if rival.reached else "at least",
        remark=(
            f"{rival.seconds / seconds:.3g} times less; ours {seconds:.3g} s (the emulator "
            f"included), theirs {rival.seconds:.3g} s and {rival.steps} steps, when its running "
            f"energy is {off:+.2f} ± {1e3 * rival.standard_error:.2f} mhartree from exact; it ends "
            f"at {1e3 * _CHEMICAL_ACCURACY:.2g} mhartree"
        ),
    )
    what = "CPU time against all weights trained, H2"
    draft.add("training", what, paper.TRAINING, cell, headline=True)
    trained, frozen = result["trained_parameters"], result["frozen_parameters"]
    remark = f"{trained} trained, {frozen} frozen numbers"
    share = watch.measured(100 * trained / (trained + frozen), "%", remark=remark)
    draft.add("training", "trained share of all parameters", paper.WAVEFUNCTION_TRAINED, share)


def _history(state: State) -> Curves:
    """Energies of the samples that were optimised on."""
    rows = state.history
    energies = [row["energy_hartree"] for row in rows]
    errors = [row["standard_error_hartree"] for row in rows]
    steps = list(range(1, len(rows) + 1))
    exact = paper.H2_EXACT.value
    return Curves(
        "Optimisation of H2",
        "step",
        "energy (hartree)",
        (
            Series(
                "ours",
                steps,
                energies,
                [e - s for e, s in zip(energies, errors, strict=True)],
                [e + s for e, s in zip(energies, errors, strict=True)],
            ),
            Series("exact", [steps[0], steps[-1]], [exact, exact], line=True, group=1),
        ),
    )
