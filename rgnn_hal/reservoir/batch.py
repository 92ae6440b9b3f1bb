"""Structures side by side in one graph, and the numbers that rows of theirs stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.structures import Graph, join_graphs


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

    def some(self, outputs: Outputs, chosen: Tensor) -> Outputs:
        """Those of structures where the mask `chosen` (structures,) says so."""
        return Outputs(outputs.energies[chosen], outputs.forces[chosen[self.structure]])

    def only(self, outputs: Outputs, chosen: Tensor) -> Outputs:
        """Those of all structures, with zeros where the mask does not say so."""
        of_atoms = chosen[self.structure, None]
        return Outputs(outputs.energies * chosen, outputs.forces * of_atoms)


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
