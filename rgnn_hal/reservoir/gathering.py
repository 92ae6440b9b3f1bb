"""What atoms gather from their neighbours and what readouts make of it, all kinds at once.

    X_i[a m, b m'] = sum_j m_a,m(j) h_ij Y_b,m'(ij),      G_L = sum C(a m, b m' | L M) X[a m, b m']

with m the messages of neighbours. The sum over them is one matrix product per atom and the coupling
one per pair of degrees, so nothing of the size of edges times products exists. It equals
`Products.gather`, which takes kinds one by one, times a readout.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from rgnn_hal.reservoir.equivariant import Products, coupling, linear_paths
from rgnn_hal.reservoir.pairs import AtomComponents, Surroundings

Kind = tuple[int, int]


def gather_targets(
    products: Products,
    components: AtomComponents,
    surroundings: Surroundings,
    atoms: Tensor,
    readouts: Mapping[Kind, Tensor],
) -> dict[Kind, Tensor]:
    """What readouts (paths, channels, targets) say of atoms, (2 degree + 1, atoms, targets)."""
    X = _outer(components, surroundings, atoms, (products.lmax + 1) ** 2, products.gathered)
    found = {
        kind: X.new_zeros((2 * kind[0] + 1, len(atoms), theta.shape[2]))
        for kind, theta in readouts.items()
    }
    for (a, b), users in _users(products.lmax, tuple(readouts)).items():
        tops = tuple(kind[0] for kind, _ in users)
        block = X[b**2 : (b + 1) ** 2, a**2 : (a + 1) ** 2].flatten(0, 1)
        coupled = (_couplings(a, b, tops) @ block.flatten(1)).reshape(-1, *block.shape[1:])
        parts = torch.split(coupled, [2 * top + 1 for top in tops])
        for (kind, path), part in zip(users, parts, strict=True):
            found[kind] += part @ readouts[kind][path]
    return found


@cache
def _users(lmax: int, kinds: tuple[Kind, ...]) -> dict[tuple[int, int], list[tuple[Kind, int]]]:
    """Who couples a pair of degrees (a, b): kinds, and which of their paths it is."""
    edge = Products(lmax, 0, 0, 0, 0, 0, axis_degree=lmax + 1)
    users: dict[tuple[int, int], list[tuple[Kind, int]]] = {}
    for kind in kinds:
        for index, path in enumerate(linear_paths(edge, *kind)):
            users.setdefault(path, []).append((kind, index))
    return users


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
