"""Cubic forms of a channel's components as matrices between products of them.

A feature of up to third order is (1/3) a . T(a, a) for a = (A, 1), whose slope is T(a, a), with a
symmetric tensor T; the one makes cubic forms of lower orders too. Parity leaves two blocks of T:
the slope of odd components is linear in products of odd and even ones, that of even ones in
products of two even or of two odd ones. So slopes of atoms n are two matrix products, and so is
the other way round what sum_n b_n . T(a_n, a_n) says of T.

Components are ordered (channels, components + 1, atoms), odd ones first, the constant last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, permutations
from math import isqrt

import torch
from e3nn.o3 import wigner_3j
from torch import Tensor

from rgnn_hal.reservoir.invariants import Invariants

_STRIP = 4  # products of components i, i + 1, ... with all from i on: a triangle in a few calls
_COLUMNS = 4096


def channel_blocks(channels: int, atoms: int) -> Iterator[slice]:
    """So many at a time that what calls cost no longer shows: products of theirs take 6 MB.

    With a quarter of that, near a cache of 1 MB, a prediction takes 182 us an atom instead of 158.
    """
    width = max(1, _COLUMNS // atoms)
    for start in range(0, channels, width):
        yield slice(start, start + width)


class Room:
    """Memory that is used again: taking new one costs more than what is put there."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, ...], Tensor] = {}
        self._zeros: dict[tuple[int, ...], Tensor] = {}

    def of(self, like: Tensor, *shape: int) -> Tensor:
        """A tensor of this shape, with anything in it."""
        if shape not in self._parts:
            self._parts[shape] = like.new_empty(shape)
        return self._parts[shape]

    def zeros(self, like: Tensor, *shape: int) -> Tensor:
        """Likewise, with zeros where nothing is ever put."""
        if shape not in self._zeros:
            self._zeros[shape] = like.new_zeros(shape)
        return self._zeros[shape]


@dataclass(frozen=True)
class ComponentProducts:
    """Of a channel's components, two at a time."""

    mixed: Tensor
    """Odd times even ones, (channels, products, atoms)."""
    squares: Tensor
    """Two odd or two even ones, likewise."""

    @classmethod
    def of(cls, a: Tensor, room: Room) -> ComponentProducts:
        """From `channel_components`; what is in `room` is overwritten by the next."""
        channels, size, atoms = a.shape
        count = odd_components(isqrt(size - 1) - 1)
        odd, even = a[:, :count], a[:, count:]
        mixed = room.of(a, channels, count, size - count, atoms)
        torch.mul(odd[:, :, None], even[:, None], out=mixed)
        pairs = [
            (part[:, rows, None], part[:, None, columns])
            for part in (odd, even)
            for rows, columns in _strips(part.shape[1])
        ]
        widths = [left.shape[1] * right.shape[2] for left, right in pairs]
        squares = room.of(a, channels, sum(widths), atoms)
        for (left, right), place in zip(pairs, squares.split(widths, dim=1), strict=True):
            torch.mul(left, right, out=place.unflatten(1, (left.shape[1], -1)))
        return cls(mixed.flatten(1, 2), squares)


@dataclass(frozen=True)
class CubicForms:
    """T of every channel, or of every feature, as matrices."""

    odd: Tensor
    """(channels, odd components, odd times even ones)."""
    even: Tensor
    """(channels, even components + 1, strips of two odd and of two even ones)."""

    @classmethod
    def zeros(cls, like: CubicForms, channels: int, dtype: torch.dtype) -> CubicForms:
        """Of channels that have no form yet."""
        parts = (part.new_zeros((channels, *part.shape[1:]), dtype=dtype) for part in like.parts)
        return cls(*parts)

    @property
    def parts(self) -> tuple[Tensor, Tensor]:
        """Both matrices."""
        return self.odd, self.even

    @property
    def bytes(self) -> int:
        """Of one channel."""
        return sum(part.element_size() * part[0].numel() for part in self.parts)

    def weighted(self, theta: Tensor) -> CubicForms:
        """Sums over features by theta (channels, features)."""
        parts = ((theta @ part.flatten(1)).unflatten(1, part.shape[1:]) for part in self.parts)
        return CubicForms(*parts)

    def to(self, dtype: torch.dtype) -> CubicForms:
        """In another precision."""
        return CubicForms(self.odd.to(dtype), self.even.to(dtype))

    def some(self, channels: slice) -> CubicForms:
        """Of some channels."""
        return CubicForms(self.odd[channels], self.even[channels])

    def slopes(self, products: ComponentProducts, odd_slope: Tensor, even_slope: Tensor) -> None:
        """Put T(a, a) into (channels, components, atoms) of odd, and of even ones and 1."""
        if self.odd.shape[1]:
            torch.bmm(self.odd, products.mixed, out=odd_slope)
        torch.bmm(self.even, products.squares, out=even_slope)

    def add_outer(self, b: Tensor, products: ComponentProducts) -> None:
        """Add sum_n b_n (a_n, a_n): its product with T is sum_n b_n . T(a_n, a_n)."""
        count = self.odd.shape[1]
        if count:
            self.odd.baddbmm_(b[:, :count], products.mixed.transpose(1, 2))
        self.even.baddbmm_(b[:, count:], products.squares.transpose(1, 2))

    def of_features(self, features: CubicForms) -> Tensor:
        """Its product with every feature's T, (channels, features)."""
        odd, even = (
            mine.flatten(1).to(theirs.dtype) @ theirs.flatten(1).T
            for mine, theirs in zip(self.parts, features.parts, strict=True)
        )
        return odd + even


@cache
def by_feature(invariants: Invariants) -> CubicForms:
    """T of every feature of up to third order."""
    order, count = odd_first(invariants.lmax), odd_components(invariants.lmax)
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
    return CubicForms(odd.contiguous(), torch.cat(even, dim=2).contiguous())


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
def odd_first(lmax: int) -> Tensor:
    """Components of odd degree, then those of even degree."""
    blocks = [torch.arange(degree**2, (degree + 1) ** 2) for degree in range(lmax + 1)]
    return torch.cat([*blocks[1::2], *blocks[::2]])


@cache
def degree_blocks(lmax: int) -> tuple[tuple[int, slice], ...]:
    """Degrees in that order, and where the components of each are."""
    degrees = [*range(1, lmax + 1, 2), *range(0, lmax + 1, 2)]
    ends = list(accumulate((2 * degree + 1 for degree in degrees), initial=0))
    return tuple(zip(degrees, map(slice, ends, ends[1:]), strict=False))


@cache
def lengths(lmax: int) -> Tensor:
    """Sums squared components to squared lengths of degrees, (lmax + 1, components + 1)."""
    sums = torch.zeros((lmax + 1, (lmax + 1) ** 2 + 1))
    for degree, rows in degree_blocks(lmax):
        sums[degree, rows] = 1.0
    return sums


def odd_components(lmax: int) -> int:
    """How many are of odd degree."""
    return sum(2 * degree + 1 for degree in range(1, lmax + 1, 2))


def _strips(size: int) -> Iterator[tuple[slice, slice]]:
    for start in range(0, size, _STRIP):
        yield slice(start, min(start + _STRIP, size)), slice(start, size)
