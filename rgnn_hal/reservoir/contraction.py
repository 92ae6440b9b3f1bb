"""Products and their readouts in one: what a prediction needs, without the products.

    T_L = sum_p P_p(M, axis) theta_p,      P as in `equivariant`, theta frozen by training

The channels are summed as soon as theta allows. A pair's linear products are first summed over the
channels and then coupled to the axis, [(sum_k M_a,k g_k theta_k) (x) Y_b]_L, so that what is
coupled has as many columns as there are targets; every outer product is formed once and coupled to
all degrees that anything asks for. Same sums in another order: equal to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from rgnn_hal.reservoir.equivariant import (
    Axis,
    Components,
    Products,
    couple,
    coupling,
    linear_paths,
    other_channel,
    quadratic_paths,
)

Kind = tuple[int, int]
"""(degree, parity), as in `Products.values`."""


@dataclass(frozen=True)
class Contraction:
    """Readouts of every kind over the products of one set of centres."""

    products: Products
    readouts: Mapping[Kind, Tensor]
    """(features, targets), features in the order of `Products.values` without gathered ones."""

    def apply(self, M: Components, axis: Axis | None) -> dict[Kind, Tensor]:
        """Every kind's targets, (centres, 2 degree + 1, targets)."""
        found = self._quadratic(M)
        if axis is None:
            for (degree, parity), parts in self._parts.items():
                for theta, *_ in parts.linear.values():
                    _add_product(found[degree, parity], M[degree], theta)
            return {kind: total.transpose(0, 1) for kind, total in found.items()}
        gated = [_gated(part, axis.gates) for part in M]
        harmonics = axis.harmonics.T
        return {
            kind: parts.coupled(gated, harmonics).add_(found[kind].transpose(0, 1))
            for kind, parts in self._parts.items()
        }

    def _quadratic(self, M: Components) -> dict[Kind, Tensor]:
        """Quadratic products of every kind, (2 degree + 1, centres, targets)."""
        centres = M[0].shape[1]
        found = {
            (degree, parity): M[0].new_zeros((2 * degree + 1, centres, theta.shape[1]))
            for (degree, parity), theta in self.readouts.items()
        }
        N = [part[:, :, : self.products.quadratic] for part in M]
        partners = [N, [other_channel(part, 1) for part in N] if self._has_odd else N]
        for (a, b, parity), degrees in self._outer_products.items():
            coupled = couple(N[a], partners[parity][b], (a, b), degrees)
            for degree, part in zip(degrees, coupled, strict=True):
                kind = degree, parity
                _add_product(found[kind], part, self._parts[kind].quadratic[a, b])
        return found

    @cached_property
    def _has_odd(self) -> bool:
        return any(parity for _, _, parity in self._outer_products)

    @cached_property
    def _outer_products(self) -> dict[tuple[int, int, int], tuple[int, ...]]:
        """Degrees that every (a, b, parity) is coupled to."""
        found: dict[tuple[int, int, int], tuple[int, ...]] = {}
        for (degree, parity), parts in self._parts.items():
            for a, b in parts.quadratic:
                found[a, b, parity] = (*found.get((a, b, parity), ()), degree)
        return found

    @cached_property
    def _parts(self) -> dict[Kind, _Parts]:
        return {
            kind: _Parts.of(self.products, kind, theta) for kind, theta in self.readouts.items()
        }


def _gated(part: Tensor, gates: Tensor) -> Tensor:
    """M_a g, (pairs * (2a+1), channels), from (2a+1, pairs, channels)."""
    size, pairs, channels = part.shape
    opened = part.new_empty((pairs, size, channels))
    torch.mul(part.transpose(0, 1), gates[:, None], out=opened)
    return opened.flatten(0, 1)


def _add_product(total: Tensor, features: Tensor, theta: Tensor) -> None:
    """Add features (2L+1, centres, channels) @ theta to (2L+1, centres, targets), in place."""
    total.flatten(0, 1).addmm_(features.flatten(0, 1), theta)


@dataclass(frozen=True)
class _Parts:
    """One kind's readouts by path."""

    degree: int
    targets: int
    linear: dict[int, tuple[Tensor, int]]
    """Per a the readouts of all its paths (a, b), (channels, paths * targets), and their number."""
    quadratic: dict[tuple[int, int], Tensor]
    """(channels, targets)."""
    turn: Tensor
    """From the axis' harmonics to the matrices that couple all paths: (m_b, columns)."""
    columns: dict[int, slice]
    """Per a the columns of `turn`, (2L+1) * (2a+1) * paths."""

    @classmethod
    def of(cls, products: Products, kind: Kind, readout: Tensor) -> _Parts:
        degree, targets = kind[0], readout.shape[1]
        paths = linear_paths(products, *kind)
        size = len(paths) * products.channels
        thetas = readout[:size].reshape(len(paths), products.channels, targets)
        linear, turns = {}, []
        for a in sorted({a for a, _ in paths}):
            places = [place for place, path in enumerate(paths) if path[0] == a]
            theta = thetas[places].transpose(0, 1).flatten(1).contiguous()
            linear[a] = theta, len(places)
            turns.append(_turn(a, [paths[place][1] for place in places], degree))
        pairs = quadratic_paths(products, *kind)
        rest = readout[size:].reshape(len(pairs), products.quadratic, targets)
        most = max((len(turn) for turn in turns), default=1)
        wide = [torch.nn.functional.pad(turn, (0, 0, 0, most - len(turn))) for turn in turns]
        stops = torch.tensor([0, *(turn.shape[1] for turn in turns)]).cumsum(0).tolist()
        return cls(
            degree,
            targets,
            linear,
            dict(zip(pairs, rest, strict=True)),
            torch.cat(wide, dim=1) if wide else torch.zeros((1, 0)),
            dict(zip(linear, (slice(*ends) for ends in pairwise(stops)), strict=True)),
        )

    def coupled(self, gated: list[Tensor], harmonics: Tensor) -> Tensor:
        """Linear products of pairs, (pairs, 2L+1, targets)."""
        pairs, size = len(harmonics), 2 * self.degree + 1
        found = harmonics.new_zeros((pairs, size, self.targets))
        turns = harmonics[:, : len(self.turn)] @ self.turn
        for a, (theta, paths) in self.linear.items():
            summed = (gated[a] @ theta).view(pairs, (2 * a + 1) * paths, self.targets)
            turn = turns[:, self.columns[a]].unflatten(1, (size, -1))
            found.baddbmm_(turn, summed)
        return found


def _turn(a: int, axis_degrees: list[int], degree: int) -> Tensor:
    """Harmonics to matrices (2L+1, (2a+1) * paths) for one a: (m_b, their elements)."""
    top = max(axis_degrees)
    placed = torch.zeros(
        ((top + 1) ** 2, 2 * degree + 1, 2 * a + 1, len(axis_degrees)), dtype=torch.float64
    )
    for path, b in enumerate(axis_degrees):
        placed[b**2 : (b + 1) ** 2, :, :, path] = coupling(a, b, degree).permute(1, 2, 0)
    return placed.flatten(1)
