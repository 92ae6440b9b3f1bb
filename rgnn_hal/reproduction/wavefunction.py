"""The wavefunction of H2 through a chip, against the exact energy and configuration interaction.

Two electrons are the case where first principles are cheapest: all excitations in a large basis
take about a second. The row says so.
"""

import time
from pathlib import Path
from typing import Any

from rgnn_hal.macro import Macro, open_macro
from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.cell import Missing, Watch, watching
from rgnn_hal.reproduction.chart import Curves, Series
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import exact_two_electrons
from rgnn_hal.reproduction.hardware import add_gains
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.tasks.wavefunction import Limits, State, begin, parse_molecule, solve, summary
from rgnn_hal.tasks.wavefunction.workload import wavefunction_workload
from rgnn_hal.tasks.xu2025 import workload

_H2 = "H 0 0 0; H 0 0 1.4"
_STEPS = 4
"""Measured between two looks at the time."""


def write_wavefunction(context: Context, draft: Draft) -> None:
    """All rows about wavefunctions."""
    uri = context.settings.macro
    folder = context.folder / "h2"
    state = begin(parse_molecule(_H2), context.settings.wavefunction, uri)
    with open_macro(uri) as macro:
        with watching(f"solve H2 at 1.4 bohr through {uri}") as watch:
            _solve(context, state, macro, folder)
        result = summary(state)
        _accuracy(draft, result, watch)
        _compute(context, draft, watch)
        _trained(draft, result, watch)
        draft.charts.append(_history(state))
    with watching("one sample of psi and its local energy, of H2") as counted:
        work = wavefunction_workload(folder).work
    with watching("the paper's network, psi of H2 at one walker") as theirs:
        network = workload.wavefunction_workload().work
    workloads = {
        "our sample of H2": (work, counted.run),
        "the paper's network, psi alone": (network, theirs.run),
    }
    speed, energy = paper.WAVEFUNCTION_SPEED, paper.WAVEFUNCTION_EFFICIENCY
    add_gains(draft, "One walker of H2", workloads, speed, energy)


def _solve(context: Context, state: State, macro: Macro, folder: Path) -> None:
    """Until the CPU time is over; it is looked at between steps."""
    start, budget = time.process_time(), context.settings.solve_seconds
    steps = 2 * _STEPS
    while True:
        solve(state, macro, Limits(steps=steps), out=folder)
        spent = time.process_time() - start
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
    draft.add("accuracy", "the same, away from the exact energy", paper.WAVEFUNCTION_OFF, off)


def _compute(context: Context, draft: Draft, watch: Watch) -> None:
    basis = context.settings.reference_basis
    claim, what = (
        paper.WAVEFUNCTION_COMPUTE,
        f"CPU time, PySCF CCSD/{basis} (exact for two electrons) over ours, H2",
    )
    try:
        with watching(f"PySCF, all excitations of H2 in {basis}") as theirs:
            energy = exact_two_electrons(_H2, basis)
    except ConfigurationError as error:
        draft.add("compute", what, claim, Missing(str(error)))
        return
    off = 1e3 * (energy - paper.H2_EXACT.value)
    remark = (
        f"below 1, first principles are cheaper: {theirs.run.cpu_seconds:.2f} s, "
        f"{off:+.2f} mhartree from exact; ours {watch.run.cpu_seconds:.0f} s, the emulator included"
    )
    ratio = theirs.run.cpu_seconds / watch.run.cpu_seconds
    draft.add("compute", what, claim, watch.measured(ratio, "x", remark=remark))


def _trained(draft: Draft, result: dict[str, Any], watch: Watch) -> None:
    trained, frozen = result["trained_parameters"], result["frozen_parameters"]
    share = 100 * trained / (trained + frozen)
    remark = f"{trained} trained, {frozen} frozen numbers"
    cell = watch.measured(share, "%", remark=remark)
    draft.add("training", "trained share of all parameters", paper.WAVEFUNCTION_TRAINED, cell)


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
