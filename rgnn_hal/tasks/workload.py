"""One inference of a model, counted and ready to be run again digitally: what `cost` is about."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from rgnn_hal.cost import Operations, Work
from rgnn_hal.cost.digital import count_digital
from rgnn_hal.tasks.artefact import task_of
from rgnn_hal.tasks.counts import Counts

_REPEATS = 5


@dataclass(frozen=True)
class Workload:
    """A model's inference."""

    task: str
    inference: str
    """What one inference is, in words."""
    atoms: int
    reads: int
    """Averaged in every product."""
    work: Work
    """Of one inference, through a macro."""
    training: Work | None
    """None for networks that were not trained."""
    digitally: Callable[[], Any]
    """Runs `batch` inferences on this machine, by the twin."""
    batch: int = 1


@dataclass(frozen=True)
class Timing:
    """One inference, measured on this machine by one thread."""

    seconds: float
    """Wall time, the shortest of a few runs."""
    cpu_seconds: float
    operations: Operations


def timed(workload: Workload) -> Timing:
    """Run the inference digitally, here and now."""
    with count_digital() as operations:
        workload.digitally()
    walls, cpus = [], []
    for _ in range(_REPEATS):
        wall, cpu = perf_counter(), process_time()
        workload.digitally()
        walls.append(perf_counter() - wall)
        cpus.append(process_time() - cpu)
    batch = workload.batch
    each = Work(digital=operations).shared_by(batch).digital
    return Timing(min(walls) / batch, min(cpus) / batch, each)


def workload_of(folder: Path) -> Workload:
    """The inference of a trained model, as its artefact has it.

    Raises:
        DataError: no model, or one from before counts were kept.
    """
    task = task_of(folder, ("forces", "hamiltonian", "wavefunction"))
    if task == "wavefunction":
        from rgnn_hal.tasks.wavefunction.workload import wavefunction_workload

        return wavefunction_workload(folder)
    model = load_predicting(task, folder)
    counts = Counts.of_record(model.record)
    twin, atoms = model.on_twin(), counts.structure
    of = {"forces": "energy and forces", "hamiltonian": "Hamiltonian and overlap"}[task]
    return Workload(
        task,
        f"{of} of {atoms.get_chemical_formula()}",
        len(atoms),
        model.recipe.reads,
        counts.inference,
        counts.training,
        lambda: twin.predict(atoms),
    )


def load_predicting(task: str, folder: Path) -> Any:
    """A trained model of `task` that predicts structures: forces or hamiltonian."""
    if task == "forces":
        from rgnn_hal.tasks.forces import load_model

        return load_model(folder)
    from rgnn_hal.tasks.hamiltonian import load_model as load_hamiltonian

    return load_hamiltonian(folder)
