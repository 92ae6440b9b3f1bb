"""What more reads buy: a model's error on held-out structures, and the work of one inference."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from rgnn_hal.cost import Work
from rgnn_hal.cost.digital import count_work
from rgnn_hal.macro import ConfigurationError, Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.tasks.artefact import task_of

QUANTITIES = {
    "forces": "force MAE (meV/Å)",
    "hamiltonian": "Hamiltonian MAE (µhartree)",
}


@dataclass(frozen=True)
class Point:
    """A model at one number of reads."""

    reads: int
    error: float
    """As `QUANTITIES` says."""
    work: Work
    """Of one inference, the mean over the structures."""


def tradeoff(
    model: Any,
    task: str,
    data: Path,
    macro: Macro,
    reads: Sequence[int],
    *,
    frames: int,
    progress: Progress = silent,
) -> list[Point]:
    """Errors of a loaded `model` of `task` on the first `frames` of `data`.

    Raises:
        DataError: data that the model cannot predict.
    """
    points = []
    for done, number in enumerate(reads):
        predictor = model.on_macro(macro, reads=number)
        errors, total = [], Work()
        for predict in islice(_PREDICTIONS[task](predictor, data), frames):
            with count_work() as work:
                error = predict()
            errors.append(error())
            total = total + work
        points.append(Point(number, float(np.mean(errors)), total.shared_by(len(errors))))
        progress(done + 1, len(reads), "evaluating at several reads")
    return points


def task_with_errors(folder: Path) -> str:
    """The task of a model whose predictions can be compared with data.

    Raises:
        ConfigurationError: a wavefunction.
    """
    task = task_of(folder, (*QUANTITIES, "wavefunction"))
    if task not in QUANTITIES:
        raise ConfigurationError(
            f"{folder} holds a wavefunction, whose error is statistical and not one of data; "
            "leave out --data"
        )
    return task


Prediction = Callable[[], Callable[[], float]]
"""Predicts a structure; what it returns says how far that is from the label."""


def _forces(predictor: Any, data: Path) -> Iterator[Prediction]:
    from rgnn_hal.structures import read_frames

    for frame in read_frames(data):

        def predict(frame: Any = frame) -> Callable[[], float]:
            forces = predictor.predict(frame.atoms, where=frame.where).forces.numpy()
            return lambda: 1e3 * float(np.abs(forces - frame.forces).mean())

        yield predict


def _hamiltonians(predictor: Any, data: Path) -> Iterator[Prediction]:
    from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
    from rgnn_hal.tasks.hamiltonian.evaluation import mean_error

    with HamiltonianFile(data) as file:
        for frame in file:

            def predict(frame: Any = frame) -> Callable[[], float]:
                found = predictor.predict(frame.atoms, pairs=frame.pairs, where=frame.where)
                return lambda: 1e6 * mean_error(frame, found, file.basis)

            yield predict


_PREDICTIONS = {"forces": _forces, "hamiltonian": _hamiltonians}
