"""What else solves a molecule: coupled clusters, to equal accuracy and over growing systems.

For two electrons single and double excitations are all there are, so coupled clusters err by their
basis alone. The rival is the smallest basis of a series that comes within chemical accuracy; ours
is the time, training included, until the energy lies within it and its standard error below half.

Hydrogen chains then show how either side grows: CCSD(T) in a good basis, whose cost rises towards
the seventh power of its size, against one sample of ours (walking to it, the network, E_L). Which
samples a given error takes, and whether our psi stays as accurate, this does not show.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from rgnn_hal.macro import open_macro
from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.cell import Measured, Missing, watching
from rgnn_hal.reproduction.chart import Curves, Series
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import coupled_clusters, matrix_rate
from rgnn_hal.reproduction.molecules import hydrogen_chain
from rgnn_hal.reproduction.scaling import Estimate, fit_power_law
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.reproduction.timing import timed
from rgnn_hal.tasks.wavefunction import Limits, WavefunctionRecipe, begin, parse_molecule, solve
from rgnn_hal.tasks.wavefunction.workload import wavefunction_workload

CHEMICAL_ACCURACY = 1.6e-3
"""Hartree, about 1 kcal/mol."""


@dataclass(frozen=True)
class Solved:
    """What ours had taken when its energy was chemically accurate, or at the end."""

    seconds: Estimate
    """CPU s; from the last look before to the first after."""
    products: int
    """Multiply-accumulates, the macro's included."""
    reached: bool


@dataclass(frozen=True)
class _Rival:
    basis: str
    off: float
    """Hartree."""
    seconds: Estimate


def add_equal_accuracy(context: Context, draft: Draft, molecule: str, ours: Solved) -> None:
    """Rows of the time and the arithmetic of coupled clusters over ours, to chemical accuracy."""
    claim, bases = paper.WAVEFUNCTION_COMPUTE, context.settings.bases
    what = "PySCF CCSD (exact for two electrons) over ours, H2 to 1.6 mhartree"
    try:
        with watching(f"PySCF CCSD of H2 in {', '.join(bases)}") as watch:
            rival = _smallest(molecule, bases, context.settings.repeats)
    except ConfigurationError as error:
        missing = Missing(f"not measured: {error}")
        draft.add("compute", f"CPU time, {what}", claim, missing, headline=True)
        return
    if abs(rival.off) > CHEMICAL_ACCURACY and not ours.reached:
        missing = Missing("neither came within 1.6 mhartree; give both more")
        draft.add("compute", f"CPU time, {what}", claim, missing, headline=True)
        return
    bound = "" if ours.reached else "at most"
    if abs(rival.off) > CHEMICAL_ACCURACY:
        bound = "at least"
    ratio = rival.seconds / ours.seconds
    remark = (
        f"below 1, first principles are cheaper: {rival.seconds.value:.3g} s in {rival.basis}, "
        f"{1e3 * rival.off:+.2f} mhartree from exact; ours {ours.seconds.value:.3g} s, training "
        "and the emulator included"
    )
    cell = watch.measured(ratio.value, "x", ratio.interval, bound=bound, remark=remark)
    draft.add("compute", f"CPU time, {what}", claim, cell, headline=True)
    each = matrix_rate() / ours.products
    remark = "theirs: CPU time x the rate of matrix products here; ours counted, training included"
    counted = watch.measured(
        rival.seconds.value * each,
        "x",
        (rival.seconds.low * each, rival.seconds.high * each),
        bound="at most",
        remark=remark,
    )
    draft.add("compute", f"products, {what}", claim, counted)


def _smallest(molecule: str, bases: tuple[str, ...], repeats: int) -> _Rival:
    """The first basis that suffices, or the last one."""
    for basis in bases:
        off = coupled_clusters(molecule, basis) - paper.H2_EXACT.value
        if abs(off) <= CHEMICAL_ACCURACY:
            break
    return _Rival(basis, off, timed(lambda: coupled_clusters(molecule, basis), repeats).cpu)


def add_growth(context: Context, draft: Draft, folder: Path) -> None:
    """Rows and a chart of how coupled clusters and a sample of ours grow along chains."""
    electrons, basis = context.settings.chains, context.settings.chain_basis
    none = Missing("the paper states none")
    label = f"hydrogen chains, {electrons[0]} to {electrons[-1]} electrons"
    with watching("a sample of psi and its local energy, hydrogen chains") as own:
        ours = [_sample(context, electrons_, folder) for electrons_ in electrons]
    try:
        with watching(f"PySCF CCSD(T)/{basis} of hydrogen chains") as watch:
            theirs = [_triples(electrons_, basis) for electrons_ in electrons]
    except ConfigurationError as error:
        missing = Missing(f"not measured: {error}")
        draft.add("scaling", f"PySCF CCSD(T)/{basis}, CPU time, {label}", none, missing)
        return
    for what, values, run in (
        (f"PySCF CCSD(T)/{basis}, CPU time, {label}", theirs, watch.run),
        (f"ours, CPU time of a sample, {label}", ours, own.run),
    ):
        law = fit_power_law(electrons, values)
        ends = (law.exponent - law.exponent_error, law.exponent + law.exponent_error)
        draft.add("scaling", what, none, Measured(law.exponent, "power of electrons", run, ends))
    draft.charts.append(_chart(electrons, basis, theirs, ours))


def _triples(electrons: int, basis: str) -> float:
    """CPU s of one energy."""
    start = time.process_time()
    coupled_clusters(hydrogen_chain(electrons), basis)
    return time.process_time() - start


def _sample(context: Context, electrons: int, folder: Path) -> float:
    """CPU s of one sample, all of it on this host, with a network that has hardly learnt."""
    out, settings = folder / f"chain-{electrons}", context.settings
    molecule = parse_molecule(hydrogen_chain(electrons))
    recipe = WavefunctionRecipe(walkers=settings.chain_walkers)
    state = begin(molecule, recipe, settings.exact)
    with open_macro(settings.exact) as macro:
        solve(state, macro, Limits(deadline=time.monotonic()), out=out)
    workload = wavefunction_workload(out)
    return timed(workload.digitally, settings.repeats).cpu.value / workload.batch


def _chart(
    electrons: tuple[int, ...], basis: str, theirs: list[float], ours: list[float]
) -> Curves:
    return Curves(
        "Hydrogen chains",
        "electrons",
        "CPU time (s)",
        (
            Series(f"PySCF CCSD(T)/{basis}, one energy", electrons, theirs),
            Series("ours, one sample", electrons, ours, group=1),
        ),
        y_log=True,
    )
