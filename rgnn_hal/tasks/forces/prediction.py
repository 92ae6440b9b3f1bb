"""Predictions for a file of structures, written back as extended XYZ."""

import os
from dataclasses import dataclass
from pathlib import Path

from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from rgnn_hal.progress import Progress, silent
from rgnn_hal.structures import read_structures
from rgnn_hal.tasks.forces.extrapolation import extrapolating, warn
from rgnn_hal.tasks.forces.model import Predictor


@dataclass(frozen=True)
class PredictedFile:
    """What was written."""

    frames: int
    extrapolating: int
    """Frames with atoms unlike those of the training."""


def predict_file(
    predictor: Predictor, structures: Path, out: Path, progress: Progress = silent
) -> PredictedFile:
    """Write every structure with its energy (eV) and forces (eV/angstrom).

    A column `extrapolation` grades the atoms, see `Predictor.grades`; the first frame with atoms
    beyond the limit raises an `ExtrapolationWarning`. `out` appears complete or not at all.

    Raises:
        DataError: not extended XYZ, unknown elements, isolated atoms.
        OSError: `out` cannot be written.
    """
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    frames = outside = 0
    try:
        with draft.open("w") as file:
            for where, atoms in read_structures(structures):
                result = predictor.predict(atoms, where=where)
                bare = atoms.copy()
                bare.calc = SinglePointCalculator(
                    bare, energy=result.energy, forces=result.forces.numpy()
                )
                grades = predictor.grades(atoms, where=where)
                if grades is not None:
                    bare.set_array("extrapolation", grades)
                    if extrapolating(grades):
                        if not outside:
                            warn(grades, where)
                        outside += 1
                write(file, bare, format="extxyz")
                frames += 1
                progress(frames, frames, "predicting")
        draft.replace(out)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return PredictedFile(frames, outside)
