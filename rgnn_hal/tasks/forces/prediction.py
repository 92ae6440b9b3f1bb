"""Predictions for a file of structures, written back as extended XYZ."""

import os
from pathlib import Path

from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from rgnn_hal.progress import Progress, silent
from rgnn_hal.structures import read_structures
from rgnn_hal.tasks.forces.model import Predictor


def predict_file(
    predictor: Predictor, structures: Path, out: Path, progress: Progress = silent
) -> int:
    """Write every structure with its energy (eV) and forces (eV/angstrom); returns their number.

    `out` appears complete or not at all.

    Raises:
        DataError: not extended XYZ, unknown elements, isolated atoms.
        OSError: `out` cannot be written.
    """
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    frames = 0
    try:
        with draft.open("w") as file:
            for where, atoms in read_structures(structures):
                result = predictor.predict(atoms, where=where)
                bare = atoms.copy()
                bare.calc = SinglePointCalculator(
                    bare, energy=result.energy, forces=result.forces.numpy()
                )
                write(file, bare, format="extxyz")
                frames += 1
                progress(frames, frames, "predicting")
        draft.replace(out)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return frames
