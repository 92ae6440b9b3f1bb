"""A readout of invariants is one cubic form per channel and one of squares: both in one sweep.

    E = (1/3) a . T(a, a) + (1/2) p . S p,      dE/da = T(a, a) + 2 (S p)_l a,      a = (A, 1)

for the components A of a channel, with the symmetric tensor T put together from the readout of the
atom's element instead of evaluating invariant by invariant; the one makes cubic forms of invariants
of lower order too. Parity leaves two blocks of T: the slope of odd components is linear in products
of odd and even ones, that of even ones in products of two even or of two odd ones. So a sweep is
two matrix products per channel. p_l are the squared lengths of a channel's degrees, whose products
are the invariants of fourth order. The same sums as in `invariants` in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import permutations

import torch
from e3nn.o3 import wigner_3j
from torch import Tensor

from rgnn_hal.reservoir.invariants import Invariants

_STRIP = 4  # products of components i, i + 1, ... with all from i on: a triangle in a few calls
_ATOMS = 128
_COLUMNS = 1024  # of atoms times channels at once: their products about fill a cache of 2 MB
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
    _kept: dict[int, _Matrices] = field(default_factory=dict, compare=False, repr=False)

    @property
    def channels(self) -> int:
        """Channels of every component."""
        return self.readout.shape[2]

    def sweep(self, components: Sequence[Tensor], species: Tensor) -> tuple[Tensor, list[Slopes]]:
        """Energies (atoms,) and dE/dA at A, (lmax+1)^2 components of (atoms, channels)."""
        energies, slopes, room = torch.empty(len(species), dtype=torch.float64), [], _Room()
        for element in species.unique().tolist():
            for atoms in torch.nonzero(species == element)[:, 0].split(_ATOMS):
                a = self._by_channel(components, atoms)
                energies[atoms], odd, even = self._of_element(element, a, room)
                slopes.append(Slopes(atoms, odd, even))
        return energies, slopes

    def _by_channel(self, components: Sequence[Tensor], atoms: Tensor) -> Tensor:
        """a of some atoms, (channels, components + 1, atoms)."""
        order = _odd_first(self.invariants.lmax).tolist()
        shape = (len(order) + 1, len(atoms), self.channels)
        rows = torch.empty(shape, dtype=self.dtype)
        rows[-1] = 1.0
        for row, component in zip(rows, order, strict=False):
            row.copy_(components[component][atoms])
        by_channel: Tensor = rows.flatten(0, 1).T.contiguous()
        return by_channel.reshape(self.channels, *rows.shape[:2])

    def _of_element(self, element: int, a: Tensor, room: _Room) -> tuple[Tensor, Tensor, Tensor]:
        """Energies (atoms,) and slopes of a."""
        channels, size, atoms = a.shape
        count = _odd_components(self.invariants.lmax)
        energy, quartic = torch.zeros((2, atoms), dtype=torch.float64)
        odd, even = (
            a.new_empty((channels, count, atoms)),
            a.new_empty((channels, size - count, atoms)),
        )
        width = max(1, _COLUMNS // atoms)
        for start in range(0, channels, width):
            some = slice(start, start + width)
            self._matrices(element, some).apply(a[some], odd[some], even[some], room)
            for part, slope in ((a[some, :count], odd[some]), (a[some, count:], even[some])):
                energy += torch.mul(part, slope, out=room.of(a, *slope.shape)).sum(
                    dim=(0, 1), dtype=torch.float64
                )
            quartic += self._add_quartic(element, some, a[some], odd[some], even[some], room)
        return energy / 3.0 + quartic / 2.0, odd, even

    def _add_quartic(
        self, element: int, channels: slice, a: Tensor, odd: Tensor, even: Tensor, room: _Room
    ) -> Tensor:
        """p . S p, (atoms,), and its half's slope added to `odd` and `even`."""
        count = odd.shape[1]
        degrees = _degrees_odd_first(self.invariants.lmax)
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
        first, second = torch.triu_indices(degrees, degrees)  # in the order of the features
        theta = self.readout[:, self.invariants.cubic :].transpose(1, 2)
        squares = theta.new_zeros((*theta.shape[:2], degrees, degrees))
        squares[..., first, second] = theta
        squares += squares.transpose(2, 3).clone()
        return squares[..., _degrees_odd_first(self.invariants.lmax)].to(self.dtype)

    def _matrices(self, element: int, channels: slice) -> _Matrices:
        by_feature = _by_feature(self.invariants)
        theta = self.readout[element, : self.invariants.cubic].T
        if self.readout.shape[0] * self.channels * by_feature.bytes > _KEPT_BYTES:
            return by_feature.weighted(theta[channels]).to(self.dtype)
        if element not in self._kept:
            self._kept[element] = by_feature.weighted(theta).to(self.dtype)
        kept = self._kept[element]
        return _Matrices(kept.odd[channels], kept.even[channels])


class _Room:
    """Memory that is used again: taking new one costs more than what is put there."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, ...], Tensor] = {}

    def of(self, like: Tensor, *shape: int) -> Tensor:
        if shape not in self._parts:
            self._parts[shape] = like.new_empty(shape)
        return self._parts[shape]


@dataclass(frozen=True)
class _Matrices:
    """T from products of components, of every channel or of every feature."""

    odd: Tensor
    """(channels, odd components, odd times even ones)."""
    even: Tensor
    """(channels, even components, strips of two odd and of two even ones)."""

    @property
    def bytes(self) -> int:
        """Of one channel."""
        return self.even.element_size() * (self.even[0].numel() + self.odd[0].numel())

    def weighted(self, theta: Tensor) -> _Matrices:
        """Sums over features by theta (channels, features)."""
        odd, even = (
            (theta @ part.flatten(1)).unflatten(1, part.shape[1:]) for part in (self.odd, self.even)
        )
        return _Matrices(odd, even)

    def to(self, dtype: torch.dtype) -> _Matrices:
        """In another precision."""
        return _Matrices(self.odd.to(dtype), self.even.to(dtype))

    def apply(self, a: Tensor, odd_slope: Tensor, even_slope: Tensor, room: _Room) -> None:
        """T(a, a) of a (channels, components, atoms), odd components first."""
        count = self.odd.shape[1]
        odd, even = a[:, :count], a[:, count:]
        if count:
            mixed = room.of(a, len(a), self.odd.shape[2], a.shape[2])
            torch.mul(odd[:, :, None], even[:, None], out=mixed.unflatten(1, (count, -1)))
            torch.bmm(self.odd, mixed, out=odd_slope)
        squares = room.of(a, len(a), self.even.shape[2], a.shape[2])
        filled = 0
        for part in (odd, even):
            for rows, columns in _strips(part.shape[1]):
                left, right = part[:, rows, None], part[:, None, columns]
                width = left.shape[1] * right.shape[2]
                place = squares[:, filled : filled + width].unflatten(1, (left.shape[1], -1))
                torch.mul(left, right, out=place)
                filled += width
        torch.bmm(self.even, squares, out=even_slope)


@cache
def _by_feature(invariants: Invariants) -> _Matrices:
    order, count = _odd_first(invariants.lmax), _odd_components(invariants.lmax)
    order = torch.cat([order, torch.tensor([len(order)])])
    cubic = invariants.features[: invariants.cubic]
    tensors = torch.stack([_tensor(feature, invariants.lmax) for feature in cubic])
    tensors = tensors[:, order][:, :, order][:, :, :, order]
    odd = 2.0 * tensors[:, :count, :count, count:].flatten(2)
    parts = (slice(0, count), slice(count, len(order)))
    even = [
        _folded(tensors[:, count:, part, part], rows, columns)
        for part in parts
        for rows, columns in _strips(part.stop - part.start)
    ]
    return _Matrices(odd.contiguous(), torch.cat(even, dim=2).contiguous())


def _folded(square: Tensor, rows: slice, columns: slice) -> Tensor:
    """Coefficients of a strip's products, which stand for those below it as well."""
    strip = square[:, :, rows, columns].clone()
    strip[..., strip.shape[2] :] *= 2.0
    return strip.flatten(2)


def _tensor(feature: tuple[int, ...], lmax: int) -> Tensor:
    """T of a feature B = (1/3) a . T(a, a), symmetric, (components + 1,) * 3."""
    size = (lmax + 1) ** 2
    one = [slice(size, size + 1)] * (3 - len(feature))
    place = [slice(degree**2, (degree + 1) ** 2) for degree in feature] + one
    form = torch.zeros((size + 1,) * 3, dtype=torch.float64)
    if len(feature) == 1:
        form[tuple(place)] = 1.0
    elif len(feature) == 2:
        form[tuple(place)] = torch.eye(2 * feature[0] + 1, dtype=torch.float64)[:, :, None]
    else:
        form[tuple(place)] = wigner_3j(*feature, dtype=torch.float64)
    swapped = [form.permute(axes) for axes in permutations(range(3))]
    return 0.5 * torch.stack(swapped).sum(dim=0)


@cache
def _odd_first(lmax: int) -> Tensor:
    """Components of odd degree, then those of even degree."""
    blocks = [torch.arange(degree**2, (degree + 1) ** 2) for degree in range(lmax + 1)]
    return torch.cat([*blocks[1::2], *blocks[::2]])


@cache
def _degrees_odd_first(lmax: int) -> Tensor:
    return _odd_first(lmax).double().sqrt().floor().long()


def _odd_components(lmax: int) -> int:
    return sum(2 * degree + 1 for degree in range(1, lmax + 1, 2))


def _strips(size: int) -> Iterator[tuple[slice, slice]]:
    for start in range(0, size, _STRIP):
        yield slice(start, min(start + _STRIP, size)), slice(start, size)
