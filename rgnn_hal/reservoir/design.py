"""Rows of the linear regression: what energy and forces are in terms of the readout theta.

    E = sum_it w_it (theta_t . B(A_i) + c_t),      F = -dE/dr,      both linear in (theta, c)

with w the weights of the centre's types (`rgnn_hal.structures.AtomTypes`), which by default are
elements. A row holds one number per (type, invariant, channel), then one constant per type. The
components A may be noisy hardware outputs. Rows of the forces are in `design_forces`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.reservoir.batch import Batch
from rgnn_hal.reservoir.design_forces import force_rows
from rgnn_hal.reservoir.expansion import EdgeBasis
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.structures import Graph

_CENTRES = 64
"""Atoms whose dB/dA are in memory: 30 MB of them at 160 channels and degree 4."""


@dataclass(frozen=True)
class DesignRows:
    """One frame's rows: `energy` (columns,) and `forces` (3 * atoms, columns), by atom, then xyz.

    Times a readout they give eV and eV/angstrom.
    """

    energy: Tensor
    forces: Tensor


def design_rows(
    reservoir: Reservoir, graph: Graph, basis: EdgeBasis, components: Tensor
) -> DesignRows:
    """Rows of a graph whose mixed components A are ((lmax+1)^2, atoms, channels)."""
    (energy,) = energy_rows(reservoir, Batch.of([graph]), components)
    forces = torch.cat(list(force_rows(reservoir, graph, basis, components)))
    return DesignRows(energy, forces)


def energy_rows(reservoir: Reservoir, batch: Batch, components: Tensor) -> Tensor:
    """The rows of the structures' energies, (structures, columns), summed in double precision."""
    atoms, types = batch.graph.atoms, len(reservoir.types)
    shares = torch.zeros((batch.structures, types, atoms), dtype=torch.float64)
    shares[batch.structure, :, torch.arange(atoms)] = reservoir.types.weights(batch.graph).values
    width = reservoir.invariants.size * reservoir.channels
    total = torch.zeros((batch.structures * types, width), dtype=torch.float64)
    for start in range(0, atoms, _CENTRES):
        some = slice(start, start + _CENTRES)
        part, invariants = components[:, some], reservoir.invariants
        values = invariants.values(part, invariants.gradients(part)).transpose(0, 1).flatten(1)
        total.addmm_(shares[:, :, some].flatten(0, 1), values.double())
    return torch.cat([total.reshape(batch.structures, -1), shares.sum(dim=2)], dim=1)
