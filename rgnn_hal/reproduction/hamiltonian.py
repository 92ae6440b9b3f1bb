"""Hamiltonians: the bundled graphene and water through a chip, against labels and first principles.

Errors are root mean squares over matrix elements, as the paper's. The graphene model knows carbon
only, so on flakes it is timed on their carbon skeleton, while PySCF also computes the hydrogen at
the edge; PySCF has 9 (6-31G) or 14 (def2-SVP) functions per carbon, the model's data have 5.
"""

from dataclasses import dataclass
from pathlib import Path

import ase
import h5py
import numpy as np

from rgnn_hal.bundled import bundled
from rgnn_hal.macro import open_macro
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.backpropagation import Goal, add_trainings
from rgnn_hal.reproduction.cell import Measured, Missing, Run, Watch, watching
from rgnn_hal.reproduction.chart import Parity
from rgnn_hal.reproduction.comparison import compare, scaling_chart
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import FLAKES, FirstPrinciples, basis_functions
from rgnn_hal.reproduction.hamiltonian_training import train_hamiltonian_networks
from rgnn_hal.reproduction.hardware import add_gains
from rgnn_hal.reproduction.scaling import Estimate, middle_of
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.reproduction.timing import timed
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.hamiltonian import (
    Evaluation,
    HamiltonianFile,
    HamiltonianFrame,
    HamiltonianRecipe,
    TrainingResult,
    evaluate_hamiltonian,
    train_hamiltonian,
)
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV
from rgnn_hal.tasks.xu2025.hamiltonian import RADIUS
from rgnn_hal.tasks.xu2025.workload import hamiltonian_workload

_LATTICE = 2.46
"""angstrom, of graphene."""


def write_hamiltonian(context: Context, draft: Draft) -> None:
    """All rows about Hamiltonians."""
    settings = context.settings
    graphene = _split(bundled("graphene_4x4_s2p1.h5"), context.folder)
    water = _split(bundled("water_def2svp.h5"), context.folder)
    _learn_and_judge(context, draft, settings.exact, "exact products", water, settings.water)
    exact = _learn_and_judge(
        context, draft, settings.exact, "exact products", graphene, settings.graphene
    )
    learnt = _learn_and_judge(
        context, draft, settings.macro, f"chip {settings.macro}", graphene, settings.graphene
    )
    _compute(context, draft, learnt.result, graphene)
    _training(context, draft, exact, graphene)
    _modelled(draft, learnt)


@dataclass(frozen=True)
class _Data:
    """One set cut in two: early frames to learn from, late ones to judge by."""

    name: str
    source: Path
    early: Path
    late: Path


@dataclass(frozen=True)
class _Learnt:
    result: TrainingResult
    training: Run
    unseen: Evaluation


def _split(source: Path, folder: Path) -> _Data:
    """The last fifth of the frames, at least one, is held out; frames are in order of time."""
    early, late = (folder / f"{source.stem}-{part}.h5" for part in ("early", "late"))
    with HamiltonianFile(source) as file:
        frames = len(file)
    cut = frames - max(1, frames // 5)
    for path, chosen in ((early, slice(0, cut)), (late, slice(cut, None))):
        _cut(source, path, chosen)
    return _Data(source.stem, source, early, late)


def _cut(source: Path, out: Path, chosen: slice) -> None:
    with h5py.File(source) as data, h5py.File(out, "w") as file:
        file.attrs.update(data.attrs)
        pointer = data["edge_ptr"][()] if "edge_ptr" in data else None
        frames = len(data["R"]) if pointer is None else len(pointer) - 1
        start, stop, _ = chosen.indices(frames)
        for name, values in data.items():
            if name == "edge_ptr":
                file[name] = values[start : stop + 1] - values[start]
            elif pointer is not None and len(values) == pointer[-1]:
                file[name] = values[pointer[start] : pointer[stop]]
            else:
                file[name] = values[start:stop] if len(values) == frames else values[()]


def _learn_and_judge(
    context: Context, draft: Draft, uri: str, label: str, data: _Data, recipe: HamiltonianRecipe
) -> _Learnt:
    with open_macro(uri) as macro:
        with watching(f"train Hamiltonians of {data.source.name} through {uri}") as watch:
            result = train_hamiltonian(
                data.early, macro, recipe, macro_uri=uri, progress=context.progress
            )
        with watching(f"evaluate the last frames of {data.source.name} through {uri}") as judged:
            unseen = evaluate_hamiltonian(result.model.on_macro(macro), data.late, context.progress)
    what = f"{data.name}, unseen frames ({unseen.frames}), {label}"
    _accuracy(draft, what, unseen, judged)
    draft.charts.append(
        Parity(
            f"{what}: MAE {1e3 * HARTREE_EV * unseen.hamiltonian_mae:.2f} meV",
            "element of H (eV)",
            HARTREE_EV * unseen.reference,
            HARTREE_EV * unseen.predicted,
        )
    )
    return _Learnt(result, watch.run, unseen)


def _accuracy(draft: Draft, what: str, found: Evaluation, judged: Watch) -> None:
    errors = found.predicted - found.reference
    rms = judged.measured(1e3 * HARTREE_EV * float(np.sqrt(np.mean(errors**2))), "meV")
    draft.add("accuracy", f"RMSE of H, {what}", paper.HAMILTONIAN_RMSE, rms)
    levels = judged.measured(1e3 * HARTREE_EV * found.occupied_energy_mae, "meV")
    none = Missing("the paper's code ships none")
    if np.isfinite(found.occupied_energy_mae):
        draft.add("accuracy", f"MAE of occupied levels, {what}", none, levels)


def _compute(context: Context, draft: Draft, result: TrainingResult, data: _Data) -> None:
    twin, repeats = result.model.on_twin(), context.settings.repeats
    sheet = _sheet(6)
    with (
        HamiltonianFile(data.late) as file,
        watching(f"predictions of graphene, {repeats} times each") as watch,
    ):
        frame = next(iter(file))
        small = timed(lambda: twin.predict(frame.atoms, pairs=frame.pairs), repeats)
        large = timed(lambda: twin.predict(sheet), repeats)
    _against_labels(draft, watch, data, small)
    reference = context.first_principles()
    if isinstance(reference, Missing):
        draft.add("compute", "first principles over ours", paper.HAMILTONIAN_COMPUTE, reference)
        return
    comparison = compare(
        reference,
        (FLAKES,),
        lambda atoms: twin.predict(_carbon(atoms)),
        gradient=False,
        repeats=repeats,
        progress=context.progress,
    )
    (family,) = comparison.families
    ratio, law, ours = family.ratio(), family.law, family.our_law
    remark = (
        f"exponents in atoms: theirs {law.exponent:.2f} ± {law.exponent_error:.2f}, ours "
        f"{ours.exponent:.2f} ± {ours.exponent_error:.2f}; ours on the carbon skeleton"
    )
    draft.add(
        "compute",
        f"CPU time, PySCF over ours, {FLAKES}, {family.atoms[-1]} atoms",
        paper.HAMILTONIAN_COMPUTE,
        Measured(ratio.value, "x", comparison.run, ratio.interval, remark=remark),
    )
    theirs = comparison.extrapolated(basis_functions(sheet, reference.basis))
    _paper_size(draft, reference, theirs, large, sheet, comparison.run)
    label = f"graphene, {len(sheet)} atoms"
    beyond = {
        f"{label}: first principles, extrapolated": (len(sheet), theirs),
        f"{label}: ours": (len(sheet), large),
    }
    draft.charts.append(scaling_chart("H of one structure", comparison, beyond))


def _against_labels(draft: Draft, watch: Watch, data: _Data, ours: Estimate) -> None:
    with h5py.File(data.source) as file:
        theirs = middle_of(file["cpu_s"][()].tolist())
    ratio = theirs / ours
    remark = (
        f"labels: OpenMX, {theirs.value:.0f} s of CPU time per frame, measured when the data were "
        "made, on another machine; the same orbitals, atoms and cell"
    )
    cell = watch.measured(ratio.value, "x", ratio.interval, remark=remark)
    what = "the data's labels over our predictions, 32 atoms"
    draft.add("compute", what, paper.HAMILTONIAN_COMPUTE, cell)


def _paper_size(
    draft: Draft,
    reference: FirstPrinciples,
    theirs: Estimate,
    ours: Estimate,
    sheet: ase.Atoms,
    run: Run,
) -> None:
    ratio = theirs / ours
    remark = (
        f"{basis_functions(sheet, reference.basis)} basis functions of {reference.basis}, one "
        f"wave vector; ours measured at this size: {1e3 * ours.value:.0f} ms"
    )
    draft.add(
        "compute",
        f"CPU time, PySCF extrapolated over ours, graphene, {len(sheet)} atoms",
        paper.HAMILTONIAN_COMPUTE,
        Measured(ratio.value, "x", run, ratio.interval, extrapolated=True, remark=remark),
    )


def _training(context: Context, draft: Draft, learnt: _Learnt, data: _Data) -> None:
    model = learnt.result.model
    work = Counts.of_record(model.record).training.all_digital
    cell = Measured(learnt.training.cpu_seconds, "s", learnt.training)
    draft.add("training", "CPU time of ours, graphene", paper.HAMILTONIAN_TRAINING_TIME, cell)
    with HamiltonianFile(data.early) as early, HamiltonianFile(data.late) as late:
        training, test = list(early), list(late)
    goal = Goal(_between_atoms(learnt, test), "meV", learnt.training.cpu_seconds, work)
    with watching(f"the paper's network by back-propagation on {data.source.name}") as watch:
        networks = train_hamiltonian_networks(
            training,
            test,
            model.elements,
            goal,
            seconds=context.settings.training_seconds,
            progress=context.progress,
        )
    quantity = "RMSE of blocks between atoms, unseen frames (meV)"
    add_trainings(draft, watch, networks, "Learning Hamiltonians from equal data", quantity)


def _between_atoms(learnt: _Learnt, test: list[HamiltonianFrame]) -> float:
    """Our RMSE where the network has blocks, meV."""
    twin, errors = learnt.result.model.on_twin(), []
    for frame in test:
        found = twin.predict(frame.atoms, pairs=frame.pairs, where=frame.where)
        length = np.linalg.norm(frame.pairs.displacement(frame.atoms), axis=1)
        chosen = ~frame.pairs.on_site & (length < RADIUS)
        errors.append((found.hamiltonian - frame.hamiltonian)[chosen].ravel())
    return 1e3 * HARTREE_EV * float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def _modelled(draft: Draft, learnt: _Learnt) -> None:
    counts = Counts.of_record(learnt.result.model.record)
    with watching("one inference of the paper's Hamiltonian network, 32 atoms") as theirs:
        network = hamiltonian_workload().work
    workloads = {
        "our model": (counts.inference, learnt.training),
        "the paper's network": (network, theirs.run),
    }
    title = "Hamiltonian of 32 atoms of graphene"
    add_gains(draft, title, workloads, paper.HAMILTONIAN_SPEED, paper.HAMILTONIAN_ENERGY)


def _sheet(cells: int) -> ase.Atoms:
    """A flat sheet of graphene."""
    a = _LATTICE * np.array([[1, 0], [-0.5, np.sqrt(0.75)]])
    cell = np.zeros((3, 3))
    cell[:2, :2], cell[2, 2] = a, 20.0
    two = ase.Atoms("C2", scaled_positions=[(1 / 3, 2 / 3, 0.5), (2 / 3, 1 / 3, 0.5)], cell=cell)
    two.pbc = True
    sheet: ase.Atoms = two * (cells, cells, 1)
    return sheet


def _carbon(atoms: ase.Atoms) -> ase.Atoms:
    skeleton: ase.Atoms = atoms[atoms.numbers == 6]
    return skeleton
