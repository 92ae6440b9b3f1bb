"""The force network: three message-passing layers over nodes and edges, forces along edges.

Dimensions of the paper's GNNFF-style network: 18 features per node and per edge, cutoff 3.8
angstrom; two reservoir layers of 43,416 frozen weights each, one trained layer, a trained head:
86,832 frozen and 8,839 trained numbers. A layer does

    h_i  <- relu(h_i + bn(sum_j gate(N [h_i, e_ij])))
    e_ij <- relu(e_ij + bn(gate(P [h_i, h_j])) + bn(sum_k gate(T [h_i, h_j, h_k, e_ij, e_jk])))

with two-layer maps N, P, T, gate(x) = sigmoid(x_1) tanh(x_2) of the halves of x, and k running over
the neighbours of j. The force on i is sum_j f(e_ij) r_ij / |r_ij|: covariant, not conservative.
Where the paper pads and masks, edges and triples are listed here; where it cuts gradients at the
quantiser, they go through the twin, unless the layers are `severed_layer`.
"""

import torch
from torch import Tensor, nn

from rgnn_hal.structures import Graph
from rgnn_hal.tasks.xu2025.layers import LayerMaker, biased
from rgnn_hal.tasks.xu2025.links import edges_from, summed

CUTOFF = 3.8
"""angstrom"""
_WIDTH = 18
_HIGHEST_ELEMENT = 99


class ForceNetwork(nn.Module):
    """Forces (atoms, 3) of a `Graph` built with atomic numbers `elements`.

    Args:
        layer: makes the layers of the two reservoir layers.
        elements: what the graph's species count.
        seed: of the random embedding and of the trained parts' start.
    """

    frozen_shapes = tuple([(36, 144), (144, 36), (36, 144), (144, 36), (90, 180), (180, 36)] * 2)
    """(inputs, outputs) of the frozen matrices, in the order in which `layer` is asked."""

    def __init__(self, layer: LayerMaker, elements: tuple[int, ...], *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        table = torch.randn(_HIGHEST_ELEMENT + 1, _WIDTH, generator=generator)
        self.register_buffer("embedding", table[list(elements)])
        spacing = (CUTOFF - 0.5) / (_WIDTH - 1)
        self.centres = nn.Parameter(spacing * torch.arange(_WIDTH, dtype=torch.float32))
        self.widths = nn.Parameter(torch.full((_WIDTH,), spacing))
        self.reservoir = nn.ModuleList(_ReservoirLayer(layer) for _ in range(2))
        self.trained = _TrainedLayer(generator)
        self.head = nn.Sequential(
            biased(_WIDTH, 9, generator), _ShiftedSoftplus(), biased(9, 1, generator)
        )

    def forward(self, graph: Graph) -> Tensor:
        """One structure, or several joined into one graph."""
        distance = graph.displacement.norm(dim=1, keepdim=True).float()
        node = self.get_buffer("embedding")[graph.species]
        edge = torch.exp(-((distance - self.centres) ** 2) / (2 * self.widths**2))
        links = _Links(graph)
        for layer in (*self.reservoir, self.trained):
            node, edge = layer(node, edge, links)
        along = self.head(edge) * (graph.displacement.float() / distance)
        return summed(along, graph.centre, graph.atoms)


class _Links:
    """Edges i -> j and triples i -> j -> k of a graph, as indices."""

    def __init__(self, graph: Graph) -> None:
        self.i, self.j, self.atoms = graph.centre, graph.neighbour, graph.atoms
        self.ij, self.jk = edges_from(graph, graph.neighbour)


class _Layer(nn.Module):
    """What the reservoir layers and the trained one share: how messages move."""

    node_map: nn.Module
    pair_map: nn.Module
    triple_map: nn.Module

    def __init__(self) -> None:
        super().__init__()
        self.node_norm = nn.BatchNorm1d(_WIDTH)
        self.pair_norm = nn.BatchNorm1d(_WIDTH)
        self.triple_norm = nn.BatchNorm1d(_WIDTH)

    def forward(self, node: Tensor, edge: Tensor, links: _Links) -> tuple[Tensor, Tensor]:
        message = _gated(self.node_map(torch.cat([node[links.i], edge], dim=1)))
        node = self.activation(node + self.node_norm(summed(message, links.i, links.atoms)))
        pair = _gated(self.pair_map(self.pair_input(node[links.i], node[links.j])))
        i, j, k = links.i[links.ij], links.j[links.ij], links.j[links.jk]
        triple = torch.cat([node[i], node[j], node[k], edge[links.ij], edge[links.jk]], dim=1)
        around = summed(_gated(self.triple_map(triple)), links.ij, len(edge))
        edge = self.activation(edge + self.pair_norm(pair) + self.triple_norm(around))
        return node, edge

    def activation(self, x: Tensor) -> Tensor:
        return torch.relu(x)

    def pair_input(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.cat([first, second], dim=1)


class _ReservoirLayer(_Layer):
    def __init__(self, layer: LayerMaker) -> None:
        super().__init__()
        self.node_map = nn.Sequential(layer(36, 144), nn.ReLU(), layer(144, 36))
        self.pair_map = nn.Sequential(layer(36, 144), nn.ReLU(), layer(144, 36))
        self.triple_map = nn.Sequential(layer(90, 180), nn.ReLU(), layer(180, 36))


class _TrainedLayer(_Layer):
    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()

        def two(inputs: int, hidden: int) -> nn.Module:
            return nn.Sequential(
                biased(inputs, hidden, generator), nn.ReLU(), biased(hidden, 36, generator)
            )

        self.node_map, self.pair_map, self.triple_map = two(36, 36), two(18, 18), two(90, 36)

    def activation(self, x: Tensor) -> Tensor:
        return torch.tanh(x)

    def pair_input(self, first: Tensor, second: Tensor) -> Tensor:
        return first * second


class _ShiftedSoftplus(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.softplus(x) - 0.6931471805599453


def _gated(x: Tensor) -> Tensor:
    gate, core = x.chunk(2, dim=1)
    return torch.sigmoid(gate) * torch.tanh(core)
