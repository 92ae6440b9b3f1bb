"""Hamiltonians on disk: molecules with dense matrices, crystals with sparse blocks; one frame.

Both HDF5 schemas (README of the data) become `HamiltonianFrame`: half of the pairs of atoms, the
others following from hermiticity, and a padded block per pair in the file's order of orbitals:

    H[p, a, b] = <phi_a of atom i in cell 0 | H | phi_b of atom j in cell R>,   H_ji(-R) = H_ij(R)^T

Half means R > 0 lexicographically, or R = 0 and i <= j. Lengths are in angstrom, energies in
hartree. Frames are read one at a time, so memory does not grow with their number.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ase
import h5py
import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.dense import blocks_of_dense
from rgnn_hal.tasks.hamiltonian.orbitals import (
    Convention,
    OrbitalBasis,
    shells_from_degrees,
    shells_from_label,
)
from rgnn_hal.tasks.hamiltonian.pairlist import PairList

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class HamiltonianFrame:
    """A structure and the matrices that belong to it."""

    atoms: ase.Atoms
    """Atomic numbers, positions (angstrom), cell, pbc."""
    pairs: PairList
    hamiltonian: FloatArray
    """(pairs, n, n), hartree; n is the basis' `largest`, zero beyond an atom's orbitals."""
    overlap: FloatArray
    """(pairs, n, n)."""
    where: str
    """"frame 3 of FILE", for errors."""
    electrons: int | None = None
    """In occupied orbitals, both spins; None where the file does not say (crystals)."""
    chemical_potential: float | None = None
    """Hartree, of crystals."""


class HamiltonianFile:
    """An open data file of either schema; a context manager.

    Raises:
        DataError: no HDF5 file, or a dataset is missing or has a wrong shape.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(f"{self.path} is not a file; give an HDF5 file of Hamiltonians")
        try:
            self._file = h5py.File(self.path, "r")
        except OSError as error:
            raise DataError(f"{self.path} is no HDF5 file ({error})") from error
        try:
            self.periodic = "edge_ptr" in self._file
            self._check()
            self.basis = self._periodic_basis() if self.periodic else self._molecular_basis()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        """Number of frames."""
        return int(self._file["pos" if self.periodic else "R"].shape[0])

    def __iter__(self) -> Iterator[HamiltonianFrame]:
        return (self.frame(index) for index in range(len(self)))

    def frame(self, index: int) -> HamiltonianFrame:
        """One frame.

        Raises:
            DataError: numbers that are not finite, pairs of atoms that do not exist.
        """
        frame = self._crystal(index) if self.periodic else self._molecule(index)
        for name, values in (
            ("positions", frame.atoms.positions),
            ("H", frame.hamiltonian),
            ("S", frame.overlap),
        ):
            if not np.isfinite(values).all():
                raise DataError(f"{frame.where}: {name} holds numbers that are not finite")
        return frame

    @cached_property
    def numbers(self) -> IntArray:
        """Atomic numbers, (atoms,), the same in every frame."""
        if "Z" in self._file:
            return np.asarray(self._file["Z"][()], dtype=np.int64)
        symbol, _ = self._pseudo_atomic_orbitals()
        return np.full(self._file["pos"].shape[1], atomic_numbers[symbol], dtype=np.int64)

    @property
    def k_grid(self) -> tuple[int, int, int]:
        """Of a crystal's self-consistent calculation; Gamma alone where the file does not say."""
        settings = self._file.attrs.get("settings")
        if settings is None:
            return (1, 1, 1)
        try:
            words = ast.literal_eval(_text(settings)).get("scf.Kgrid", "1 1 1").split()
            a, b, c = (int(word) for word in words)
        except (SyntaxError, ValueError, AttributeError) as error:
            raise DataError(
                f"{self.path}: attribute settings is {settings!r}, no dictionary with scf.Kgrid"
            ) from error
        return (a, b, c)

    def _molecule(self, index: int) -> HamiltonianFrame:
        numbers = self.numbers
        atoms = ase.Atoms(numbers=numbers, positions=self._file["R"][index])
        first, second = np.triu_indices(len(numbers))
        shift = np.zeros((len(first), 3), dtype=np.int64)
        pairs = PairList(first.astype(np.int64), second.astype(np.int64), shift)
        electrons = None
        if "mo_occ" in self._file:
            electrons = round(float(self._file["mo_occ"][index].sum()))
        return HamiltonianFrame(
            atoms,
            pairs,
            blocks_of_dense(self._file["H"][index], self.basis, numbers, pairs),
            blocks_of_dense(self._file["S"][index], self.basis, numbers, pairs),
            f"frame {index} of {self.path}",
            electrons=electrons,
        )

    def _crystal(self, index: int) -> HamiltonianFrame:
        where = f"frame {index} of {self.path}"
        atoms = ase.Atoms(
            numbers=self.numbers,
            positions=self._file["pos"][index],
            cell=self._file.attrs["cell_A"],
            pbc=True,
        )
        start, stop = (int(edge) for edge in self._file["edge_ptr"][index : index + 2])
        first, second, shift = (
            np.asarray(self._file[name][start:stop], dtype=np.int64)
            for name in ("edge_i", "edge_j", "edge_R")
        )
        if not np.isin(np.concatenate([first, second]), np.arange(len(atoms))).all():
            raise DataError(f"{where}: a pair names an atom beyond 0 ... {len(atoms) - 1}")
        return HamiltonianFrame(
            atoms,
            PairList(first, second, shift),
            np.asarray(self._file["H"][start:stop], dtype=np.float64),
            np.asarray(self._file["S"][start:stop], dtype=np.float64),
            where,
            chemical_potential=float(self._file["mu"][index]) if "mu" in self._file else None,
        )

    def _check(self) -> None:
        names = (
            ("pos", "H", "S", "edge_i", "edge_j", "edge_R", "edge_ptr")
            if self.periodic
            else ("Z", "R", "H", "S", "ao_atom", "ao_l")
        )
        missing = [name for name in names if name not in self._file]
        if self.periodic and "cell_A" not in self._file.attrs:
            missing.append("attribute cell_A")
        if missing:
            raise DataError(
                f"{self.path} lacks {', '.join(missing)}; it holds {', '.join(self._file)}. "
                "Molecules need Z, R, H, S, ao_atom, ao_l; crystals pos, H, S, edge_i, edge_j, "
                "edge_R, edge_ptr and cell_A"
            )
        frames, rows = len(self), self._file["H"].shape[0]
        edges = int(self._file["edge_ptr"][-1]) if self.periodic else frames
        if frames == 0 or rows != edges or self._file["S"].shape != self._file["H"].shape:
            raise DataError(
                f"{self.path}: {frames} frames, H {self._file['H'].shape} and "
                f"S {self._file['S'].shape} do not belong together"
            )

    def _molecular_basis(self) -> OrbitalBasis:
        """Shells of every element, from the l of the orbitals of its atoms."""
        atom, degree = self._file["ao_atom"][()], self._file["ao_l"][()]
        shells: dict[int, tuple[int, ...]] = {}
        for index, number in enumerate(self.numbers.tolist()):
            found = shells_from_degrees(degree[atom == index].tolist())
            if shells.setdefault(number, found) != found:
                raise DataError(f"{self.path}: two atoms with Z = {number} have other shells")
        if len(atom) != self._file["H"].shape[1]:
            raise DataError(
                f"{self.path}: H is {self._file['H'].shape[1]} wide, ao_atom names {len(atom)}"
            )
        return OrbitalBasis(shells, self._convention(Convention.PYSCF))

    def _periodic_basis(self) -> OrbitalBasis:
        convention = self._convention(Convention.OPENMX)
        shells: dict[int, tuple[int, ...]] = {}
        if "shells" in self._file.attrs:
            words = dict(re.findall(r"([A-Z][a-z]?):(\w+)", _text(self._file.attrs["shells"])))
            shells = {atomic_numbers[s]: shells_from_label(label) for s, label in words.items()}
        else:
            symbol, label = self._pseudo_atomic_orbitals()
            shells = {atomic_numbers[symbol]: shells_from_label(label)}
        basis = OrbitalBasis(shells, convention)
        if basis.largest != self._file["H"].shape[1]:
            raise DataError(
                f"{self.path}: blocks are {self._file['H'].shape[1]} wide, "
                f"the basis has {basis.largest} orbitals"
            )
        return basis

    def _pseudo_atomic_orbitals(self) -> tuple[str, str]:
        """Element and shells, ("C", "s2p1"), from OpenMX's words "C PAO C5.0-s2p1"."""
        words = _text(self._file.attrs.get("engine", ""))
        found = re.findall(r"([A-Z][a-z]?) PAO \S*-((?:[spdf]\d)+)", words)
        if len(found) != 1:
            raise DataError(
                f"{self.path} says neither which atoms nor which shells it has; write the dataset "
                'Z (atomic numbers) and the attribute shells, e.g. "C:s2p2d1"'
            )
        symbol, label = found[0]
        return str(symbol), str(label)

    def _convention(self, default: Convention) -> Convention:
        return Convention(_text(self._file.attrs.get("convention", default.value)))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
