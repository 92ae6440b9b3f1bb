"""Several structures as one: atoms, pairs and edges count through, nothing connects them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import ase
import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.structures import Graph, build_graph
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.pairlist import PairList

FloatArray = NDArray[np.float64]
_ATOMS = 768
"""Enough that calls cost little: 256 molecules of water took 0.6 of the time per frame of 64."""


@dataclass(frozen=True)
class Structure:
    """What to predict."""

    atoms: ase.Atoms
    pairs: PairList | None = None
    """On which; all that the model has blocks for by default."""
    where: str = "the structure"
    """For errors."""


def batches(structures: Iterable[Structure]) -> Iterator[list[Structure]]:
    """Structures in order, about 768 atoms at a time."""
    waiting: list[Structure] = []
    for structure in structures:
        waiting.append(structure)
        if sum(len(each.atoms) for each in waiting) >= _ATOMS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


@dataclass(frozen=True)
class Batch:
    """Structures that are predicted together."""

    structures: Sequence[Structure]
    lists: Sequence[PairList]
    """Pairs of every structure."""
    graph: Graph
    """Of all."""
    pairs: PairList
    """Of all."""
    displacement: FloatArray
    """Of all pairs, (pairs, 3), angstrom."""
    numbers: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        structures: Sequence[Structure],
        elements: Sequence[int],
        cutoff: float,
        pairs: Callable[[ase.Atoms], PairList],
    ) -> Batch:
        """Join structures with their graphs, and with `pairs` where they name none.

        Raises:
            DataError: see `build_graph`; it names the structure.
        """
        graph = _graph(structures, elements, cutoff)
        lists = [s.pairs if s.pairs is not None else pairs(s.atoms) for s in structures]
        numbers = np.concatenate([s.atoms.numbers for s in structures])
        joined = _join_pairs(lists, _before(structures))
        displacement = _displacement(structures, lists, joined)
        return cls(structures, lists, graph, joined, displacement, numbers)

    def structure_of(self, pair: int) -> int:
        """Which structure a pair of `pairs` belongs to."""
        return int(np.searchsorted(self._ends, pair, side="right"))

    def split(self, hamiltonian: FloatArray, overlap: FloatArray) -> list[HamiltonianFrame]:
        """Blocks (pairs, n, n) of all pairs as frames."""
        cuts = self._ends[:-1]
        return [
            HamiltonianFrame(structure.atoms, pairs, own, own_overlap, structure.where)
            for structure, pairs, own, own_overlap in zip(
                self.structures,
                self.lists,
                np.split(hamiltonian, cuts),
                np.split(overlap, cuts),
                strict=True,
            )
        ]

    @property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum([len(pairs) for pairs in self.lists])


def _before(structures: Sequence[Structure]) -> NDArray[np.int64]:
    """Atoms that stand before every structure."""
    return np.cumsum([0, *(len(s.atoms) for s in structures[:-1])])


def _graph(structures: Sequence[Structure], elements: Sequence[int], cutoff: float) -> Graph:
    molecules = all(len(s.atoms) and not s.atoms.pbc.any() for s in structures)
    if len(structures) > 1 and molecules:
        try:
            return _graph_of_molecules([s.atoms for s in structures], elements, cutoff)
        except DataError:  # alone each is named
            pass
    graphs = [build_graph(s.atoms, elements, cutoff, where=s.where) for s in structures]
    return _join_graphs(graphs, _before(structures))


def _graph_of_molecules(
    molecules: Sequence[ase.Atoms], elements: Sequence[int], cutoff: float
) -> Graph:
    """One search for neighbours, with the molecules in a row beyond each other's reach."""
    positions = np.concatenate([atoms.positions for atoms in molecules])
    low, high = np.array(
        [(atoms.positions[:, 0].min(), atoms.positions[:, 0].max()) for atoms in molecules]
    ).T
    ends = np.cumsum(high - low + 2.0 * cutoff)
    row = positions.copy()
    row[:, 0] += np.repeat(ends - high, [len(atoms) for atoms in molecules])
    numbers = np.concatenate([atoms.numbers for atoms in molecules])
    graph = build_graph(ase.Atoms(numbers=numbers, positions=row), elements, cutoff)
    # Differences of the true positions: those in the row have lost digits.
    place = torch.from_numpy(positions)
    return replace(graph, displacement=place[graph.neighbour] - place[graph.centre])


def _displacement(
    structures: Sequence[Structure], lists: Sequence[PairList], joined: PairList
) -> FloatArray:
    if any(pairs.shift.any() for pairs in lists):
        parts = [pairs.displacement(s.atoms) for s, pairs in zip(structures, lists, strict=True)]
        return np.concatenate(parts)
    positions = np.concatenate([s.atoms.positions for s in structures])
    return np.asarray(positions[joined.second] - positions[joined.first])


def _join_graphs(graphs: Sequence[Graph], before: NDArray[np.int64]) -> Graph:
    shifts = before.tolist()
    return Graph(
        species=torch.cat([graph.species for graph in graphs]),
        centre=torch.cat([graph.centre + n for graph, n in zip(graphs, shifts, strict=True)]),
        neighbour=torch.cat([graph.neighbour + n for graph, n in zip(graphs, shifts, strict=True)]),
        displacement=torch.cat([graph.displacement for graph in graphs]),
    )


def _join_pairs(lists: Sequence[PairList], before: NDArray[np.int64]) -> PairList:
    return PairList(
        np.concatenate([pairs.first + n for pairs, n in zip(lists, before, strict=True)]),
        np.concatenate([pairs.second + n for pairs, n in zip(lists, before, strict=True)]),
        np.concatenate([pairs.shift for pairs in lists]),
    )
