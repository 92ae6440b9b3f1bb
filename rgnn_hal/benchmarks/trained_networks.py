"""Networks that others train, written plainly from their papers: what our speed is compared with.

SchNet, Schuett et al., J. Chem. Phys. 148, 241722 (2018): features of an atom gather those of its
neighbours through filters of the distance,

    x_i <- x_i + f(sum_j (W x_j) * w(r_ij))

PaiNN, Schuett, Unke, Gastegger, ICML 2021, arXiv:2102.03150: vectors beside the scalars,

    s_i <- s_i + sum_j phi_s(s_j) * w_s(r_ij),
    v_i <- v_i + sum_j v_j * phi_vv(s_j) * w_vv(r_ij) + phi_vs(s_j) * w_vs(r_ij) r_ij / |r_ij|

and then both mixed within each atom. Energies are sums over atoms, forces come by automatic
differentiation. Usual sizes: 64 features, 3 layers, float32; 50 Gaussians, 20 Bessel functions.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor, nn

from rgnn_hal.structures import Graph


class EnergyNetwork(Protocol):
    """Shares of the energy, (atoms,), from species and displacements along the edges."""

    def __call__(
        self, species: Tensor, centre: Tensor, neighbour: Tensor, displacement: Tensor
    ) -> Tensor:
        """See `Graph`."""
        ...


def energy_and_forces(
    network: EnergyNetwork, graph: Graph, *, trace: bool = False, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Energy () and forces (atoms, 3) of one structure, or of several joined into one graph.

    With `trace` both can be differentiated by the network's weights.
    """
    displacement = graph.displacement.to(dtype).requires_grad_()
    energies = network(graph.species, graph.centre, graph.neighbour, displacement)
    (rise,) = torch.autograd.grad(energies.sum(), displacement, create_graph=trace)
    forces = rise.new_zeros((graph.atoms, 3))
    forces = forces.index_add(0, graph.centre, rise).index_add(0, graph.neighbour, -rise)
    return energies if trace else energies.detach(), forces


def start_at_random(network: nn.Module, seed: int) -> None:
    """Draw all weights by `seed`: Xavier-uniform matrices, zero biases, normal embeddings."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, generator=generator)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class SchNet(nn.Module):
    """Continuous-filter convolutions."""

    def __init__(
        self,
        elements: int,
        cutoff: float,
        *,
        features: int = 64,
        layers: int = 3,
        gaussians: int = 50,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(elements, features)
        self.layers = nn.ModuleList(_Convolution(features, gaussians) for _ in range(layers))
        self.head = nn.Sequential(
            nn.Linear(features, features // 2), _ShiftedSoftplus(), nn.Linear(features // 2, 1)
        )
        start_at_random(self, seed)
        self.cutoff = cutoff
        self.register_buffer("centres", torch.linspace(0.0, cutoff, gaussians))

    def forward(
        self, species: Tensor, centre: Tensor, neighbour: Tensor, displacement: Tensor
    ) -> Tensor:
        """See `EnergyNetwork`."""
        distance = displacement.norm(dim=1, keepdim=True)
        centres = self.get_buffer("centres")
        width = centres[1] - centres[0]
        expanded = torch.exp(-0.5 * ((distance - centres) / width) ** 2)
        switch = _cosine(distance, self.cutoff)
        x: Tensor = self.embedding(species)
        for layer in self.layers:
            x = layer(x, centre, neighbour, expanded, switch)
        energies: Tensor = self.head(x)[:, 0]
        return energies


class _Convolution(nn.Module):
    def __init__(self, features: int, gaussians: int) -> None:
        super().__init__()
        self.into = nn.Linear(features, features, bias=False)
        self.filters = nn.Sequential(
            nn.Linear(gaussians, features), _ShiftedSoftplus(), nn.Linear(features, features)
        )
        self.out = nn.Sequential(
            nn.Linear(features, features), _ShiftedSoftplus(), nn.Linear(features, features)
        )

    def forward(
        self, x: Tensor, centre: Tensor, neighbour: Tensor, expanded: Tensor, switch: Tensor
    ) -> Tensor:
        message = self.into(x)[neighbour] * (self.filters(expanded) * switch)
        gathered = torch.zeros_like(x).index_add(0, centre, message)
        updated: Tensor = x + self.out(gathered)
        return updated


class PaiNN(nn.Module):
    """Messages of scalars and vectors."""

    def __init__(
        self,
        elements: int,
        cutoff: float,
        *,
        features: int = 64,
        layers: int = 3,
        radial: int = 20,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(elements, features)
        self.messages = nn.ModuleList(_Message(features, radial) for _ in range(layers))
        self.mixings = nn.ModuleList(_AtomMixing(features) for _ in range(layers))
        self.head = nn.Sequential(
            nn.Linear(features, features // 2), nn.SiLU(), nn.Linear(features // 2, 1)
        )
        start_at_random(self, seed)
        self.cutoff = cutoff
        self.register_buffer("orders", torch.arange(1, radial + 1) * (math.pi / cutoff))

    def forward(
        self, species: Tensor, centre: Tensor, neighbour: Tensor, displacement: Tensor
    ) -> Tensor:
        """See `EnergyNetwork`."""
        distance = displacement.norm(dim=1, keepdim=True)
        direction = displacement / distance
        expanded = torch.sin(distance * self.get_buffer("orders")) / distance
        switch = _cosine(distance, self.cutoff)
        s: Tensor = self.embedding(species)
        v = s.new_zeros((len(s), 3, s.shape[1]))
        for message, mixing in zip(self.messages, self.mixings, strict=True):
            s, v = message(s, v, centre, neighbour, expanded, switch, direction)
            s, v = mixing(s, v)
        energies: Tensor = self.head(s)[:, 0]
        return energies


class _Message(nn.Module):
    def __init__(self, features: int, radial: int) -> None:
        super().__init__()
        self.atoms = nn.Sequential(
            nn.Linear(features, features), nn.SiLU(), nn.Linear(features, 3 * features)
        )
        self.filters = nn.Linear(radial, 3 * features)

    def forward(
        self,
        s: Tensor,
        v: Tensor,
        centre: Tensor,
        neighbour: Tensor,
        expanded: Tensor,
        switch: Tensor,
        direction: Tensor,
    ) -> tuple[Tensor, Tensor]:
        passed = self.atoms(s)[neighbour] * (self.filters(expanded) * switch)
        scalar, along, carried = passed.chunk(3, dim=1)
        vectors = v[neighbour] * carried[:, None] + direction[:, :, None] * along[:, None]
        s = s + torch.zeros_like(s).index_add(0, centre, scalar)
        return s, v + torch.zeros_like(v).index_add(0, centre, vectors)


class _AtomMixing(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.vectors = nn.Linear(features, 2 * features, bias=False)
        self.gates = nn.Sequential(
            nn.Linear(2 * features, features), nn.SiLU(), nn.Linear(features, 3 * features)
        )

    def forward(self, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        left, right = self.vectors(v).chunk(2, dim=2)
        # 1e-8: the root's slope is infinite where an atom has no vector yet.
        length = torch.sqrt((right**2).sum(dim=1) + 1e-8)
        scalar, product, vector = self.gates(torch.cat([s, length], dim=1)).chunk(3, dim=1)
        return s + scalar + product * (left * right).sum(dim=1), v + vector[:, None] * left


class _ShiftedSoftplus(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.softplus(x) - math.log(2.0)


def _cosine(distance: Tensor, cutoff: float) -> Tensor:
    switch: Tensor = 0.5 * (torch.cos(math.pi * distance / cutoff) + 1.0) * (distance < cutoff)
    return switch
