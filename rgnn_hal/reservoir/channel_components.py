"""Components channel by channel, a = (A, 1): what the cubic forms of a readout are applied to.

(channels, components + 1, atoms), odd degrees first, the constant last (`cubic_forms`). A came as
products of a macro, by atom; where all mixings are digital it is put there by the products
themselves, in the precision of the forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.cost import products, record
from rgnn_hal.reservoir.cubic_forms import degree_blocks, odd_first


class ChannelComponents(Protocol):
    """A of some atoms."""

    def of(self, atoms: Tensor, dtype: torch.dtype) -> Tensor:
        """a of those at some places, (channels, components + 1, atoms)."""
        ...


@dataclass(frozen=True)
class Given:
    """From components (atoms, channels), (lmax+1)^2 of them."""

    components: Sequence[Tensor]

    def of(self, atoms: Tensor, dtype: torch.dtype) -> Tensor:
        """See `ChannelComponents`."""
        return by_channel(self.components, atoms, dtype)


@dataclass(frozen=True)
class Multiplied:
    """Densities times digital weights, at the moment they are asked for."""

    densities: Sequence[Tensor]
    """Per degree, (atoms, 2l+1, inputs)."""
    weights: Sequence[Tensor]
    """Per degree, (inputs, channels)."""

    @classmethod
    def of_rows(cls, rows: Sequence[NDArray[np.float64]], weights: Sequence[Tensor]) -> Multiplied:
        """From `Reservoir.rows`."""
        parts = (torch.from_numpy(part) for part in rows)
        densities = [part.unflatten(0, (-1, 2 * degree + 1)) for degree, part in enumerate(parts)]
        return cls(densities, weights)

    def of(self, atoms: Tensor, dtype: torch.dtype) -> Tensor:
        """See `ChannelComponents`."""
        channels, count = self.weights[0].shape[1], len(atoms)
        size = len(self.weights) ** 2
        a = torch.empty((channels, size + 1, count), dtype=dtype)
        a[:, -1] = 1.0
        flat = a.flatten(1)
        for degree, rows in degree_blocks(len(self.weights) - 1):
            density = self.densities[degree][atoms].to(dtype)
            columns = density.permute(2, 1, 0).flatten(1)
            place = flat[:, rows.start * count : rows.stop * count]
            torch.mm(self.weights[degree].to(dtype).T, columns, out=place)
        record(products(size * count * self.weights[0].numel()))
        return a


def by_channel(components: Sequence[Tensor], atoms: Tensor, dtype: torch.dtype) -> Tensor:
    """a of some atoms, from (lmax+1)^2 components of (all atoms, channels)."""
    order = odd_first(isqrt(len(components)) - 1).tolist()
    channels = components[0].shape[1]
    rows = torch.empty((len(order) + 1, len(atoms), channels), dtype=dtype)
    rows[-1] = 1.0
    for row, component in zip(rows, order, strict=False):
        row.copy_(components[component][atoms])
    return rows.flatten(0, 1).T.contiguous().reshape(channels, *rows.shape[:2])
