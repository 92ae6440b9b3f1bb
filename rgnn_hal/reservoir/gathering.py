"""What atoms gather from their neighbours and what readouts make of it.

    G_i,L = sum_j [h_ij m_a(j) (x) Y_b(ij)]_L = sum_j B_ab,L(ij) m_a(j) h_ij

with m the messages of neighbours and B the matrix (2L+1, 2a+1) that couples them to an edge's
harmonics. The sum over neighbours and m is one matrix product per atom, degree a and kind, for all
b at once, and one more with the readouts follows; nothing of the size of edges times products
exists. It equals `Products.gather`, which takes kinds one by one, times a readout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from rgnn_hal.reservoir.equivariant import Products, coupling, linear_paths
from rgnn_hal.reservoir.pairs import AtomComponents, Surroundings

Kind = tuple[int, int]


def gather_targets(
    edges: Products,
    components: AtomComponents,
    surroundings: Surroundings,
    atoms: Tensor,
    parties: Sequence[Mapping[Kind, Tensor]],
) -> list[dict[Kind, Tensor]]:
    """What readouts (paths, channels, targets) say of atoms, (atoms, 2 degree + 1, targets).

    Paths are those of `edges`; every party has readouts of as many first channels as it likes.
    """
    widths = [next(iter(readouts.values())).shape[1] for readouts in parties]
    table = _Table.of(components, surroundings, atoms, max(widths))
    kinds = tuple(sorted({kind for readouts in parties for kind in readouts}))
    found = [
        {
            kind: table.gates.new_zeros((len(atoms), 2 * kind[0] + 1, theta.shape[2]))
            for kind, theta in readouts.items()
        }
        for readouts in parties
    ]
    for a in range(edges.lmax + 1):
        told = table.told(a)
        for kind in kinds:
            paths = _paths(edges, a, kind)
            if not paths:
                continue
            turns = table.turns(edges, a, kind)
            for channels, readouts, into in zip(widths, parties, found, strict=True):
                if kind in readouts:
                    gathered = torch.bmm(turns, told[:, :, :channels])
                    theta = readouts[kind][paths[0] : paths[-1] + 1].flatten(0, 1)
                    into[kind].flatten(0, 1).addmm_(gathered.view(-1, len(theta)), theta)
    return found


@cache
def _paths(edges: Products, a: int, kind: Kind) -> tuple[int, ...]:
    """Which paths of a kind couple messages of degree a; they stand together."""
    return tuple(i for i, (own, _) in enumerate(linear_paths(edges, *kind)) if own == a)


@cache
def _turn(edges: Products, a: int, kind: Kind) -> Tensor:
    """From an edge's harmonics to B of all paths, (m_b, (2L+1) * paths * (2a+1))."""
    axis_degrees = [b for own, b in linear_paths(edges, *kind) if own == a]
    assert edges.axis_degree is not None
    degree = kind[0]
    placed = torch.zeros(
        ((edges.axis_degree + 1) ** 2, 2 * degree + 1, len(axis_degrees), 2 * a + 1),
        dtype=torch.float64,
    )
    for path, b in enumerate(axis_degrees):
        placed[b**2 : (b + 1) ** 2, :, path] = coupling(a, b, degree).permute(1, 2, 0)
    return placed.flatten(1)


@dataclass(frozen=True)
class _Table:
    """The edges of some atoms, (atoms, most edges, ...)."""

    messages: Tensor
    """Of all atoms, (components, all atoms, channels)."""
    neighbours: Tensor
    gates: Tensor
    """(atoms, edges, 1, channels), zero where there is no edge."""
    harmonics: Tensor
    """(atoms, edges, components)."""

    @classmethod
    def of(
        cls,
        components: AtomComponents,
        surroundings: Surroundings,
        atoms: Tensor,
        channels: int,
    ) -> _Table:
        """Of the first `channels`."""
        edges, real = _padded(surroundings, atoms)
        gates = surroundings.gates[edges][:, :, None, :channels] * real[:, :, None, None]
        messages = components.messages[:, :, :channels]
        return cls(messages, surroundings.neighbour[edges], gates, surroundings.harmonics[edges])

    def told(self, a: int) -> Tensor:
        """What the edges bring of one degree, (atoms, edges * (2a+1), channels)."""
        heard = self.messages[a**2 : (a + 1) ** 2, self.neighbours].permute(1, 2, 0, 3)
        told = torch.empty(heard.shape, dtype=heard.dtype)
        torch.mul(heard, self.gates, out=told)
        return told.flatten(1, 2)

    def turns(self, edges: Products, a: int, kind: Kind) -> Tensor:
        """B of all edges of an atom side by side, (atoms, (2L+1) * paths, edges * (2a+1))."""
        of_edges = self.harmonics @ _turn(edges, a, kind)
        rows = of_edges.shape[2] // (2 * a + 1)
        return of_edges.view(*of_edges.shape[:2], rows, 2 * a + 1).transpose(1, 2).flatten(2)


def _padded(surroundings: Surroundings, atoms: Tensor) -> tuple[Tensor, Tensor]:
    """Edges of every atom, (atoms, most), and which of them are real."""
    start = surroundings.start[atoms]
    count = surroundings.start[atoms + 1] - start
    column = torch.arange(int(count.max()))
    real = column < count[:, None]
    return torch.where(real, start[:, None] + column, 0), real
