"""What atoms gather from their neighbours, all kinds at once.

    X_i[a m, b m'] = sum_j m_a,m(j) h_ij Y_b,m'(ij),      G_L = sum C(a m, b m' | L M) X[a m, b m']

with m the messages of neighbours. The sum over them is one matrix product per atom and the coupling
one per pair of degrees, so nothing of the size of edges times products exists. It equals
`Products.gather`, which takes kinds one by one, for many atoms and little memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor

from rgnn_hal.reservoir.equivariant import Products, coupling, linear_paths
from rgnn_hal.reservoir.pairs import AtomComponents, Surroundings

Kind = tuple[int, int]


def gather_kinds(
    products: Products,
    components: AtomComponents,
    surroundings: Surroundings,
    atoms: Tensor,
    kinds: Iterable[Kind],
) -> dict[Kind, Tensor]:
    """Gathered features of every kind, (atoms, 2 degree + 1, paths, channels)."""
    degrees, channels = products.lmax + 1, products.gathered
    X = _outer(components, surroundings, atoms, degrees**2, channels)
    edge = Products(products.lmax, channels, 0, 0, 0, 0, axis_degree=products.lmax + 1)
    wanted = {kind: linear_paths(edge, *kind) for kind in kinds}
    found: dict[tuple[int, int, int], Tensor] = {}
    for a, b in sorted({path for paths in wanted.values() for path in paths}):
        tops = tuple(sorted({kind[0] for kind, paths in wanted.items() if (a, b) in paths}))
        block = X[b**2 : (b + 1) ** 2, a**2 : (a + 1) ** 2].reshape(-1, len(atoms) * channels)
        coupled = (_couplings(a, b, tops) @ block).reshape(-1, len(atoms), channels)
        parts = torch.split(coupled, [2 * top + 1 for top in tops])
        found |= {(a, b, top): part for top, part in zip(tops, parts, strict=True)}
    return {
        kind: torch.stack([found[a, b, kind[0]] for a, b in paths], dim=2).transpose(0, 1)
        for kind, paths in wanted.items()
    }


@cache
def _couplings(a: int, b: int, tops: tuple[int, ...]) -> Tensor:
    """Coefficients of several degrees, (sum of 2L+1, (2b+1) (2a+1))."""
    parts = [coupling(a, b, top).permute(2, 1, 0).flatten(1) for top in tops]
    return torch.cat(parts).contiguous()


def _outer(
    components: AtomComponents,
    surroundings: Surroundings,
    atoms: Tensor,
    size: int,
    channels: int,
) -> Tensor:
    """X, (m_b, m_a, atoms, channels)."""
    edges, real = _padded(surroundings, atoms)
    neighbours = surroundings.neighbour[edges]
    P = components.messages[:, neighbours, :channels].permute(1, 2, 0, 3)
    gates = surroundings.gates[edges][:, :, None, :channels] * real[:, :, None, None]
    opened = (P * gates).flatten(2)
    X = surroundings.harmonics[edges].transpose(1, 2) @ opened
    return X.reshape(len(atoms), -1, size, channels).permute(1, 2, 0, 3).contiguous()


def _padded(surroundings: Surroundings, atoms: Tensor) -> tuple[Tensor, Tensor]:
    """Edges of every atom, (atoms, most), and which of them are real."""
    start = surroundings.start[atoms]
    count = surroundings.start[atoms + 1] - start
    column = torch.arange(int(count.max()))
    real = column < count[:, None]
    return torch.where(real, start[:, None] + column, 0), real
