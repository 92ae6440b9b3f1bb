"""The digital half of the reservoir: neighbour densities in a radial x spherical basis.

    V[i, lm, (t, n)] = sum_j  w_jt  R_n(r_ij)  Y_lm(r_ij / |r_ij|)

with w_jt the weights of the neighbour's types (`rgnn_hal.structures.AtomTypes`), by default whether
it is an element. One vector of types * radial.size numbers per atom and component lm: what a mixing
multiplies.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from rgnn_hal.structures import (
    Graph,
    RadialBasis,
    TypeWeights,
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

    def to(self, dtype: torch.dtype) -> EdgeBasis:
        """In another precision."""
        return EdgeBasis(*(getattr(self, part.name).to(dtype) for part in fields(self)))


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


def expand(graph: Graph, basis: EdgeValues, types: TypeWeights) -> Tensor:
    """The densities V, (atoms, (lmax+1)^2, types * n)."""
    return _summed(graph, _outer(basis), types.values[graph.neighbour])


def expand_motion(graph: Graph, basis: EdgeBasis, velocity: Tensor, types: TypeWeights) -> Tensor:
    """dV/dt of atoms that move by `velocity` (atoms, 3), in the shape of `expand`."""
    relative = velocity[graph.neighbour] - velocity[graph.centre]
    stretch = (relative * basis.direction).sum(dim=1, keepdim=True) * basis.radial_slope
    turn = (basis.angular_gradient @ relative[:, :, None])[..., 0]
    moved = basis.angular[:, :, None] * stretch[:, None] + turn[:, :, None] * basis.radial[:, None]
    total = _summed(graph, moved, types.values[graph.neighbour])
    if len(types.edges):
        total += _summed(graph, _outer(basis), types.motion(graph, velocity)[graph.neighbour])
    return total


def in_slots(functions: Tensor, shares: Tensor) -> Tensor:
    """Functions (..., edges, n) in slots by `shares` (edges, types), (..., edges, types * n)."""
    return (functions[..., None, :] * shares[:, :, None]).flatten(-2)


def _outer(basis: EdgeValues) -> Tensor:
    return basis.angular[:, :, None] * basis.radial[:, None, :]


def _summed(graph: Graph, outer: Tensor, shares: Tensor) -> Tensor:
    """Of edges, (edges, components, n), by centre, and by type of the neighbour as `shares` say."""
    _, components, size = outer.shape
    types = shares.shape[1]
    edges, kinds = torch.nonzero(shares).T
    amounts, centre = shares[edges, kinds], graph.centre[edges]
    if (amounts != 1.0).any() or len(edges) < len(outer):
        outer = outer[edges] * amounts[:, None, None]
    density = outer.new_zeros((graph.atoms * types, components, size))
    density.index_add_(0, centre * types + kinds, outer)
    by_atom = density.reshape(graph.atoms, types, components, size)
    return by_atom.transpose(1, 2).reshape(graph.atoms, components, types * size)
