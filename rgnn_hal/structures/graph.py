"""One structure as a graph: atoms are nodes, pairs closer than the cutoff are directed edges.

Every pair appears twice, i->j and j->i; in a periodic cell an atom may neighbour images of itself.
The displacement of an edge is r_j - r_i of the image meant, in angstrom, so a graph needs neither
cell nor wrapping: whole lattice vectors added to an atom change nothing. Neighbour lists by vesin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ase
import numpy as np
import torch
from ase.data import chemical_symbols
from torch import Tensor
from vesin import NeighborList

from rgnn_hal.macro.errors import DataError

_TOO_CLOSE = 0.1  # angstrom; no bond is a tenth of the shortest, 0.74 (H2)


@dataclass(frozen=True)
class Graph:
    """A structure's atoms and edges, edges sorted by centre.

    `species` (atoms,) counts in the tuple of elements the graph was built for; `centre` and
    `neighbour` (edges,) are atom indices; `displacement` (edges, 3) is in angstrom, float64.
    """

    species: Tensor
    centre: Tensor
    neighbour: Tensor
    displacement: Tensor

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return len(self.species)


def build_graph(
    atoms: ase.Atoms, elements: Sequence[int], cutoff: float, *, where: str = "the structure"
) -> Graph:
    """Neighbours of all atoms within `cutoff` (angstrom); `elements` are atomic numbers.

    `where` names the structure in errors, e.g. "frame 3 of train.extxyz". Raises `DataError` for
    no atoms, elements outside `elements`, non-finite or coincident positions, a periodic direction
    without a lattice vector, and atoms without any neighbour.
    """
    if len(atoms) == 0:
        raise DataError(f"{where} has no atoms; remove it from the file")
    check_elements(atoms.numbers, elements, where=where)
    _check_geometry(atoms, where)
    finder = NeighborList(cutoff=cutoff, full_list=True, sorted=True)
    centre, neighbour, displacement = finder.compute(
        points=atoms.positions, box=atoms.cell.array, periodic=atoms.pbc, quantities="ijD"
    )
    _check_edges(atoms, centre, neighbour, displacement, cutoff, where)
    return Graph(
        species=torch.tensor([elements.index(z) for z in atoms.numbers.tolist()]),
        centre=torch.from_numpy(centre.astype(np.int64)),
        neighbour=torch.from_numpy(neighbour.astype(np.int64)),
        displacement=torch.from_numpy(np.ascontiguousarray(displacement, dtype=np.float64)),
    )


def join_graphs(graphs: Sequence[Graph]) -> Graph:
    """Structures side by side, their atoms counted on."""
    atoms = torch.tensor([graph.atoms for graph in graphs])
    edges = torch.tensor([len(graph.centre) for graph in graphs])
    shift = torch.repeat_interleave(torch.cumsum(atoms, 0) - atoms, edges)
    return Graph(
        species=torch.cat([graph.species for graph in graphs]),
        centre=torch.cat([graph.centre for graph in graphs]) + shift,
        neighbour=torch.cat([graph.neighbour for graph in graphs]) + shift,
        displacement=torch.cat([graph.displacement for graph in graphs]),
    )


def check_elements(
    numbers: Iterable[int], elements: Sequence[int], *, where: str = "the structure"
) -> None:
    """Raise `DataError` when an atomic number of `numbers` is not among a model's `elements`."""
    unknown = sorted(set(map(int, numbers)) - set(elements))
    if unknown:
        raise DataError(
            f"{where} contains {_symbols(unknown)}, but the model knows only "
            f"{_symbols(elements)}; train on data that contain every element you predict"
        )


def _check_geometry(atoms: ase.Atoms, where: str) -> None:
    if not np.isfinite(atoms.positions).all():
        atom = int(np.nonzero(~np.isfinite(atoms.positions).all(axis=1))[0][0])
        raise DataError(
            f"{where}: the position of atom {atom} is {atoms.positions[atom]}; "
            "positions must be finite, in angstrom"
        )
    if atoms.pbc.any():
        periodic = atoms.cell.array[atoms.pbc]
        if not np.isfinite(periodic).all() or np.linalg.matrix_rank(periodic) < len(periodic):
            raise DataError(
                f"{where} is periodic but its lattice vectors are {atoms.cell.array.tolist()}; "
                'give a Lattice="..." that spans the periodic directions, or pbc="F F F"'
            )


def _check_edges(
    atoms: ase.Atoms,
    centre: np.ndarray,
    neighbour: np.ndarray,
    displacement: np.ndarray,
    cutoff: float,
    where: str,
) -> None:
    counts = np.bincount(centre, minlength=len(atoms))
    if (counts == 0).any():
        atom = int(np.argmin(counts))
        raise DataError(
            f"{where}: atom {atom} ({atoms.symbols[atom]}) has no neighbour within the cutoff of "
            f"{cutoff:g} angstrom, so nothing can be learnt about it; remove the frame or train "
            "with a longer cutoff"
        )
    distance = np.linalg.norm(displacement, axis=1)
    edge = int(np.argmin(distance))
    if distance[edge] < _TOO_CLOSE:
        raise DataError(
            f"{where}: atoms {centre[edge]} and {neighbour[edge]} are {distance[edge]:.3g} "
            f"angstrom apart, closer than {_TOO_CLOSE} angstrom; positions must be in angstrom"
        )


def _symbols(numbers: Iterable[int]) -> str:
    return ", ".join(chemical_symbols[number] for number in numbers)
