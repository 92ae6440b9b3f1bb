"""The digital half of the reservoir: neighbour densities in a radial x spherical basis.

    V[i, lm, (z, n)] = sum_j  d(z_j = z)  R_n(r_ij)  Y_lm(r_ij / |r_ij|)

One vector of elements * radial.size numbers per atom and component lm: what a mixing multiplies.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.structures import (
    Graph,
    RadialBasis,
    angular_gradient,
    solid_harmonics,
    spherical_harmonics,
)


@dataclass(frozen=True)
class EdgeValues:
    """Basis functions on the edges of a graph."""

    radial: Tensor
    """R_n, (edges, n)."""
    angular: Tensor
    """Y_lm, (edges, (lmax+1)^2)."""


@dataclass(frozen=True)
class EdgeBasis(EdgeValues):
    """The same with derivatives (per angstrom)."""

    radial_slope: Tensor
    """dR_n/dr, (edges, n)."""
    angular_gradient: Tensor
    """dY_lm/dr_a, (edges, (lmax+1)^2, 3)."""
    direction: Tensor
    """Unit vectors from centre to neighbour, (edges, 3)."""


def edge_basis(graph: Graph, radial: RadialBasis, lmax: int) -> EdgeBasis:
    """Evaluate the basis on every edge."""
    distance = graph.displacement.norm(dim=1)
    direction = graph.displacement / distance[:, None]
    values, slopes = (part.contiguous() for part in radial.evaluate(distance))
    angular, solid_gradient = spherical_harmonics(direction, lmax)
    gradient = angular_gradient(angular, solid_gradient, direction, distance)
    return EdgeBasis(values, angular, slopes, gradient, direction)


def edge_values(graph: Graph, radial: RadialBasis, lmax: int) -> EdgeValues:
    """The basis alone, where nobody asks for derivatives."""
    distance = graph.displacement.norm(dim=1)
    values, _ = radial.evaluate(distance)
    return EdgeValues(values, solid_harmonics(graph.displacement / distance[:, None], lmax))


def expand(graph: Graph, basis: EdgeValues, elements: int) -> Tensor:
    """The densities V, (atoms, (lmax+1)^2, elements * n)."""
    return _summed(graph, basis.angular[:, :, None] * basis.radial[:, None, :], elements)


def expand_motion(graph: Graph, basis: EdgeBasis, velocity: Tensor, elements: int) -> Tensor:
    """dV/dt of atoms that move by `velocity` (atoms, 3), in the shape of `expand`."""
    relative = velocity[graph.neighbour] - velocity[graph.centre]
    stretch = (relative * basis.direction).sum(dim=1, keepdim=True) * basis.radial_slope
    turn = (basis.angular_gradient @ relative[:, :, None])[..., 0]
    moved = basis.angular[:, :, None] * stretch[:, None] + turn[:, :, None] * basis.radial[:, None]
    return _summed(graph, moved, elements)


def in_slots(functions: Tensor, species: Tensor, elements: int) -> Tensor:
    """Functions (..., edges, n) in the slots of `species` (edges,), (..., edges, elements * n)."""
    *before, edges, size = functions.shape
    slots = functions.new_zeros((*before, edges, elements, size))
    slots[..., torch.arange(edges), species, :] = functions
    return slots.flatten(-2)


def _summed(graph: Graph, outer: Tensor, elements: int) -> Tensor:
    """Of edges, (edges, components, n), by centre and by element of the neighbour."""
    _, components, size = outer.shape
    density = outer.new_zeros((graph.atoms * elements, components, size))
    density.index_add_(0, graph.centre * elements + graph.species[graph.neighbour], outer)
    by_atom = density.reshape(graph.atoms, elements, components, size)
    return by_atom.transpose(1, 2).reshape(graph.atoms, components, elements * size)
