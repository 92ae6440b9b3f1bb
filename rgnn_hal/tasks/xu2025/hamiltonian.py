"""The Hamiltonian network: one block of 13 x 13 elements per edge, in the edge's own frame.

Dimensions of the paper's DeepH-style network for one species (graphene, orbitals s2p2d1): 14
features per atom, 28 per edge, radius 6 angstrom. Three reservoir layers of 28,448 frozen weights
each, one trained layer and a trained head: 85,344 frozen and 7,888 trained numbers (the paper's
7,916 include 28 of a normalisation that its code never calls). A reservoir layer is

    x_i' = x_i + norm(sum_j sigmoid(F z_ij) softplus(S z_ij) exp(-d_ij^2 / 18)),  z = [x_i, x_j, e]
    e'   = silu(B silu(A [x_i', x_j', e])),        then  x <- x + x',  e <- e + e'

The head sums, over the edges around either end of an edge, gated messages of atoms, edges and the
harmonics (l <= 4) of their directions in the edge's frame. That frame has its z axis along the edge
and its x axis towards the nearest other neighbour; turning a block from it into the orbitals' frame
is left to the caller.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from rgnn_hal.structures import Graph
from rgnn_hal.structures.harmonics import spherical_harmonics
from rgnn_hal.tasks.xu2025.layers import LayerMaker, biased
from rgnn_hal.tasks.xu2025.links import edges_from, summed

RADIUS = 6.0
"""angstrom"""
_ATOM, _EDGE, _LAST_EDGE = 14, 28, 3
_LMAX = 4
_ELEMENTS = 6
"""Rows of the paper's atom embedding, of which graphene uses one."""
_BLOCK = 13 * 13
_REACH = 18.0
"""angstrom^2; messages fall off with exp(-d^2 / 18)."""


class HamiltonianNetwork(nn.Module):
    """Blocks (edges, 169) of a `Graph` of at most six species.

    Args:
        layer: makes the layers of the three reservoir layers.
        seed: of the trained parts' start.
    """

    frozen_shapes = tuple([(56, 14), (56, 14), (56, 320), (320, 28)] * 3)
    """(inputs, outputs) of the frozen matrices, in the order in which `layer` is asked."""

    def __init__(self, layer: LayerMaker, *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(torch.randn(_ELEMENTS, _ATOM, generator=generator))
        self.register_buffer("centres", torch.linspace(0.0, 7.5, _EDGE))
        self.reservoir = nn.ModuleList(_ReservoirLayer(layer) for _ in range(3))
        self.trained = _TrainedLayer(generator)
        self.head = _Head(generator)

    def forward(self, graph: Graph) -> Tensor:
        """One structure; the rows of the result are its edges."""
        distance = graph.displacement.norm(dim=1, keepdim=True).float()
        centres = self.get_buffer("centres")
        spacing = centres[1] - centres[0]
        atom = self.embedding[graph.species]
        edge = torch.exp(-((distance - centres) ** 2) / (2 * spacing**2))
        reach = torch.exp(-(distance**2) / _REACH)
        for layer in self.reservoir:
            new_atom, new_edge = layer(atom, edge, reach, graph)
            atom, edge = atom + new_atom, edge + new_edge
        atom, edge = self.trained(atom, edge, reach, graph)
        out: Tensor = self.head(atom, edge, reach, graph)
        return out


class _Convolution(nn.Module):
    """Gated messages to an atom from its edges, normalised over the structure."""

    def __init__(self, gate: nn.Module, core: nn.Module) -> None:
        super().__init__()
        self.gate, self.core = gate, core
        self.norm = nn.LayerNorm(_ATOM)

    def forward(self, atom: Tensor, edge: Tensor, reach: Tensor, graph: Graph) -> Tensor:
        z = torch.cat([atom[graph.centre], atom[graph.neighbour], edge], dim=1)
        message = _gated(self.gate(z), self.core(z)) * reach
        out: Tensor = atom + self.norm(summed(message, graph.centre, graph.atoms))
        return out


class _ReservoirLayer(nn.Module):
    def __init__(self, layer: LayerMaker) -> None:
        super().__init__()
        self.convolution = _Convolution(layer(56, 14), layer(56, 14))
        self.edge_map = nn.Sequential(layer(56, 320), nn.SiLU(), layer(320, 28), nn.SiLU())

    def forward(
        self, atom: Tensor, edge: Tensor, reach: Tensor, graph: Graph
    ) -> tuple[Tensor, Tensor]:
        atom = self.convolution(atom, edge, reach, graph)
        ends = torch.cat([atom[graph.centre], atom[graph.neighbour], edge], dim=1)
        return atom, self.edge_map(ends)


class _TrainedLayer(_ReservoirLayer):
    def __init__(self, generator: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.convolution = _Convolution(biased(56, _ATOM, generator), biased(56, _ATOM, generator))
        self.edge_map = _silu_stack((56, 14, _LAST_EDGE), generator)


class _Head(nn.Module):
    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.gate, self.core = biased(56, _ATOM, generator), biased(56, _ATOM, generator)
        self.block = nn.Sequential(
            _silu_stack((2 * _ATOM + _LAST_EDGE, 16, 16), generator),
            biased(16, _BLOCK, generator),
        )

    def forward(self, atom: Tensor, edge: Tensor, reach: Tensor, graph: Graph) -> Tensor:
        frames = edge_frames(graph)
        around = [
            self._around(end, frames, atom, edge, reach, graph)
            for end in (graph.centre, graph.neighbour)
        ]
        out: Tensor = self.block(torch.cat([*around, edge], dim=1))
        return out

    def _around(
        self, end: Tensor, frames: Tensor, atom: Tensor, edge: Tensor, reach: Tensor, graph: Graph
    ) -> Tensor:
        """Messages to every edge from the edges that leave its `end`."""
        of, other = edges_from(graph, end)
        direction = nn.functional.normalize(graph.displacement[other], dim=1)
        local = torch.einsum("pab,pb->pa", frames[of], direction)
        harmonics, _ = spherical_harmonics(local, _LMAX)
        z = torch.cat(
            [
                atom[graph.centre[other]],
                atom[graph.neighbour[other]],
                edge[other],
                harmonics.float(),
            ],
            dim=1,
        )
        return summed(_gated(self.gate(z), self.core(z)) * reach[other], of, len(edge))


def edge_frames(graph: Graph) -> Tensor:
    """Rows x, y, z of every edge's frame, (edges, 3, 3)."""
    z = nn.functional.normalize(graph.displacement, dim=1)
    edge, other = edges_from(graph, graph.centre)
    length = graph.displacement[other].norm(dim=1)
    aside = torch.linalg.cross(z[edge], nn.functional.normalize(graph.displacement[other], dim=1))
    # Edges along the same line span no plane.
    length = torch.where(aside.norm(dim=1) > 1e-3, length, torch.inf)
    nearest = torch.full((len(z),), torch.inf, dtype=length.dtype)
    nearest = nearest.scatter_reduce(0, edge, length, "amin")
    chosen = torch.nonzero(length == nearest[edge])[:, 0].flip(0)
    pick = torch.zeros(len(z), dtype=torch.int64)
    pick[edge[chosen]] = chosen  # the first of several at the same distance
    y = nn.functional.normalize(aside[pick], dim=1)
    return torch.stack([torch.linalg.cross(y, z), y, z], dim=1)


def _silu_stack(widths: tuple[int, ...], generator: torch.Generator) -> nn.Sequential:
    layers = [(biased(a, b, generator), nn.SiLU()) for a, b in pairwise(widths)]
    return nn.Sequential(*(module for pair in layers for module in pair))


def _gated(gate: Tensor, core: Tensor) -> Tensor:
    return torch.sigmoid(gate) * nn.functional.softplus(core)
