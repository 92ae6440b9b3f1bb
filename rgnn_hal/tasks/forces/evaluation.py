"""How far predictions are from labels, streamed over a file of frames."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.progress import Progress, silent
from rgnn_hal.structures import read_frames
from rgnn_hal.tasks.forces.model import Predictor

_KEPT = 200_000
"""Force components kept for plots; the errors themselves come from all."""


@dataclass(frozen=True)
class Evaluation:
    """Errors over all frames; forces over all components."""

    frames: int
    atoms: int
    energy_mae: float
    """eV per atom."""
    force_mae: float
    """eV/angstrom."""
    force_rmse: float
    """eV/angstrom."""
    force_r2: float
    """1 - sum of squared errors over the sum of squared deviations from the mean label."""
    seconds: float
    reference: NDArray[np.float64]
    """The first 200,000 labels, eV/angstrom."""
    predicted: NDArray[np.float64]
    """Their predictions."""


def evaluate_forces(predictor: Predictor, path: Path, progress: Progress = silent) -> Evaluation:
    """Predict every frame of an extended-XYZ file and compare.

    Raises:
        DataError: frames without labels, unknown elements, isolated atoms.
    """
    start = time.perf_counter()
    atoms = frames = kept = 0
    energy_error = absolute = squared = total = total_squared = 0.0
    references: list[NDArray[np.float64]] = []
    predictions: list[NDArray[np.float64]] = []
    for frame in read_frames(path):
        result = predictor.predict(frame.atoms, where=frame.where)
        predicted = result.forces.numpy()
        error = predicted - frame.forces
        frames += 1
        atoms += len(frame.atoms)
        energy_error += abs(result.energy - frame.energy) / len(frame.atoms)
        absolute += float(np.abs(error).sum())
        squared += float((error**2).sum())
        total += float(frame.forces.sum())
        total_squared += float((frame.forces**2).sum())
        if kept < _KEPT:
            kept += error.size
            references.append(frame.forces.ravel())
            predictions.append(predicted.ravel())
        progress(frames, frames, "evaluating")
    components = 3 * atoms
    variance = total_squared - total**2 / components
    return Evaluation(
        frames=frames,
        atoms=atoms,
        energy_mae=energy_error / frames,
        force_mae=absolute / components,
        force_rmse=float(np.sqrt(squared / components)),
        force_r2=1.0 - squared / variance if variance > 0 else float("nan"),
        seconds=time.perf_counter() - start,
        reference=np.concatenate(references),
        predicted=np.concatenate(predictions),
    )
