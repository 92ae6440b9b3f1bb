"""Forces: bundled Li3PO4 through a chip, against labels, first principles and back-propagation.

Molecules of water, carbon and hydrogen, which PySCF computes here, get a model of their own: a
prediction on the very same structures, in the same run. Periodic Li3PO4 is compared twice, with the
time that its labels took, and with PySCF carried to 192 atoms by its fitted laws.
"""

from dataclasses import dataclass
from pathlib import Path

import ase
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from rgnn_hal.bundled import bundled
from rgnn_hal.cost.digital import count_work
from rgnn_hal.macro import open_macro
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.backpropagation import Goal, add_trainings
from rgnn_hal.reproduction.cell import Measured, Missing, Run, Watch, watching
from rgnn_hal.reproduction.chart import Parity
from rgnn_hal.reproduction.comparison import Comparison, compare, scaling_chart
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import FirstPrinciples, basis_functions
from rgnn_hal.reproduction.force_training import train_force_networks
from rgnn_hal.reproduction.hardware import add_gains
from rgnn_hal.reproduction.scaling import Estimate, middle_of
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.reproduction.timing import timed
from rgnn_hal.structures import read_frames, read_structures
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.forces import Evaluation, TrainingResult, evaluate_forces, train_forces
from rgnn_hal.tasks.xu2025.workload import force_workload

_REPEATS = (3, 2, 1)
"""Of the 32-atom cell: 192 atoms, as the paper's."""


def write_forces(context: Context, draft: Draft) -> None:
    """All rows about forces."""
    settings = context.settings
    bundle, test = bundled("li3po4_train.extxyz"), bundled("li3po4_test.extxyz")
    training = _some(bundle, settings.training_frames, context.folder / "training.extxyz")
    exact = _learn(context, settings.exact, training, test)
    _accuracy(draft, "exact products", exact)
    noisy = _learn(context, settings.macro, training, test)
    _accuracy(draft, f"chip {settings.macro}", noisy)
    draft.charts.append(
        Parity(
            f"Unseen quench through the chip: MAE {1e3 * noisy.unseen.force_mae:.0f} meV/Å",
            "force (eV/Å)",
            noisy.unseen.reference,
            noisy.unseen.predicted,
        )
    )
    _compute(context, draft, _Timings.of(exact.result, test, settings.repeats))
    _training(context, draft, exact, training, test)
    _modelled(draft, noisy)


@dataclass(frozen=True)
class _Learnt:
    result: TrainingResult
    seen: Evaluation
    unseen: Evaluation
    training: Run
    evaluation: Watch


def _some(path: Path, wanted: int | None, out: Path) -> Path:
    """Frames of a file, evenly chosen, in a file of their own; all by default."""
    if wanted is None:
        return path
    frames = [atoms for _, atoms in read_structures(path)]
    chosen = np.unique(np.linspace(0, len(frames) - 1, wanted).round().astype(int))
    return _write([frames[index] for index in chosen], out)


def _write(frames: list[ase.Atoms], path: Path) -> Path:
    write(path, frames, format="extxyz")
    return path


def _learn(context: Context, uri: str, training: Path, test: Path) -> _Learnt:
    recipe = context.settings.forces
    with open_macro(uri) as macro:
        with watching(f"train forces on {training.name} through {uri}") as watch:
            result = train_forces(training, macro, recipe, macro_uri=uri, progress=context.progress)
        predictor = result.model.on_macro(macro)
        with watching(f"evaluate on {training.name} and {test.name} through {uri}") as judged:
            seen = evaluate_forces(predictor, training, context.progress)
            unseen = evaluate_forces(predictor, test, context.progress)
    return _Learnt(result, seen, unseen, watch.run, judged)


def _accuracy(draft: Draft, label: str, learnt: _Learnt) -> None:
    def cell(found: Evaluation) -> Measured:
        per_frame = np.abs(found.reference - found.predicted).reshape(found.frames, -1).mean(axis=1)
        spread = per_frame.std(ddof=1) / np.sqrt(found.frames) if found.frames > 1 else 0.0
        mean = found.force_mae
        return learnt.evaluation.measured(
            1e3 * mean,
            "meV/Å",
            (1e3 * (mean - spread), 1e3 * (mean + spread)),
            remark="interval: standard error over frames",
        )

    for words, found in (("a quench never seen", learnt.unseen), ("training frames", learnt.seen)):
        draft.add("accuracy", f"force MAE, {words}, {label}", paper.FORCE_MAE, cell(found))


@dataclass(frozen=True)
class _Timings:
    """Predictions of periodic Li3PO4, all on the host."""

    cell: Estimate
    """CPU s of a bundled frame."""
    labels: Estimate
    """CPU s that its label took, as the data say."""
    large: ase.Atoms
    paper_size: Estimate
    operations: int
    """Of a prediction at the paper's size."""
    watch: Watch

    @classmethod
    def of(cls, result: TrainingResult, test: Path, repeats: int) -> "_Timings":
        frames: list[ase.Atoms] = [atoms for _, atoms in read_structures(test)]
        twin = result.model.on_twin()
        large = frames[0] * _REPEATS
        with watching(f"predictions of Li3PO4, {repeats} times each") as watch:
            cell = timed(lambda: twin.predict(frames[0]), repeats)
            paper_size = timed(lambda: twin.predict(large), repeats)
            with count_work() as work:
                twin.predict(large)
        done = work.all_digital
        return cls(
            cell,
            middle_of([frame.info["cpu_s"] for frame in frames]),
            large,
            paper_size,
            done.macs + done.special + done.elementary,
            watch,
        )


def _compute(context: Context, draft: Draft, timings: _Timings) -> None:
    _against_labels(draft, timings)
    reference = context.first_principles()
    if isinstance(reference, Missing):
        draft.add("compute", "first principles over ours", paper.FORCE_COMPUTE, reference)
        return
    model = _model_of(context, reference).model.on_twin()
    comparison = compare(
        reference,
        tuple(reference.families),
        model.predict,
        gradient=True,
        repeats=context.settings.repeats,
        progress=context.progress,
    )
    _equal_size(draft, comparison)
    beyond = _paper_size(draft, reference, comparison, timings)
    draft.charts.append(scaling_chart("Energy and forces of one structure", comparison, beyond))
    draft.notes.append(_note(reference))


def _against_labels(draft: Draft, timings: _Timings) -> None:
    ratio = timings.labels / timings.cell
    cell = timings.watch.measured(
        ratio.value,
        "x",
        ratio.interval,
        remark=(
            f"labels: GPAW, {timings.labels.value:.1f} s of CPU time per frame, measured when the "
            "data were made, on another machine"
        ),
    )
    what = "the data's labels over our predictions, 32 atoms"
    draft.add("compute", what, paper.FORCE_COMPUTE, cell)


def _model_of(context: Context, reference: FirstPrinciples) -> TrainingResult:
    """A model of the reference's own molecules: a readout that has seen all their elements."""
    frames = []
    for one in reference.calculations:
        atoms = one.atoms.copy()
        atoms.calc = SinglePointCalculator(atoms, energy=one.energy, forces=one.forces)
        frames.append(atoms)
    path = _write(frames, context.folder / "molecules.extxyz")
    with open_macro(context.settings.exact) as macro:
        return train_forces(path, macro, context.settings.forces, progress=context.progress)


def _equal_size(draft: Draft, comparison: Comparison) -> None:
    for family in comparison.families:
        ratio = family.ratio()
        law, ours = family.law, family.our_law
        remark = (
            f"exponents in atoms: theirs {law.exponent:.2f} ± {law.exponent_error:.2f}, "
            f"ours {ours.exponent:.2f} ± {ours.exponent_error:.2f}"
        )
        cell = Measured(ratio.value, "x", comparison.run, ratio.interval, remark=remark)
        what = f"CPU time, PySCF over ours, {family.name}, {family.atoms[-1]} atoms"
        draft.add("compute", what, paper.FORCE_COMPUTE, cell)


def _paper_size(
    draft: Draft, reference: FirstPrinciples, comparison: Comparison, timings: _Timings
) -> dict[str, tuple[int, Estimate]]:
    atoms = len(timings.large)
    functions = basis_functions(timings.large, reference.basis)
    theirs = comparison.extrapolated(functions)
    ratio = theirs / timings.paper_size
    remark = (
        f"{functions} basis functions of {reference.basis}; the interval spans the families; "
        f"ours measured at this size: {1e3 * timings.paper_size.value:.0f} ms"
    )
    label = f"Li3PO4, {atoms} atoms"
    draft.add(
        "compute",
        f"CPU time, PySCF extrapolated over ours, {label}",
        paper.FORCE_COMPUTE,
        Measured(
            ratio.value, "x", comparison.run, ratio.interval, extrapolated=True, remark=remark
        ),
    )
    per_second = reference.macs_per_second / timings.operations
    remark = (
        f"ours counted: {timings.operations:.3g}; theirs: CPU time x "
        f"{reference.macs_per_second / 1e9:.1f} GMAC/s, the rate of matrix products here"
    )
    interval = (theirs.low * per_second, theirs.high * per_second)
    operations = Measured(
        theirs.value * per_second,
        "x",
        comparison.run,
        interval,
        bound="at most",
        extrapolated=True,
        remark=remark,
    )
    draft.add("compute", f"operations, the same, {label}", paper.FORCE_COMPUTE, operations)
    return {
        f"{label}: first principles, extrapolated": (atoms, theirs),
        f"{label}: ours": (atoms, timings.paper_size),
    }


def _note(reference: FirstPrinciples) -> str:
    return (
        f"First principles: PySCF, PBE/{reference.basis} with density fitting, isolated molecules, "
        f"one thread, {reference.run.cpu_seconds:.0f} s of CPU time. The exponents hold for these "
        "sizes; they rise as molecules grow, so extrapolated costs err on the low side. The time "
        "of a prediction does not depend on what was learnt, only on the recipe."
    )


def _training(context: Context, draft: Draft, whole: _Learnt, training: Path, test: Path) -> None:
    settings, learnt = context.settings, whole
    if settings.compared_frames is not None:
        few = context.folder / "compared.extxyz"
        training = _some(training, settings.compared_frames, few)
        learnt = _learn(context, settings.exact, training, test)
    work = Counts.of_record(learnt.result.model.record).training.all_digital
    error = 1e3 * learnt.unseen.force_mae
    frames = list(read_frames(training))
    with watching(
        f"the paper's force network by back-propagation on {len(frames)} frames"
    ) as watch:
        networks = train_force_networks(
            learnt.result.model.elements,
            frames,
            list(read_frames(test)),
            Goal(error, "meV/Å", learnt.training.cpu_seconds, work),
            seconds=context.settings.training_seconds,
            progress=context.progress,
        )
    quantity = "force MAE of unseen frames (meV/Å)"
    add_trainings(draft, watch, networks, "Learning forces from equal data", quantity)


def _modelled(draft: Draft, learnt: _Learnt) -> None:
    counts = Counts.of_record(learnt.result.model.record)
    with watching("one inference of the paper's force network on the same frame") as theirs:
        network = force_workload(counts.structure).work
    workloads = {
        "our model": (counts.inference, learnt.training),
        "the paper's network": (network, theirs.run),
    }
    title = "Forces on one frame of Li3PO4"
    add_gains(draft, title, workloads, paper.FORCE_SPEED, paper.FORCE_ENERGY)
