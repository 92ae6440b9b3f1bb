"""Several structures as one: atoms, pairs and edges count through, nothing connects them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import ase
import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.structures import Graph
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFrame, PairList

FloatArray = NDArray[np.float64]
_ATOMS = 256
"""Enough that calls cost little; a hundred molecules, a few crystals."""


@dataclass(frozen=True)
class Structure:
    """What to predict."""

    atoms: ase.Atoms
    pairs: PairList | None = None
    """On which; all that the model has blocks for by default."""
    where: str = "the structure"
    """For errors."""


def batches(structures: Iterable[Structure]) -> Iterator[list[Structure]]:
    """Structures in order, about 256 atoms at a time."""
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
    displacements: Sequence[FloatArray]
    """Of the pairs of every structure, (pairs, 3), angstrom."""
    graph: Graph
    """Of all."""
    pairs: PairList
    """Of all."""
    numbers: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        structures: Sequence[Structure],
        graph: Callable[[Structure], Graph],
        pairs: Callable[[ase.Atoms], PairList],
    ) -> Batch:
        """Join structures with their graphs, and with `pairs` where they name none."""
        graphs = [graph(structure) for structure in structures]
        lists = [s.pairs if s.pairs is not None else pairs(s.atoms) for s in structures]
        displacements = [
            part.displacement(s.atoms) for part, s in zip(lists, structures, strict=True)
        ]
        sizes = [len(s.atoms) for s in structures]
        numbers = np.concatenate([s.atoms.numbers for s in structures])
        before = np.cumsum([0, *sizes[:-1]])
        joined = _join_graphs(graphs, before), _join_pairs(lists, before)
        return cls(structures, lists, displacements, *joined, numbers)

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
