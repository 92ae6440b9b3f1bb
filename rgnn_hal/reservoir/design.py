"""Rows of the linear regression: what energy and forces are in terms of the readout theta.

    E = sum_i theta[z_i] . B(A_i) + c[z_i],      F = -dE/dr,      both linear in (theta, c)

A row holds one number per (centre element, invariant, channel), then one constant per element.
Per edge the chain rule dB/dA . W_l^T . d(R Y)/dr factorises: the contraction of dB/dA over m needs
only Y_lm and grad Y_lm (four numbers), and the radial part enters through R W_l and R' W_l. The
components A may be noisy hardware outputs; their derivatives use the twin's W_l.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.reservoir.expansion import EdgeBasis
from rgnn_hal.reservoir.invariants import Gradients
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.structures import Graph

_EDGES_PER_BLOCK = 32  # 64 or more fall out of a 1 MB cache: 13 instead of 12 ms per ethanol frame


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
    gradients = reservoir.invariants.gradients(components)
    values = reservoir.invariants.values(components, gradients)
    return DesignRows(
        energy=_energy_row(reservoir, graph, values),
        forces=_force_rows(reservoir, graph, basis, gradients),
    )


def _energy_row(reservoir: Reservoir, graph: Graph, values: Tensor) -> Tensor:
    elements = len(reservoir.elements)
    features, _, channels = values.shape
    total = values.new_zeros((elements, features, channels))
    total.index_add_(0, graph.species, values.transpose(0, 1))
    constants = torch.bincount(graph.species, minlength=elements).to(values.dtype)
    return torch.cat([total.flatten(), constants])


def _force_rows(
    reservoir: Reservoir, graph: Graph, basis: EdgeBasis, gradients: Gradients
) -> Tensor:
    elements, size = len(reservoir.elements), reservoir.invariants.size
    channels = reservoir.channels
    width = size * channels
    rows = torch.zeros((graph.atoms, 3, reservoir.columns), dtype=basis.radial.dtype)
    weights = [w.reshape(elements, -1, channels) for w in reservoir.twin_weights()]
    by_atom = [g.permute(2, 1, 0, 3).contiguous() for g in gradients]
    for edges in _blocks(len(graph.centre)):
        rises = _edge_rises(reservoir, graph, basis, by_atom, weights, edges).flatten(2)
        centre, neighbour = graph.centre[edges], graph.neighbour[edges]
        for z in range(elements):
            chosen = graph.species[centre] == z
            learnt = rows[:, :, z * width : (z + 1) * width]
            learnt.index_add_(0, centre[chosen], rises[chosen])
            learnt.index_add_(0, neighbour[chosen], rises[chosen], alpha=-1.0)
    return rows.flatten(0, 1)


def _edge_rises(
    reservoir: Reservoir,
    graph: Graph,
    basis: EdgeBasis,
    gradients: list[Tensor],
    weights: list[Tensor],
    edges: slice,
) -> Tensor:
    """Derivatives of the centre's invariants by the displacement, (edges, 3, size, channels)."""
    centre, species = graph.centre[edges], graph.species[graph.neighbour[edges]]
    direction = basis.direction[edges]
    count, channels = len(centre), reservoir.channels
    rises = basis.radial.new_zeros((count, 3, reservoir.invariants.size, channels))
    for degree, terms in enumerate(reservoir.invariants.terms):
        lm = slice(degree**2, (degree + 1) ** 2)
        angular = torch.cat(
            [basis.angular_gradient[edges, lm], basis.angular[edges, lm, None]], dim=2
        )
        contracted = torch.bmm(
            angular.transpose(1, 2), gradients[degree][centre].flatten(2)
        ).reshape(count, 4, len(terms), channels)
        radial = _mix_by_species(basis.radial[edges], species, weights[degree])
        slope = _mix_by_species(basis.radial_slope[edges], species, weights[degree])
        along = contracted[:, 3:] * slope[:, None, None]
        rise = contracted[:, :3] * radial[:, None, None]
        rise.addcmul_(along, direction[:, :, None, None])
        rises.index_add_(2, torch.tensor(terms), rise)
    return rises


def _mix_by_species(radial: Tensor, species: Tensor, weights: Tensor) -> Tensor:
    """R W for the block of W that belongs to each neighbour's element, (edges, channels)."""
    mixed = radial.new_empty((len(radial), weights.shape[2]))
    for z in range(len(weights)):
        chosen = species == z
        mixed[chosen] = radial[chosen] @ weights[z]
    return mixed


def _blocks(edges: int) -> Iterator[slice]:
    for start in range(0, edges, _EDGES_PER_BLOCK):
        yield slice(start, min(start + _EDGES_PER_BLOCK, edges))
