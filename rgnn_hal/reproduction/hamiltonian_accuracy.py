"""How well Hamiltonians of unseen frames are predicted, frame by frame.

Errors are root mean squares over matrix elements, as the paper's, with an interval over frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import open_macro
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.cell import Measured, Missing, Run, Watch, watching
from rgnn_hal.reproduction.chart import Parity
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.resampling import mean_of_structures
from rgnn_hal.reproduction.scaling import Estimate
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.tasks.hamiltonian import (
    Evaluation,
    HamiltonianFile,
    HamiltonianRecipe,
    TrainingResult,
    evaluate_hamiltonian,
    train_hamiltonian,
)
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV

_FEW = 5
"""Frames of which each is held out in turn."""


@dataclass(frozen=True)
class Fold:
    """One set cut in two."""

    source: Path
    learnt: Path
    judged: tuple[Path, ...]
    """One frame each."""


@dataclass(frozen=True)
class Learnt:
    """What came of all folds."""

    name: str
    result: TrainingResult
    """Of the last fold."""
    training: Run
    judged: Watch
    unseen: tuple[Evaluation, ...]
    """One per frame."""
    weights: tuple[NDArray[np.float64], ...]
    """How often every element that was compared stands in its matrix."""


def cut_in_folds(source: Path, folder: Path) -> list[Fold]:
    """Few frames are held out each in turn; of more, the last fifth, as they are in order of time.

    The last fold holds out the last frame in either case.
    """
    with HamiltonianFile(source) as file:
        frames = len(file)
    held_out = (
        [[frame] for frame in range(frames)]
        if frames <= _FEW
        else [list(range(frames - frames // 5, frames))]
    )
    found = []
    for judged in held_out:
        learnt = folder / f"{source.stem}-without-{judged[0]}.h5"
        _cut(source, learnt, [frame for frame in range(frames) if frame not in judged])
        each = tuple(folder / f"{source.stem}-{frame}.h5" for frame in judged)
        for frame, path in zip(judged, each, strict=True):
            _cut(source, path, [frame])
        found.append(Fold(source, learnt, each))
    return found


def _cut(source: Path, out: Path, chosen: Sequence[int]) -> None:
    with h5py.File(source) as data, h5py.File(out, "w") as file:
        file.attrs.update(data.attrs)
        pointer = data["edge_ptr"][()] if "edge_ptr" in data else None
        frames = len(data["R"]) if pointer is None else len(pointer) - 1
        for name, values in data.items():
            if name == "edge_ptr":
                file[name] = np.append(0, np.cumsum(np.diff(values[()])[chosen]))
            elif pointer is not None and len(values) == pointer[-1]:
                file[name] = np.concatenate(
                    [values[pointer[frame] : pointer[frame + 1]] for frame in chosen]
                )
            else:
                file[name] = values[()][chosen] if len(values) == frames else values[()]


def learn(context: Context, uri: str, folds: Sequence[Fold], recipe: HamiltonianRecipe) -> Learnt:
    """Train on every fold through `uri`, and judge what it held out."""
    name = folds[0].source.name
    results, unseen, weights, runs = [], [], [], []
    with watching(f"train on and judge unseen frames of {name} through {uri}") as judged:
        for fold in folds:
            with open_macro(uri) as macro:
                with watching(f"train Hamiltonians of {name} through {uri}") as watch:
                    result = train_hamiltonian(
                        fold.learnt, macro, recipe, macro_uri=uri, progress=context.progress
                    )
                predictor = result.model.on_macro(macro)
                for path in fold.judged:
                    unseen.append(evaluate_hamiltonian(predictor, path))
                    weights.append(_multiplicity(path))
            results.append(result)
            runs.append(watch.run)
    return Learnt(name, results[-1], runs[-1], judged, tuple(unseen), tuple(weights))


def _multiplicity(path: Path) -> NDArray[np.float64]:
    """How often the elements of a frame's stored blocks stand in its matrix."""
    with HamiltonianFile(path) as file:
        frame = file.frame(0)
        sizes = np.diff(file.basis.offsets(frame.atoms.numbers))
        elements = sizes[frame.pairs.first] * sizes[frame.pairs.second]
        return np.repeat(np.where(frame.pairs.on_site, 1.0, 2.0), elements)


def add_accuracy(draft: Draft, learnt: Learnt, label: str, *, headline: bool = False) -> None:
    """Rows of errors and a parity plot."""
    unseen = learnt.unseen
    what = f"{learnt.name}, {label}, {len(unseen)} unseen frames"
    squares = [
        float(weight @ (one.predicted - one.reference) ** 2)
        for one, weight in zip(unseen, learnt.weights, strict=True)
    ]
    remark = f"interval: bootstrap over {len(unseen)} frames"
    error = mean_of_structures(squares, [float(w.sum()) for w in learnt.weights], root=True)
    rms = _in_mev(learnt.judged, error, remark)
    draft.add("accuracy", f"RMSE of H, {what}", paper.HAMILTONIAN_RMSE, rms, headline=headline)
    levels = [one.occupied_energy_mae for one in unseen]
    if np.isfinite(levels).all():
        found = _in_mev(learnt.judged, mean_of_structures(levels, [1.0] * len(levels)), remark)
        none = Missing("the paper's code ships none")
        draft.add("accuracy", f"MAE of occupied levels, {what}", none, found)
    draft.charts.append(
        Parity.of(
            f"{what}: RMSE {1e3 * HARTREE_EV * error.value:.2f} meV",
            "element of H (eV)",
            HARTREE_EV * np.concatenate([one.reference for one in unseen]),
            HARTREE_EV * np.concatenate([one.predicted for one in unseen]),
        )
    )


def _in_mev(judged: Watch, error: Estimate, remark: str) -> Measured:
    value, low, high = (1e3 * HARTREE_EV * each for each in (error.value, error.low, error.high))
    return judged.measured(value, "meV", (low, high), remark=remark)
