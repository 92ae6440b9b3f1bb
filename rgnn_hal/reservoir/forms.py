"""A readout of invariants is one cubic form per channel and one of squares: both in one sweep.

    E = (1/3) a . T(a, a) + (1/2) p . S p,      dE/da = T(a, a) + 2 (S p)_l a,      a = (A, 1)

for the components A of a channel, with T put together from the readout of the atom's element
instead of evaluating invariant by invariant (`cubic_forms`). p_l are the squared lengths of a
channel's degrees, whose products are the invariants of fourth order. The same sums as in
`invariants` in another order; `adjoint` is its transpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from rgnn_hal.reservoir.cubic_forms import (
    ComponentProducts,
    CubicForms,
    Room,
    by_channel,
    by_feature,
    channel_blocks,
    degrees_odd_first,
    odd_components,
)
from rgnn_hal.reservoir.invariants import Invariants, degree_pairs

_ATOMS = 128
_KEPT_BYTES = 1 << 28
"""Of matrices; molecules would spend most of their time making them again."""


@dataclass(frozen=True)
class Slopes:
    """dE/dA of some atoms of one element, channel by channel."""

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
    """A readout's forms for every element and channel."""

    invariants: Invariants
    readout: Tensor
    """(elements, features, channels), float64."""
    dtype: torch.dtype = torch.float64
    """Of products and slopes; energies are summed in float64. With float32 a sweep takes half the
    time."""
    _kept: dict[int, CubicForms] = field(default_factory=dict, compare=False, repr=False)

    @property
    def channels(self) -> int:
        """Channels of every component."""
        return self.readout.shape[2]

    def sweep(self, components: Sequence[Tensor], species: Tensor) -> tuple[Tensor, list[Slopes]]:
        """Energies (atoms,) and dE/dA at A, (lmax+1)^2 components of (atoms, channels)."""
        energies, slopes, room = torch.empty(len(species), dtype=torch.float64), [], Room()
        for element in species.unique().tolist():
            for atoms in torch.nonzero(species == element)[:, 0].split(_ATOMS):
                a = by_channel(components, atoms, self.dtype)
                energies[atoms], odd, even = self._of_element(element, a, room)
                slopes.append(Slopes(atoms, odd, even))
        return energies, slopes

    def _of_element(self, element: int, a: Tensor, room: Room) -> tuple[Tensor, Tensor, Tensor]:
        """Energies (atoms,) and slopes of a."""
        channels, size, atoms = a.shape
        count = odd_components(self.invariants.lmax)
        energy, quartic = torch.zeros((2, atoms), dtype=torch.float64)
        odd, even = (
            a.new_empty((channels, count, atoms)),
            a.new_empty((channels, size - count, atoms)),
        )
        for some in channel_blocks(channels, atoms):
            products = ComponentProducts.of(a[some], room)
            self._forms(element, some).slopes(products, odd[some], even[some])
            for part, slope in ((a[some, :count], odd[some]), (a[some, count:], even[some])):
                energy += torch.mul(part, slope, out=room.of(a, *slope.shape)).sum(
                    dim=(0, 1), dtype=torch.float64
                )
            quartic += self._add_quartic(element, some, a[some], odd[some], even[some], room)
        return energy / 3.0 + quartic / 2.0, odd, even

    def _add_quartic(
        self, element: int, channels: slice, a: Tensor, odd: Tensor, even: Tensor, room: Room
    ) -> Tensor:
        """p . S p, (atoms,), and its half's slope added to `odd` and `even`."""
        count = odd.shape[1]
        degrees = degrees_odd_first(self.invariants.lmax)
        squared = torch.mul(a[:, :-1], a[:, :-1], out=room.of(a, len(a), len(degrees), a.shape[2]))
        turned = self._squares[element][channels] @ squared
        spread = torch.index_select(turned, 1, degrees)
        odd.addcmul_(a[:, :count], spread[:, :count], value=2.0)
        even[:, :-1].addcmul_(a[:, count:-1], spread[:, count:], value=2.0)
        return squared.mul_(spread).sum(dim=(0, 1), dtype=torch.float64)

    @cached_property
    def _squares(self) -> Tensor:
        """S p by components: (elements, channels, lmax + 1, components), odd ones first."""
        degrees = self.invariants.lmax + 1
        first, second = degree_pairs(self.invariants.lmax)
        theta = self.readout[:, self.invariants.cubic :].transpose(1, 2)
        squares = theta.new_zeros((*theta.shape[:2], degrees, degrees))
        squares[..., first, second] = theta
        squares += squares.transpose(2, 3).clone()
        return squares[..., degrees_odd_first(self.invariants.lmax)].to(self.dtype)

    def _forms(self, element: int, channels: slice) -> CubicForms:
        features = by_feature(self.invariants)
        theta = self.readout[element, : self.invariants.cubic].T
        if self.readout.shape[0] * self.channels * features.bytes > _KEPT_BYTES:
            return features.weighted(theta[channels]).to(self.dtype)
        if element not in self._kept:
            self._kept[element] = features.weighted(theta).to(self.dtype)
        return self._kept[element].some(channels)
