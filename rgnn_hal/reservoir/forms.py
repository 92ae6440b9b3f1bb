"""A readout of invariants is one cubic form per channel and one of squares: both in one sweep.

    E = (1/3) a . T(a, a) + (1/2) p . S p,      dE/da = T(a, a) + 2 (S p)_l a,      a = (A, 1)

for the components A of a channel, with T put together from the readout of the atom's type
instead of evaluating invariant by invariant (`cubic_forms`). p_l are the squared lengths of a
channel's degrees, whose products are the invariants of fourth order. The same sums as in
`invariants` in another order; `adjoint` is its transpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from rgnn_hal.reservoir.channel_components import ChannelComponents
from rgnn_hal.reservoir.cubic_forms import (
    ComponentProducts,
    CubicForms,
    Room,
    by_feature,
    channel_blocks,
    degree_blocks,
    lengths,
    odd_components,
)
from rgnn_hal.reservoir.invariants import Invariants, degree_pairs

_ATOMS = 256
_KEPT_BYTES = 1 << 28
"""Of matrices; molecules would spend most of their time making them again."""


@dataclass(frozen=True)
class Slopes:
    """dE/dA of some atoms, channel by channel."""

    atoms: Tensor
    """Their indices, (n,)."""
    odd: Tensor
    """Of components of odd degree, (channels, components, n)."""
    even: Tensor
    """Of those of even degree, and a last row that is nobody's, (channels, components + 1, n)."""

    def degree(self, degree: int) -> Tensor:
        """(channels, 2 degree + 1, n)."""
        start = sum(2 * lower + 1 for lower in range(degree % 2, degree, 2))
        return (self.odd if degree % 2 else self.even)[:, start : start + 2 * degree + 1]


@dataclass(frozen=True)
class ChannelForms:
    """A readout's forms for every type of atom and channel."""

    invariants: Invariants
    readout: Tensor
    """(types, features, channels), float64."""
    dtype: torch.dtype = torch.float64
    """Of products and slopes; energies are summed in float64."""
    _kept: dict[int, CubicForms] = field(default_factory=dict, compare=False, repr=False)

    @property
    def channels(self) -> int:
        """Channels of every component."""
        return self.readout.shape[2]

    def sweep(
        self, components: ChannelComponents, weights: Tensor
    ) -> Iterator[tuple[Tensor, Slopes]]:
        """Energies by type, (atoms, types), and dE/dA of all atoms, of every atom once.

        `weights` (atoms, types) say how much of every type an atom is; energies are not weighted.
        """
        room = Room()
        pure = weights == 1.0
        for kind in torch.nonzero(pure.any(dim=0))[:, 0].tolist():
            for atoms in torch.nonzero(pure[:, kind])[:, 0].split(_ATOMS):
                energies = weights.new_zeros((len(atoms), weights.shape[1]))
                a = components.of(atoms, self.dtype)
                energies[:, kind], odd, even = self._of_type(kind, a, room)
                yield energies, Slopes(atoms, odd, even)
        for atoms in torch.nonzero(~pure.any(dim=1))[:, 0].split(_ATOMS):
            yield self._of_several(components.of(atoms, self.dtype), atoms, weights[atoms], room)

    def _of_several(
        self, a: Tensor, atoms: Tensor, weights: Tensor, room: Room
    ) -> tuple[Tensor, Slopes]:
        """The same of atoms between types."""
        count = odd_components(self.invariants.lmax)
        odd, even = torch.zeros_like(a[:, :count]), torch.zeros_like(a[:, count:])
        energies = torch.zeros_like(weights)
        for kind in torch.nonzero(weights.any(dim=0))[:, 0].tolist():
            energies[:, kind], *slopes = self._of_type(kind, a, room)
            for total, slope in zip((odd, even), slopes, strict=True):
                total.addcmul_(slope, weights[:, kind].to(a.dtype))
        return energies, Slopes(atoms, odd, even)

    def _of_type(self, kind: int, a: Tensor, room: Room) -> tuple[Tensor, Tensor, Tensor]:
        """Energies (atoms,) and slopes of a."""
        channels, size, atoms = a.shape
        count = odd_components(self.invariants.lmax)
        odd = a.new_empty((channels, count, atoms))
        even = a.new_empty((channels, size - count, atoms))
        for some in channel_blocks(channels, atoms):
            products = ComponentProducts.of(a[some], room)
            self._forms(kind, some).slopes(products, odd[some], even[some])
        energies = _products(a[:, :count], odd, room) + _products(a[:, count:], even, room)
        energies /= 3.0
        energies += self._add_quartic(kind, a, odd, even, room) / 2.0
        return energies, odd, even

    def _add_quartic(self, kind: int, a: Tensor, odd: Tensor, even: Tensor, room: Room) -> Tensor:
        """p . S p, (atoms,), and its half's slope added to `odd` and `even`."""
        lmax, count = self.invariants.lmax, odd.shape[1]
        squared = torch.mul(a, a, out=room.of(a, *a.shape))
        power = torch.matmul(lengths(lmax).to(a.dtype), squared)
        spread = torch.bmm(self._squares[kind], power)
        for degree, rows in degree_blocks(lmax):
            slope, first = (odd, 0) if degree % 2 else (even, count)
            part = slope[:, rows.start - first : rows.stop - first]
            part.addcmul_(a[:, rows], spread[:, degree, None], value=2.0)
        return _products(power, spread, room)

    @cached_property
    def _squares(self) -> Tensor:
        """S, (types, channels, lmax + 1, lmax + 1)."""
        degrees = self.invariants.lmax + 1
        first, second = degree_pairs(self.invariants.lmax)
        theta = self.readout[:, self.invariants.cubic :].transpose(1, 2)
        squares = theta.new_zeros((*theta.shape[:2], degrees, degrees))
        squares[..., first, second] = theta
        squares += squares.transpose(2, 3).clone()
        return squares.to(self.dtype)

    def _forms(self, kind: int, channels: slice) -> CubicForms:
        features = by_feature(self.invariants)
        theta = self.readout[kind, : self.invariants.cubic].T
        if self.readout.shape[0] * self.channels * features.bytes > _KEPT_BYTES:
            return features.weighted(theta[channels]).to(self.dtype)
        if kind not in self._kept:
            self._kept[kind] = features.weighted(theta).to(self.dtype)
        return self._kept[kind].some(channels)


def _products(one: Tensor, other: Tensor, room: Room) -> Tensor:
    """Sums over channels and components, (atoms,), in float64."""
    return torch.mul(one, other, out=room.of(one, *one.shape)).sum(dim=(0, 1), dtype=torch.float64)
