"""Hamiltonians: the bundled graphene and water through a chip, against labels and first principles.

The graphene model knows carbon only, so on flakes it is timed on their carbon skeleton, while PySCF
also computes the hydrogen at the edge; PySCF has 9 (6-31G) or 14 (def2-SVP) functions per carbon,
the model's data have 5. The water model has learnt single molecules, and refuses pairs of them.
"""

import ase
import h5py
import numpy as np

from rgnn_hal.analog import Multilevel
from rgnn_hal.bundled import bundled
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.backpropagation import Goal, add_trainings
from rgnn_hal.reproduction.cell import Measured, Missing, watching
from rgnn_hal.reproduction.comparison import Prediction, beyond, compare
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import FLAKES
from rgnn_hal.reproduction.freezing import add_freezing
from rgnn_hal.reproduction.growth import (
    add_beyond,
    add_families,
    add_record,
    add_scaling_charts,
)
from rgnn_hal.reproduction.hamiltonian_accuracy import (
    Fold,
    Learnt,
    add_accuracy,
    cut_in_folds,
    learn,
)
from rgnn_hal.reproduction.hamiltonian_training import train_hamiltonian_networks
from rgnn_hal.reproduction.hardware import Claims, Counted, add_gains
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.reproduction.timing import timed
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.hamiltonian import HamiltonianFile, HamiltonianFrame, TrainingResult
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV
from rgnn_hal.tasks.xu2025 import HamiltonianNetwork, random_layer
from rgnn_hal.tasks.xu2025.hamiltonian import RADIUS
from rgnn_hal.tasks.xu2025.workload import hamiltonian_workload

_LATTICE = 2.46
"""angstrom, of graphene."""
_CELLS = 6
"""Along either side of the sheet: 72 atoms, as the set that the paper's code was made for."""


def write_hamiltonian(context: Context, draft: Draft) -> None:
    """All rows about Hamiltonians."""
    settings = context.settings
    graphene = cut_in_folds(bundled("graphene_4x4_s2p1.h5"), context.folder)
    water = cut_in_folds(bundled("water_def2svp.h5"), context.folder)
    molecules = learn(context, settings.exact, water, settings.water)
    exact = learn(context, settings.exact, graphene, settings.graphene)
    noisy = learn(context, settings.macro, graphene, settings.graphene)
    add_accuracy(draft, noisy, f"chip {settings.macro}", headline=True)
    add_accuracy(draft, exact, "exact products")
    add_accuracy(draft, molecules, "exact products")
    _compute(context, draft, noisy.result, graphene[-1])
    _training(context, draft, exact, graphene[-1])
    _modelled(draft, noisy)


def _compute(context: Context, draft: Draft, graphene: TrainingResult, fold: Fold) -> None:
    twin, repeats = graphene.model.on_twin(), context.settings.repeats
    sheet = _sheet(_CELLS)
    with (
        HamiltonianFile(fold.judged[0]) as file,
        watching(f"predictions of graphene, {repeats} times each") as watch,
    ):
        frame = file.frame(0)
        small = timed(lambda: twin.predict(frame.atoms, pairs=frame.pairs), repeats)
        ours = Prediction.of(lambda: twin.predict(sheet), len(sheet), repeats)
    claim = paper.HAMILTONIAN_COMPUTE
    with h5py.File(fold.source) as data:
        seconds = data["cpu_s"][()].tolist()
    add_record(draft, watch, claim, "OpenMX, the same orbitals,", seconds, small, len(frame.atoms))
    reference = context.first_principles(FLAKES)
    if isinstance(reference, Missing):
        draft.add("compute", "first principles over ours", claim, reference, headline=True)
        return
    found = compare(
        reference,
        lambda atoms: twin.predict(_carbon(atoms)),
        gradient=False,
        repeats=repeats,
        progress=context.progress,
    )
    carried = beyond(found, sheet, f"graphene, {len(sheet)} atoms", ours)
    add_beyond(draft, found, carried, claim, "theirs with one wave vector")
    add_families(draft, found, claim, "ours on the carbon skeleton")
    add_scaling_charts(draft, "H of one structure", found, carried)


def _training(context: Context, draft: Draft, learnt: Learnt, fold: Fold) -> None:
    model = learnt.result.model
    work = Counts.of_record(model.record).training.all_digital
    cell = Measured(learnt.training.cpu_seconds, "s", learnt.training)
    draft.add("training", "CPU time of ours, graphene", paper.HAMILTONIAN_TRAINING_TIME, cell)
    with HamiltonianFile(fold.learnt) as early, HamiltonianFile(fold.judged[0]) as late:
        training, test = list(early), list(late)
    goal = Goal(_between_atoms(learnt, test), "meV", learnt.training.cpu_seconds, work)
    with watching(f"the paper's network by back-propagation on {learnt.name}") as watch:
        networks = train_hamiltonian_networks(
            training,
            test,
            model.elements,
            goal,
            seconds=context.settings.rival_seconds(goal.cpu_seconds),
            progress=context.progress,
        )
    whole, frozen = networks
    rebuilt = HamiltonianNetwork(random_layer(0))
    add_freezing(draft, watch, rebuilt, paper.HAMILTONIAN_UNTRAINED, whole, frozen)
    quantity = "RMSE of blocks between atoms, unseen frames (meV)"
    add_trainings(draft, watch, networks, "Learning Hamiltonians from equal data", quantity)


def _between_atoms(learnt: Learnt, test: list[HamiltonianFrame]) -> float:
    """Our RMSE where the network has blocks, meV."""
    twin, errors = learnt.result.model.on_twin(), []
    for frame in test:
        found = twin.predict(frame.atoms, pairs=frame.pairs, where=frame.where)
        length = np.linalg.norm(frame.pairs.displacement(frame.atoms), axis=1)
        chosen = ~frame.pairs.on_site & (length < RADIUS)
        errors.append((found.hamiltonian - frame.hamiltonian)[chosen].ravel())
    return 1e3 * HARTREE_EV * float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def _modelled(draft: Draft, learnt: Learnt) -> None:
    counts = Counts.of_record(learnt.result.model.record)
    with watching("one inference of the paper's Hamiltonian network, 32 atoms") as watch:
        network = hamiltonian_workload().work
        at_once = hamiltonian_workload(coding=Multilevel()).work
    add_gains(
        draft,
        "Hamiltonian of 32 atoms of graphene",
        Counted("the paper's network", network, watch.run),
        at_once,
        Counted("our model", counts.inference, learnt.training),
        Claims(paper.HAMILTONIAN_SPEED, paper.HAMILTONIAN_ENERGY),
    )


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
