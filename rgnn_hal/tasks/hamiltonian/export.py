"""Hamiltonians in the files that others read: DeepH's folder for crystals, plain HDF5 for PySCF.

A DeepH folder (deeph-pack.readthedocs.io, dataset; "legacy" in the words of DeepH-dock, which
converts it) holds `hamiltonians.h5` (eV) and `overlaps.h5` with one dataset per pair of atoms, both
halves, under the key "[Rx, Ry, Rz, i, j]" where i and j count from 1; text files of the lattice
(`lat.dat`, its reciprocal `rlat.dat`) and the atoms (`site_positions.dat`) with vectors as columns
in angstrom, `element.dat`, the angular momenta of each atom's shells in `orbital_types.dat`, and
`info.json`. Orbitals are in OpenMX's order. Everything was written from the public format only.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import ase
import h5py
import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.dense import dense_of_blocks
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV
from rgnn_hal.tasks.hamiltonian.orbitals import Convention, OrbitalBasis, magnetic_order
from rgnn_hal.tasks.hamiltonian.pairlist import PairList

_FILES = {"hamiltonians.h5": HARTREE_EV, "overlaps.h5": 1.0}
"""What a matrix is multiplied with on the way out."""


def write_deeph(
    folder: Path, frame: HamiltonianFrame, basis: OrbitalBasis, fermi_level: float = 0.0
) -> None:
    """Write a crystal, or a molecule in its own cell, as a folder that DeepH reads.

    Args:
        folder: made where it does not exist.
        frame: of data or of a prediction.
        basis: its orbitals, in any convention.
        fermi_level: hartree.

    Raises:
        DataError: there is no cell.
        OSError: the disk is full or not writable.
    """
    atoms = frame.atoms
    if atoms.cell.rank < 3:
        raise DataError(f"{frame.where} has no cell, which DeepH's format needs; set one")
    folder.mkdir(parents=True, exist_ok=True)
    reciprocal = 2 * np.pi * np.linalg.inv(atoms.cell.array)
    np.savetxt(folder / "lat.dat", atoms.cell.array.T, fmt="%.16g")
    np.savetxt(folder / "rlat.dat", reciprocal, fmt="%.16g")
    np.savetxt(folder / "site_positions.dat", atoms.positions.T, fmt="%.16g")
    np.savetxt(folder / "element.dat", atoms.numbers, fmt="%d")
    shells = [" ".join(str(degree) for degree in basis.of(int(z))) for z in atoms.numbers]
    (folder / "orbital_types.dat").write_text("\n".join(shells) + "\n")
    info = {"isspinful": False, "fermi_level": fermi_level * HARTREE_EV}
    (folder / "info.json").write_text(json.dumps(info) + "\n")
    for (name, factor), blocks in zip(
        _FILES.items(), (frame.hamiltonian, frame.overlap), strict=True
    ):
        _write_blocks(folder / name, factor * blocks, atoms.numbers, frame.pairs, basis)


def read_deeph(folder: Path) -> tuple[HamiltonianFrame, OrbitalBasis, float]:
    """A DeepH folder as a frame, its basis in OpenMX's order, and the Fermi level, hartree.

    Raises:
        DataError: a file is missing or does not fit the others.
    """
    names = ("lat.dat", "site_positions.dat", "element.dat", "orbital_types.dat", *_FILES)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder} is no DeepH folder: {', '.join(missing)} missing")
    numbers = np.loadtxt(folder / "element.dat", ndmin=1).astype(np.int64)
    atoms = ase.Atoms(
        numbers=numbers,
        positions=np.loadtxt(folder / "site_positions.dat", ndmin=2).T,
        cell=np.loadtxt(folder / "lat.dat").T,
        pbc=True,
    )
    basis = OrbitalBasis(_read_shells(folder / "orbital_types.dat", numbers), Convention.OPENMX)
    pairs, hamiltonian = _read_blocks(folder / "hamiltonians.h5", numbers, basis)
    same, overlap = _read_blocks(folder / "overlaps.h5", numbers, basis)
    if not all(np.array_equal(a, b) for a, b in zip(_columns(pairs), _columns(same), strict=True)):
        raise DataError(f"{folder}: hamiltonians.h5 and overlaps.h5 hold different pairs of atoms")
    info = folder / "info.json"
    level = json.loads(info.read_text()).get("fermi_level", 0.0) if info.is_file() else 0.0
    frame = HamiltonianFrame(atoms, pairs, hamiltonian / HARTREE_EV, overlap, str(folder))
    return frame, basis, float(level) / HARTREE_EV


def write_molecules(path: Path, frames: Sequence[HamiltonianFrame], basis: OrbitalBasis) -> None:
    """Write dense H and S of one molecule's frames for PySCF, in the schema of the molecules data.

    Datasets `Z` (atoms), `R` (frames, atoms, 3) in angstrom, `H` in hartree and `S` (frames,
    orbitals, orbitals) in PySCF's order, `ao_labels` (what `mol.ao_labels()` says), `ao_atom` and
    `ao_l`. `HamiltonianFile` reads it back; `path` appears complete or not at all.

    Raises:
        DataError: no frames, or of different molecules.
        OSError: the disk is full or not writable.
    """
    if not frames or any(
        not np.array_equal(frame.atoms.numbers, frames[0].atoms.numbers) for frame in frames
    ):
        raise DataError("one file holds frames of one molecule; write one file per molecule")
    numbers = np.asarray(frames[0].atoms.numbers, dtype=np.int64)
    order = _pyscf_order(numbers, basis)
    labels, atom, degree = _pyscf_orbitals(numbers, basis)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with h5py.File(draft, "w") as file:
            for name, matrices in (
                ("H", [frame.hamiltonian for frame in frames]),
                ("S", [frame.overlap for frame in frames]),
            ):
                file[name] = np.stack(
                    [
                        dense_of_blocks(blocks, basis, numbers, frame.pairs)[np.ix_(order, order)]
                        for blocks, frame in zip(matrices, frames, strict=True)
                    ]
                )
            file["Z"], file["R"] = numbers, np.stack([frame.atoms.positions for frame in frames])
            file["ao_labels"] = np.array(labels, dtype="S")
            file["ao_atom"], file["ao_l"] = np.array(atom), np.array(degree)
            file.attrs["units"] = "R: angstrom; H: hartree"
            file.attrs["convention"] = Convention.PYSCF.value
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _write_blocks(
    path: Path,
    blocks: NDArray[np.float64],
    numbers: NDArray[np.int_],
    pairs: PairList,
    basis: OrbitalBasis,
) -> None:
    orders = {int(z): _reorder(int(z), basis, Convention.OPENMX) for z in set(numbers.tolist())}
    with h5py.File(path, "w") as file:
        for (*R, i, j), block, own in zip(
            _columns(pairs).tolist(), blocks, pairs.on_site, strict=True
        ):
            rows, columns = orders[int(numbers[i])], orders[int(numbers[j])]
            ordered = block[np.ix_(rows, columns)]
            file[str([*R, i + 1, j + 1])] = ordered
            if not own:
                file[str([*(-x for x in R), j + 1, i + 1])] = ordered.T


def _read_blocks(
    path: Path, numbers: NDArray[np.int_], basis: OrbitalBasis
) -> tuple[PairList, NDArray[np.float64]]:
    """The half with R > 0, or R = 0 and i <= j, in ascending order, and its padded blocks."""
    with h5py.File(path, "r") as file:
        keys = np.array([json.loads(key) for key in file]).reshape(-1, 5)
        keys = keys[np.lexsort(keys.T[::-1])]
        keys = keys[[(*R, j) >= (0, 0, 0, i) for *R, i, j in keys.tolist()]]
        blocks = np.zeros((len(keys), basis.largest, basis.largest))
        for block, key in zip(blocks, keys.tolist(), strict=True):
            shape = tuple(basis.size(int(numbers[atom - 1])) for atom in key[3:])
            stored = file[str(key)][()]
            if stored.shape != shape:
                raise DataError(f"{path}: block {key} is {stored.shape}, the orbitals say {shape}")
            block[: shape[0], : shape[1]] = stored
    return PairList(keys[:, 3] - 1, keys[:, 4] - 1, keys[:, :3]), blocks


def _read_shells(path: Path, numbers: NDArray[np.int_]) -> dict[int, tuple[int, ...]]:
    lines = [tuple(int(word) for word in line.split()) for line in path.read_text().splitlines()]
    if len(lines) != len(numbers):
        raise DataError(f"{path} has {len(lines)} lines for {len(numbers)} atoms")
    shells: dict[int, tuple[int, ...]] = {}
    for z, found in zip(numbers.tolist(), lines, strict=True):
        if shells.setdefault(z, found) != found:
            raise DataError(f"{path}: two atoms of {chemical_symbols[z]} have other shells")
    return shells


def _columns(pairs: PairList) -> NDArray[np.int_]:
    """Cell, first and second atom of every pair, (pairs, 5)."""
    return np.column_stack([pairs.shift, pairs.first, pairs.second])


def _reorder(number: int, basis: OrbitalBasis, convention: Convention) -> NDArray[np.int64]:
    """Stored positions of an atom's orbitals in the order of another convention."""
    other = OrbitalBasis(basis.shells, convention)
    return basis.to_standard(number)[other.from_standard(number)]


def _pyscf_order(numbers: NDArray[np.int_], basis: OrbitalBasis) -> NDArray[np.int64]:
    """Stored positions of all orbitals in PySCF's order."""
    starts = basis.offsets(numbers)[:-1]
    return np.concatenate(
        [
            start + _reorder(int(z), basis, Convention.PYSCF)
            for start, z in zip(starts, numbers, strict=True)
        ]
    )


def _pyscf_orbitals(
    numbers: NDArray[np.int_], basis: OrbitalBasis
) -> tuple[list[str], list[int], list[int]]:
    """Label, atom and l of every orbital, in PySCF's words: "0 O 2px"."""
    labels, atoms, degrees = [], [], []
    for atom, z in enumerate(numbers.tolist()):
        seen: dict[int, int] = {}
        for degree in basis.of(z):
            # All-electron shells of angular momentum l are counted from l + 1.
            shell = seen[degree] = seen.get(degree, degree) + 1
            for m in magnetic_order(Convention.PYSCF, degree):
                name = f"{shell}{_LETTERS[degree]}{_NAMES.get((degree, m), f'{m:+d}'):<4}"
                labels.append(f"{atom} {chemical_symbols[z]} {name}")
                atoms.append(atom)
                degrees.append(degree)
    return labels, atoms, degrees


_LETTERS = "spdfgh"
_NAMES = {
    **{(0, 0): "", (1, 1): "x", (1, -1): "y", (1, 0): "z"},
    **{(2, -2): "xy", (2, -1): "yz", (2, 0): "z^2", (2, 1): "xz", (2, 2): "x2-y2"},
}
