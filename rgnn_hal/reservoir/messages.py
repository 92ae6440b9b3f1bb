"""What an atom tells its neighbours: products of what its partner channels see.

    m_k,L = [P_a,k (x) P_b,k+1]_L,      a pair of degrees (a, b) per channel, taken in turn

Neighbours gather messages along edges (`gathering`). Products of two channels say how an atom's
own neighbours stand to each other, so that what is gathered knows five atoms: on the on-site blocks
of ethanol a third less error than gathering P itself, at the same number of features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rgnn_hal.reservoir.equivariant import (
    MESSAGE_DEGREE,
    Components,
    Products,
    product,
    quadratic_paths,
)


def messages(partner: Components, count: int) -> Tensor:
    """The first `count` channels' messages, ((top+1)^2, atoms, count), top = `MESSAGE_DEGREE`."""
    following = tuple(part.roll(-1, dims=2) for part in partner[: MESSAGE_DEGREE + 1])
    degrees = range(min(len(partner), MESSAGE_DEGREE + 1))
    return torch.cat([_of_degree(partner, following, degree, count) for degree in degrees])


def _of_degree(partner: Components, following: Components, degree: int, count: int) -> Tensor:
    pairs = Products(len(partner) - 1, 0, count, MESSAGE_DEGREE)
    paths = quadratic_paths(pairs, degree, 0)
    told = partner[0].new_empty((2 * degree + 1, partner[0].shape[1], count))
    for index, (a, b) in enumerate(paths[:count]):
        own = slice(index, count, len(paths))
        told[:, :, own] = product(partner[a][:, :, own], following[b][:, :, own], (a, b, degree))
    return told
