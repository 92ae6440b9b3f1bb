"""The structure that a user names, and the frame of a data file that shows the same one."""

from pathlib import Path

import ase
import numpy as np
from ase.geometry import find_mic
from ase.io import read

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile, HamiltonianFrame

_SAME = 1e-3
"""Angstrom; text formats round positions to 1e-4 or finer."""


def read_structure(path: Path, index: int = 0) -> ase.Atoms:
    """Structure `index` of an HDF5 file of Hamiltonians or of any file that ASE reads.

    Raises:
        DataError: no such file, format or frame.
    """
    if path.suffix in (".h5", ".hdf5"):
        with HamiltonianFile(path) as file:
            if not 0 <= index < len(file):
                raise DataError(f"{path} has frames 0 to {len(file) - 1}, no {index}")
            return file.frame(index).atoms
    if not path.is_file():
        raise DataError(f"{path} is not a file; give a structure that ASE reads, or HDF5 data")
    try:
        atoms = read(path, index=index)
    # Readers of ASE raise whatever the malformed text trips over.
    except Exception as error:
        raise DataError(
            f"{path} holds no structure {index} that ASE reads ({type(error).__name__}: {error})"
        ) from error
    assert isinstance(atoms, ase.Atoms)
    return atoms


def frame_of(file: HamiltonianFile, atoms: ase.Atoms) -> HamiltonianFrame:
    """The frame of a data file that shows these atoms, to 1e-3 angstrom and lattice vectors.

    Raises:
        DataError: none does.
    """
    nearest = np.inf
    for frame in file:
        distance = _distance(frame.atoms, atoms)
        if distance < _SAME:
            return frame
        nearest = min(nearest, distance)
    detail = (
        f"the nearest differs by {nearest:.3g} Å"
        if np.isfinite(nearest)
        else "its elements, their order or its cell are others"
    )
    raise DataError(f"{file.path} has no frame of this structure: {detail}")


def _distance(one: ase.Atoms, other: ase.Atoms) -> float:
    """Largest displacement of an atom, angstrom; infinite where cell or elements differ."""
    same = np.array_equal(one.numbers, other.numbers)
    if not same or not np.allclose(one.cell.array, other.cell.array, atol=_SAME):
        return np.inf
    shifts, _ = find_mic(other.positions - one.positions, one.cell, pbc=one.cell.rank == 3)
    return float(np.linalg.norm(shifts, axis=1).max(initial=0.0))
