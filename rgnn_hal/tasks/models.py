"""Trained models of any task, found by what their folder holds."""

from pathlib import Path
from typing import Any

from rgnn_hal.tasks.artefact import task_of
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.workload import Workload


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
        model.weights.parameters,
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
