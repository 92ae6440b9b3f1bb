"""Frames of an extended-XYZ file, one at a time: structures, and the labels to learn from.

Units are ASE's: angstrom, eV, eV/angstrom. Files are streamed, so memory does not grow with the
number of frames. A file that cannot be learnt from is refused with a `DataError` that names the
file, the frame and the remedy; nothing is skipped silently. Stress is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import ase
import numpy as np
from ase.io import read

from rgnn_hal.macro.errors import DataError
from rgnn_hal.structures.parts import FilePart


@dataclass(frozen=True)
class LabelledFrame:
    """A structure with its energy (eV) and forces (atoms, 3) in eV/angstrom."""

    atoms: ase.Atoms
    energy: float
    forces: np.ndarray
    where: str


def read_frames(path: str | Path, part: FilePart | None = None) -> Iterator[LabelledFrame]:
    """Yield every frame of an extended-XYZ file, or of a part, with its labels, in file order."""
    for where, atoms in _read(Path(path), part):
        energy = _label(atoms, "energy", atoms.info)
        if energy is None:
            raise DataError(f"{where} has no energy; write energy=VALUE (eV) into its comment line")
        forces = _label(atoms, "forces", atoms.arrays)
        if forces is None:
            raise DataError(
                f"{where} has no forces; write a column forces:R:3 (eV/angstrom) for every atom"
            )
        yield LabelledFrame(
            atoms, _energy(energy, where), _forces(forces, len(atoms), where), where
        )


def read_structures(path: str | Path) -> Iterator[tuple[str, ase.Atoms]]:
    """Yield ("frame 3 of FILE", atoms) for every frame of an extended-XYZ file; labels optional."""
    yield from _read(Path(path))


def _read(path: Path, part: FilePart | None = None) -> Iterator[tuple[str, ase.Atoms]]:
    if not path.is_file():
        raise DataError(f"{path} is not a file; give the path of an extended-XYZ file")
    index = part.first if part else 0
    with path.open("rb") as file:
        file.seek(part.offset if part else 0)
        # Latin-1 decodes any bytes, so binary files reach the parser's own complaint.
        lines = TextIOWrapper(file, encoding="latin-1")
        for first in lines:
            if part and index == part.stop:
                return
            where = f"frame {index} of {path}"
            yield where, _parse(first, lines, where)
            index += 1
    if index == 0:
        raise DataError(f"{path} is empty; give an extended-XYZ file with at least one frame")


def _parse(first: str, rest: Iterator[str], where: str) -> ase.Atoms:
    """One frame: a line with the number of atoms, a comment line, a line per atom.

    Cutting frames out here keeps memory flat: ASE's own reader first indexes the whole file.
    """
    try:
        text = [first, *islice(rest, 1 + int(first))]
        atoms = read(StringIO("".join(text)), format="extxyz")
    # ASE raises whatever the malformed text trips over (ValueError, KeyError, IndexError,
    # XYZError, ...); all mean the same to the user.
    except Exception as error:
        raise DataError(
            f"{where} is not extended XYZ ({error}); convert the file, e.g. with "
            "ase.io.write(NAME, frames, format='extxyz')"
        ) from error
    assert isinstance(atoms, ase.Atoms)
    return atoms


def _label(atoms: ase.Atoms, name: str, fallback: dict[str, Any]) -> Any:
    """A label as ASE stores it: in the calculator, or under its own name where another wrote it."""
    results = getattr(atoms.calc, "results", {})
    value = results.get(name)
    return fallback.get(name) if value is None else value


def _energy(value: Any, where: str) -> float:
    try:
        energy = float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: energy is {value!r}; it must be one number in eV") from error
    if not np.isfinite(energy):
        raise DataError(f"{where}: energy is {energy}; remove the frame or recompute it")
    return energy


def _forces(value: Any, atoms: int, where: str) -> np.ndarray:
    try:
        forces = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: forces are not numbers; write a column forces:R:3") from error
    if forces.shape != (atoms, 3):
        raise DataError(
            f"{where}: forces have shape {forces.shape} for {atoms} atoms; "
            "write a column forces:R:3"
        )
    if not np.isfinite(forces).all():
        atom = int(np.nonzero(~np.isfinite(forces).all(axis=1))[0][0])
        raise DataError(
            f"{where}: the force on atom {atom} is {forces[atom]} eV/angstrom; "
            "remove the frame or recompute it"
        )
    return forces
