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

from rgnn_hal.analog import Multilevel
from rgnn_hal.bundled import bundled
from rgnn_hal.macro import open_macro
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.backpropagation import Goal, add_trainings
from rgnn_hal.reproduction.cell import Missing, Run, Watch, watching
from rgnn_hal.reproduction.chart import Parity
from rgnn_hal.reproduction.comparison import Prediction, beyond, compare
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import ALKANES, FLAKES, WATER, FirstPrinciples
from rgnn_hal.reproduction.force_training import train_force_networks
from rgnn_hal.reproduction.freezing import add_freezing
from rgnn_hal.reproduction.growth import (
    add_beyond,
    add_families,
    add_record,
    add_scaling_charts,
)
from rgnn_hal.reproduction.hardware import Claims, Counted, add_gains
from rgnn_hal.reproduction.resampling import mean_of_structures
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.reproduction.timing import timed
from rgnn_hal.structures import read_frames, read_structures
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.forces import (
    Evaluation,
    ForcesRecipe,
    TrainingResult,
    evaluate_forces,
    train_forces,
)
from rgnn_hal.tasks.xu2025 import ForceNetwork, random_layer
from rgnn_hal.tasks.xu2025.workload import force_workload

_REPEATS = (3, 2, 1)
"""Of the 32-atom cell: 192 atoms, as the paper's."""


def write_forces(context: Context, draft: Draft) -> None:
    """All rows about forces."""
    settings = context.settings
    bundle, test = bundled("li3po4_train.extxyz"), bundled("li3po4_test.extxyz")
    training = _some(bundle, settings.training_frames, context.folder / "training.extxyz")
    exact = _learn(context, settings.exact, settings.forces, training, test)
    _accuracy(draft, "exact products", exact)
    noisy = _learn(context, settings.macro, settings.forces, training, test)
    _accuracy(draft, f"chip {settings.macro}", noisy, headline=True)
    draft.charts.append(
        Parity.of(
            f"Unseen quench through the chip: MAE {1e3 * noisy.unseen.force_mae:.0f} meV/Å",
            "force (eV/Å)",
            noisy.unseen.reference,
            noisy.unseen.predicted,
        )
    )
    _compute(context, draft, exact.result, test)
    _training(context, draft, training, test)
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


def _learn(context: Context, uri: str, recipe: ForcesRecipe, training: Path, test: Path) -> _Learnt:
    with open_macro(uri) as macro:
        with watching(f"train forces on {training.name} through {uri}") as watch:
            result = train_forces(training, macro, recipe, macro_uri=uri, progress=context.progress)
        predictor = result.model.on_macro(macro)
        with watching(f"evaluate on {training.name} and {test.name} through {uri}") as judged:
            seen = evaluate_forces(predictor, training, context.progress)
            unseen = evaluate_forces(predictor, test, context.progress)
    return _Learnt(result, seen, unseen, watch.run, judged)


def _accuracy(draft: Draft, label: str, learnt: _Learnt, *, headline: bool = False) -> None:
    for words, found in (("a quench never seen", learnt.unseen), ("training frames", learnt.seen)):
        errors = np.abs(found.reference - found.predicted).reshape(found.frames, -1)
        mean = mean_of_structures(errors.sum(axis=1).tolist(), [errors.shape[1]] * found.frames)
        cell = learnt.evaluation.measured(
            1e3 * mean.value,
            "meV/Å",
            (1e3 * mean.low, 1e3 * mean.high),
            remark=f"interval: bootstrap over {found.frames} frames",
        )
        shown = headline and found is learnt.unseen
        draft.add("accuracy", f"force MAE, {words}, {label}", paper.FORCE_MAE, cell, headline=shown)


def _compute(context: Context, draft: Draft, result: TrainingResult, test: Path) -> None:
    frames: list[ase.Atoms] = [atoms for _, atoms in read_structures(test)]
    twin, repeats = result.model.on_twin(), context.settings.repeats
    large = frames[0] * _REPEATS
    with watching(f"predictions of Li3PO4, {repeats} times each") as watch:
        small = timed(lambda: twin.predict(frames[0]), repeats)
        ours = Prediction.of(lambda: twin.predict(large), len(large), repeats)
    seconds = [frame.info["cpu_s"] for frame in frames]
    add_record(draft, watch, paper.FORCE_COMPUTE, "GPAW", seconds, small, len(frames[0]))
    reference = context.first_principles(WATER, ALKANES, FLAKES)
    if isinstance(reference, Missing):
        what = "first principles over ours"
        draft.add("compute", what, paper.FORCE_COMPUTE, reference, headline=True)
        return
    model = _model_of(context, reference).model.on_twin()
    found = compare(
        reference, model.predict, gradient=True, repeats=repeats, progress=context.progress
    )
    carried = beyond(found, large, f"Li3PO4, {len(large)} atoms", ours)
    add_beyond(draft, found, carried, paper.FORCE_COMPUTE)
    add_families(draft, found, paper.FORCE_COMPUTE)
    add_scaling_charts(draft, "Energy and forces of one structure", found, carried)
    draft.notes.append(_note(reference))


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


def _note(reference: FirstPrinciples) -> str:
    spent = sum(one.whole.cpu for one in reference.calculations)
    return (
        f"First principles: PySCF, PBE/{reference.basis} with density fitting on a grid of level "
        f"{reference.sizes.grid}, isolated molecules, one thread, {spent:.0f} s of CPU time. "
        "Its exponents hold for these sizes; they rise as molecules grow, but programs made for "
        "large periodic systems, as that of the labels, take less than what is extrapolated. "
        "The time of a prediction does not depend on what was learnt, only on the recipe."
    )


def _training(context: Context, draft: Draft, training: Path, test: Path) -> None:
    settings = context.settings
    few = _some(training, settings.compared_frames, context.folder / "compared.extxyz")
    judged = _some(test, settings.judged_frames, context.folder / "judged.extxyz")
    learnt = _learn(context, settings.exact, settings.compared, few, judged)
    seconds = learnt.training.cpu_seconds
    work = Counts.of_record(learnt.result.model.record).training.all_digital
    frames = list(read_frames(few))
    with watching(
        f"the paper's force network by back-propagation on {len(frames)} frames"
    ) as watch:
        networks = train_force_networks(
            learnt.result.model.elements,
            frames,
            list(read_frames(judged)),
            Goal(1e3 * learnt.unseen.force_mae, "meV/Å", seconds, work),
            seconds=settings.rival_seconds(seconds),
            progress=context.progress,
        )
    whole, frozen = networks
    rebuilt = ForceNetwork(random_layer(0), learnt.result.model.elements)
    add_freezing(draft, watch, rebuilt, paper.FORCE_UNTRAINED, whole, frozen)
    quantity = "force MAE of unseen frames (meV/Å)"
    add_trainings(draft, watch, networks, "Learning forces from equal data", quantity)


def _modelled(draft: Draft, learnt: _Learnt) -> None:
    counts = Counts.of_record(learnt.result.model.record)
    with watching("one inference of the paper's force network on the same frame") as watch:
        network = force_workload(counts.structure).work
        at_once = force_workload(counts.structure, Multilevel()).work
    add_gains(
        draft,
        f"Forces on {counts.structure.get_chemical_formula()}",
        Counted("the paper's network", network, watch.run),
        at_once,
        Counted("our model", counts.inference, learnt.training),
        Claims(paper.FORCE_SPEED, paper.FORCE_ENERGY),
    )
