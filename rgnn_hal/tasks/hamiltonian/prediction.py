"""Predictions for a file of structures, written in the schema of the training data.

Structures are extended XYZ, or HDF5 data whose labels are ignored. The schemas hold frames of one
system: the same atoms in the same order, and for crystals the same cell.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import ase
import h5py
import numpy as np
from ase.data import chemical_symbols

from rgnn_hal.macro import DataError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.structures import read_structures
from rgnn_hal.tasks.hamiltonian.batch import Structure, batches
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile, HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.export import write_molecules
from rgnn_hal.tasks.hamiltonian.model import Predictor
from rgnn_hal.tasks.hamiltonian.orbitals import OrbitalBasis


def predict_file(
    predictor: Predictor, structures: Path, out: Path, progress: Progress = silent
) -> int:
    """Write H and S of every structure; returns their number. `out` appears complete or not at all.

    Raises:
        DataError: no structures, of different systems, or that the model cannot describe.
        OSError: `out` cannot be written.
    """
    frames: list[HamiltonianFrame] = []
    for some in batches(_alike(structures, predictor.model.periodic)):
        frames += predictor.predict_many(some)
        progress(len(frames), len(frames), "predicting")
    write = write_crystals if predictor.model.periodic else write_molecules
    write(out, frames, predictor.model.basis)
    return len(frames)


def write_crystals(path: Path, frames: Sequence[HamiltonianFrame], basis: OrbitalBasis) -> None:
    """Write sparse H and S of one crystal's frames in the schema of the graphene data.

    Besides it the file says what that schema leaves to words: `Z`, and the attributes `shells`
    ("C:s2p1") and `convention`. `HamiltonianFile` reads it back.

    Raises:
        OSError: the disk is full or not writable.
    """
    atoms = frames[0].atoms
    counts = [len(frame.pairs) for frame in frames]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with h5py.File(draft, "w") as file:
            file["edge_ptr"] = np.concatenate([[0], np.cumsum(counts)])
            file["edge_i"] = np.concatenate([frame.pairs.first for frame in frames])
            file["edge_j"] = np.concatenate([frame.pairs.second for frame in frames])
            file["edge_R"] = np.concatenate([frame.pairs.shift for frame in frames])
            file["H"] = np.concatenate([frame.hamiltonian for frame in frames])
            file["S"] = np.concatenate([frame.overlap for frame in frames])
            file["pos"] = np.stack([frame.atoms.positions for frame in frames])
            file["Z"] = np.asarray(atoms.numbers, dtype=np.int64)
            file.attrs["cell_A"] = atoms.cell.array
            file.attrs["convention"] = basis.convention.value
            file.attrs["shells"] = " ".join(
                f"{chemical_symbols[z]}:{_words(basis.of(z))}" for z in sorted(basis.shells)
            )
            file.attrs["units"] = "pos: angstrom; H: hartree"
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _alike(path: Path, periodic: bool) -> Iterator[Structure]:
    first: ase.Atoms | None = None
    for where, atoms in _structures(path):
        first = first or atoms
        _check_alike(first, atoms, where, periodic)
        yield Structure(atoms, where=where)


def _structures(path: Path) -> Iterator[tuple[str, ase.Atoms]]:
    if path.is_file() and h5py.is_hdf5(path):
        with HamiltonianFile(path) as file:
            yield from ((frame.where, frame.atoms) for frame in file)
        return
    yield from read_structures(path)


def _check_alike(one: ase.Atoms, other: ase.Atoms, where: str, periodic: bool) -> None:
    if not np.array_equal(one.numbers, other.numbers) or (
        periodic and not np.allclose(one.cell.array, other.cell.array)
    ):
        raise DataError(
            f"{where} is another system than frame 0; one HDF5 file holds frames of the same "
            "atoms and cell, so predict each system into a file of its own"
        )


def _words(degrees: tuple[int, ...]) -> str:
    """(0, 0, 1) -> "s2p1"."""
    return "".join(f"{'spdfgh'[degree]}{degrees.count(degree)}" for degree in sorted(set(degrees)))
