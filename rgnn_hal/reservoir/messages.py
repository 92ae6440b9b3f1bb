"""What an atom tells its neighbours: products of what its partner channels see.

    m_k,L = [P_a,k (x) P_b,k+1]_L,      a pair of degrees (a, b) per channel, taken in turn

Neighbours gather messages along edges (`gathering`). Products of two channels say how an atom's
own neighbours stand to each other, so that what is gathered knows five atoms: on the on-site blocks
of ethanol a third less error than gathering P itself, at the same number of features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rgnn_hal.reservoir.equivariant import Components, Products, product, quadratic_paths

_DEGREE = 3
"""Highest degree of a factor."""


def messages(partner: Components, count: int) -> Tensor:
    """The first `count` channels' messages, ((lmax+1)^2, atoms, count)."""
    return torch.cat([_of_degree(partner, degree, count) for degree in range(len(partner))])


def _of_degree(partner: Components, degree: int, count: int) -> Tensor:
    _, atoms, channels = partner[0].shape
    pairs = Products(len(partner) - 1, channels, count, _DEGREE, 0, 0)
    paths = quadratic_paths(pairs, degree, 0)
    told = partner[0].new_empty((2 * degree + 1, atoms, count))
    for index, (a, b) in enumerate(paths[:count]):
        own = torch.arange(index, count, len(paths))
        following = (own + 1) % channels
        told[:, :, own] = product(
            partner[a][:, :, own], partner[b][:, :, following], (a, b, degree)
        )
    return told
