"""The design matrix X of `design` and its transpose times a vector, without forming any row.

    X theta      energies and forces that a readout predicts (`prediction`)
    X^T r        sum_i c_i B_i - dB_i/dt at r_j + t f_j,      r = (c, f)

for numbers c per structure and f per atom: forces are slopes of invariants, so a sum of force rows
is the change of the invariants as all atoms move along f. Either costs a prediction, where a row
for every component of the forces costs hundreds of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.reservoir.prediction import Readout, predict
from rgnn_hal.structures import Graph, join_graphs

_ATOMS = 16
"""Whose dB/dA are in memory at a time."""


@dataclass(frozen=True)
class Batch:
    """Structures side by side in one graph."""

    graph: Graph
    structure: Tensor
    """To which one every atom belongs, (atoms,)."""
    structures: int

    @classmethod
    def of(cls, graphs: Sequence[Graph]) -> Batch:
        """From the graphs of structures, one at least."""
        atoms = torch.tensor([graph.atoms for graph in graphs])
        structure = torch.repeat_interleave(torch.arange(len(graphs)), atoms)
        return cls(join_graphs(graphs), structure, len(graphs))


@dataclass(frozen=True)
class Outputs:
    """What rows of a batch stand for: eV and eV/angstrom, or vectors that multiply them."""

    energies: Tensor
    """(structures,)."""
    forces: Tensor
    """(atoms, 3)."""

    def __sub__(self, other: Outputs) -> Outputs:
        return Outputs(self.energies - other.energies, self.forces - other.forces)

    def flat(self) -> NDArray[np.float64]:
        """All numbers in a row."""
        return torch.cat([self.energies, self.forces.flatten()]).numpy()


def apply_rows(reservoir: Reservoir, batch: Batch, columns: Tensor) -> Outputs:
    """X theta for theta (columns,); in single precision, as predictions are."""
    readout = Readout.of(reservoir, columns, torch.float32)
    result = predict(reservoir, batch.graph, readout)
    energies = torch.zeros(batch.structures, dtype=torch.float64)
    energies.index_add_(0, batch.structure, result.atom_energies)
    return Outputs(energies, result.forces)


def apply_transpose(reservoir: Reservoir, batch: Batch, weights: Outputs) -> Tensor:
    """X^T r, (columns,)."""
    graph, invariants = batch.graph, reservoir.invariants
    elements = len(reservoir.elements)
    basis = reservoir.basis(graph)
    components = reservoir.mix(reservoir.vectors(graph, basis)).float()
    motion = reservoir.mix(reservoir.moved(graph, basis, weights.forces)).float()
    share = weights.energies[batch.structure]
    total = torch.zeros((elements, invariants.size, reservoir.channels), dtype=torch.float64)
    for element in range(elements):
        for atoms in torch.nonzero(graph.species == element)[:, 0].split(_ATOMS):
            part = components[:, atoms]
            scaled = part * share[atoms, None].float()
            total[element] += invariants.pulled(part, scaled, motion[:, atoms])
    constants = torch.zeros(elements, dtype=torch.float64).index_add_(0, graph.species, share)
    return torch.cat([total.flatten(), constants])
