"""One cheap pass over the data before any hardware is touched.

It finds what the model's shape depends on (elements, orbitals, the longest pair, the mean
environment) and everything that would break later, so that a bad file leaves the macro as it was.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reservoir import DensityStatistics
from rgnn_hal.structures import AtomTypes, build_graph
from rgnn_hal.tasks.hamiltonian.blocks import GroupKey, orient
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
from rgnn_hal.tasks.hamiltonian.electronic import count_electrons
from rgnn_hal.tasks.hamiltonian.filling import Filling, wave_vector_grid
from rgnn_hal.tasks.hamiltonian.orbitals import OrbitalBasis
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe

_STRETCHES = 4


@dataclass(frozen=True)
class DataSummary:
    """What a file of Hamiltonians holds."""

    frames: int
    atoms: int
    """In all frames."""
    pairs: int
    """Stored blocks, in all frames."""
    edges: int
    """Of environments, in all frames."""
    elements: tuple[int, ...]
    """Atomic numbers, ascending."""
    basis: OrbitalBasis
    periodic: bool
    groups: tuple[GroupKey, ...]
    reach: float
    """Longest pair, angstrom."""
    centre: NDArray[np.float64]
    """Mean l = 0 density of every element, (elements, inputs)."""
    sha256: str
    """Of the file."""
    filling: Filling | None
    """Of a crystal whose labels say it."""


def scan(path: Path, recipe: HamiltonianRecipe, progress: Progress = silent) -> DataSummary:
    """Read every frame once.

    Raises:
        DataError: naming file, frame and remedy, for whatever cannot be learnt from.
    """
    groups: set[GroupKey] = set()
    atoms = pairs = edges = 0
    reach = 0.0
    levels: list[float] = []
    with HamiltonianFile(path) as file:
        elements = tuple(sorted(file.basis.shells))
        density = DensityStatistics.empty(AtomTypes.of_elements(elements), recipe.density_basis)
        frames = len(file)
        for index, frame in enumerate(file):
            graph = build_graph(frame.atoms, elements, recipe.cutoff, where=frame.where)
            density = density.with_graph(graph, recipe.density_basis)
            groups |= orient(frame.atoms.numbers, frame.pairs).keys()
            distance = np.linalg.norm(frame.pairs.displacement(frame.atoms), axis=1)
            reach = max(reach, float(distance.max(initial=0.0)))
            atoms, pairs = atoms + graph.atoms, pairs + len(frame.pairs)
            edges += len(graph.centre)
            if frame.chemical_potential is not None:
                levels.append(frame.chemical_potential)
            progress(index + 1, frames, "scanning")
        if reach == 0.0:
            raise DataError(f"{path} holds no block between two atoms; nothing to learn there")
        return DataSummary(
            frames,
            atoms,
            pairs,
            edges,
            elements,
            file.basis,
            file.periodic,
            tuple(sorted(groups)),
            reach,
            density.mean(),
            _sha256(path),
            _filling(file, levels),
        )


def validation_stretches(frames: int, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Which frames validate, (frames,): stretches of neighbouring frames, `fraction` of all.

    Frames of a trajectory resemble their neighbours, so single ones would judge too kindly.

    Raises:
        DataError: fewer than two frames, so that nothing is left for one of the two.
    """
    if frames < 2:
        raise DataError(
            f"training needs at least two frames, one to fit and one to validate; there is {frames}"
        )
    chosen = np.zeros(frames, dtype=bool)
    number = min(max(1, round(fraction * frames)), frames - 1)
    stretches = min(_STRETCHES, number)
    offset = float(np.random.default_rng([seed, 0x53504C54]).uniform())
    for stretch, length in enumerate(_shares(number, stretches)):
        room = frames * (stretch + 1) // stretches - frames * stretch // stretches - length
        start = frames * stretch // stretches + round(offset * room)
        chosen[start : start + length] = True
    return chosen


def _filling(file: HamiltonianFile, levels: list[float]) -> Filling | None:
    """From the first frame: all have the same atoms."""
    if not file.periodic or len(levels) < len(file):
        return None
    crystal = Crystal.from_frame(file.frame(0), file.basis)
    try:
        electrons = count_electrons(crystal, wave_vector_grid(file.k_grid), levels[0])
    except DataError:  # another smearing or grid than ours: `bands` asks for the electrons then
        return None
    return Filling(Counter(file.numbers.tolist()), electrons, float(np.mean(levels)))


def _shares(number: int, parts: int) -> list[int]:
    return [number * (part + 1) // parts - number * part // parts for part in range(parts)]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
