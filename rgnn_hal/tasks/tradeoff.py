"""What more reads and bits buy: a model's error on held-out structures, and an inference's work.

A forces model that kept its statistics gets a readout for every number of reads: the fewer, the
more it is penalised for noise. Two lines say what no number of reads can improve on: the same
model on its twin, and the model that would have been trained without noise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rgnn_hal.analog import Multilevel
from rgnn_hal.cost import Work
from rgnn_hal.cost.digital import count_work
from rgnn_hal.macro import ConfigurationError, Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.tasks.artefact import task_of

if TYPE_CHECKING:
    from rgnn_hal.tasks.forces import KeptStatistics

QUANTITIES = {
    "forces": "force MAE (meV/Å)",
    "hamiltonian": "Hamiltonian MAE (µhartree)",
}


@dataclass(frozen=True)
class Point:
    """A model at one number of reads, of inputs at one number of bits."""

    reads: int
    bits: int | None
    """None where the macro's converter decides."""
    error: float
    """As `QUANTITIES` says."""
    work: Work
    """Of one inference, the mean over the structures."""


@dataclass(frozen=True)
class Curve:
    """A model at several reads and bits, and without noise."""

    points: tuple[Point, ...]
    refitted: bool
    """Whether every point has a readout of its own."""
    twin: float
    """Error of the model as it is on its digital twin."""
    exact: float | None
    """Error on the twin of a readout that knows no noise; None unless refitted."""


def tradeoff(
    model: Any,
    task: str,
    data: Path,
    macro: Macro,
    reads: Sequence[int],
    *,
    bits: Sequence[int | None] = (None,),
    frames: int,
    statistics: "KeptStatistics | None" = None,
    progress: Progress = silent,
) -> Curve:
    """Errors of a loaded `model` of `task` on the first `frames` of `data`.

    Args:
        model: as loaded.
        task: its task.
        data: held-out structures with labels.
        macro: what holds its weights.
        reads: numbers of reads.
        bits: numbers of bits of the inputs, each at all reads; None for the macro's own.
        frames: how many structures.
        statistics: what the model's training kept, for a readout at every number of reads.
        progress: told after each number.

    Raises:
        DataError: data that the model cannot predict.
    """

    def fitted(number: int | None) -> Any:
        if statistics is None:
            return model
        return replace(model, readout=statistics.fit(number).readout)

    def mean_error(predictor: Any) -> tuple[float, Work]:
        errors, total = [], Work()
        for predict in islice(_PREDICTIONS[task](predictor, data), frames):
            with count_work() as work:
                error = predict()
            errors.append(error())
            total = total + work
        return float(np.mean(errors)), total.shared_by(len(errors))

    def on_macro(number: int, width: int | None) -> Any:
        coding = None if width is None else Multilevel(width)
        fit = fitted(number)
        return fit.with_mixings(model.weights.thaw(macro, reads=number, coding=coding))

    points = []
    cases = [(number, width) for width in bits for number in reads]
    for done, (number, width) in enumerate(cases):
        points.append(Point(number, width, *mean_error(on_macro(number, width))))
        progress(done + 1, len(cases), "evaluating at several reads")
    twin, _ = mean_error(model.on_twin())
    refitted = statistics is not None
    exact = mean_error(fitted(None).on_twin())[0] if refitted else None
    return Curve(tuple(points), refitted, twin, exact)


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
