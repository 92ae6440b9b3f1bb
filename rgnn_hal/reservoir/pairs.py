"""Random layers for pairs of atoms: what both atoms see, mixed into one set of channels.

    M_ij = V_i U_l + V_j P_l          per degree l, the same matrices for every m
    M_ii = V_i U_l,                   g_ij = R(r_ij) Q,       h_ij = (d(z_j = z) R'(r_ij)) E

V are the densities of `expansion`, so both terms of M are products per atom, and their number grows
with atoms, not with pairs; only the short radial vectors R and R' go to the macro once a pair. The
gates g open pairs, h the edges of an environment, along which atoms gather what their neighbours
make of their P components (`messages`). U, P, Q and E are frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.reservoir.equivariant import Axis, Components
from rgnn_hal.reservoir.expansion import EdgeValues, edge_values
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.reservoir.messages import messages
from rgnn_hal.reservoir.mixing import Mixing
from rgnn_hal.structures import Graph, RadialBasis


@dataclass(frozen=True)
class AtomComponents:
    """Every atom's share in the channels of itself and of its pairs."""

    own: Tensor
    """V U, ((lmax+1)^2, atoms, channels)."""
    partner: Tensor
    """V P, ((lmax+1)^2, atoms, channels)."""
    messages: Tensor
    """What neighbours gather, by degree up to `MESSAGE_DEGREE`, (components, atoms, gathered)."""

    def sites(self, atoms: Tensor) -> Components:
        """M_ii of the atoms with these indices."""
        return _by_degree(self.own[:, atoms])

    def neighbours(self, atoms: Tensor) -> Components:
        """Messages of the atoms with these indices."""
        return _by_degree(self.messages[:, atoms])

    def pairs(self, first: Tensor, second: Tensor) -> Components:
        """M_ij of pairs of indices."""
        return _by_degree(self.own[:, first].add_(self.partner[:, second]))


@dataclass(frozen=True)
class Surroundings:
    """The edges along which atoms gather, sorted by centre."""

    start: Tensor
    """First edge of every atom, and after the last the number of all, (atoms + 1,)."""
    neighbour: Tensor
    """(edges,)."""
    harmonics: Tensor
    """Y_lm, l = 0..lmax+1, (edges, (lmax+2)^2)."""
    gates: Tensor
    """h, (edges, channels)."""

    def of(self, atoms: Tensor) -> tuple[Tensor, Tensor, Axis]:
        """Their edges: centres counted in `atoms`, neighbours, and the bonds."""
        first = self.start[atoms]
        count = self.start[atoms + 1] - first
        centres = torch.repeat_interleave(torch.arange(len(atoms)), count)
        skipped = torch.cumsum(count, 0) - count
        edges = torch.arange(int(count.sum())) + (first - skipped)[centres]
        return centres, self.neighbour[edges], Axis(self.harmonics[edges].T, self.gates[edges])


@dataclass(frozen=True)
class PairReservoir:
    """Fixed layers for atoms and for pairs within `radial.cutoff` of each other."""

    own: Reservoir
    partner: Reservoir
    pair_gate: Mixing
    edge_gate: Mixing
    radial: RadialBasis
    """Of pairs."""

    @classmethod
    def of_mixings(
        cls,
        elements: tuple[int, ...],
        density: RadialBasis,
        radial: RadialBasis,
        mixings: Sequence[Mixing],
        centre: NDArray[np.float64],
    ) -> PairReservoir:
        """From matrices in the order of `shapes`."""
        degrees = len(mixings) // 2 - 1
        own, partner = tuple(mixings[:degrees]), tuple(mixings[degrees : 2 * degrees])
        return cls(
            Reservoir(elements, density, own, centre),
            Reservoir(elements, density, partner, centre),
            mixings[-2],
            mixings[-1],
            radial,
        )

    @staticmethod
    def shapes(
        elements: int, density: RadialBasis, radial: RadialBasis, lmax: int, channels: int
    ) -> list[tuple[int, int]]:
        """Shapes (inputs, outputs) of all matrices: U by degree, P by degree, Q, E."""
        per_degree = (elements * density.size, channels)
        return [per_degree] * (2 * (lmax + 1)) + [(radial.size, channels), per_degree]

    def measure(self, graph: Graph, gathered: int) -> tuple[AtomComponents, Surroundings]:
        """Send every atom's density through U and P, and every edge's radial vector through E.

        Neighbours gather the first `gathered` channels.
        """
        edges = edge_values(graph, self.own.radial, self.own.lmax + 1)
        components = self._components(graph, edges, gathered)
        return components, self._surroundings(graph, edges, gathered)

    def _components(self, graph: Graph, edges: EdgeValues, gathered: int) -> AtomComponents:
        angular = edges.angular[:, : (self.own.lmax + 1) ** 2]
        vectors = self.own.vectors(graph, EdgeValues(edges.radial, angular))
        partner = self.partner.mix(vectors)
        told = messages(_by_degree(partner), gathered)
        return AtomComponents(self.own.mix(vectors), partner, told)

    def pair_gates(self, distances: Tensor) -> Tensor:
        """g, (pairs, channels), at distances (pairs,), angstrom."""
        values, _ = self.radial.evaluate(distances)
        return self._gates(self.pair_gate, values)

    def _surroundings(self, graph: Graph, edges: EdgeValues, gathered: int) -> Surroundings:
        values = edges.radial
        placed = values.new_zeros((len(values), len(self.own.elements), values.shape[1]))
        placed[torch.arange(len(values)), graph.species[graph.neighbour]] = values
        gates = self._gates(self.edge_gate, placed.flatten(1))[:, :gathered]
        start = torch.searchsorted(graph.centre, torch.arange(graph.atoms + 1))
        return Surroundings(start, graph.neighbour, edges.angular, gates)

    def _gates(self, gate: Mixing, values: Tensor) -> Tensor:
        if len(values) == 0:
            return values.new_zeros((0, self.own.channels))
        return torch.from_numpy(np.asarray(gate.product(values.numpy()), dtype=np.float64))


def _by_degree(components: Tensor) -> Components:
    lmax = round(len(components) ** 0.5) - 1
    return torch.split(components, [2 * degree + 1 for degree in range(lmax + 1)])
