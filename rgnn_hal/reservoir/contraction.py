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
from typing import TypeVar

import torch
from torch import Tensor

from rgnn_hal.reservoir.equivariant import (
    Axis,
    Components,
    Products,
    couple,
    coupling,
    cubic_paths,
    linear_paths,
    other_channel,
    quadratic_paths,
)

Kind = tuple[int, int]
"""(degree, parity), as in `Products.values`."""
Triple = tuple[int, int, int]
Path = TypeVar("Path", bound=tuple[int, ...])


@dataclass(frozen=True)
class Contraction:
    """Readouts of every kind over the products of one set of centres."""

    products: Products
    readouts: Mapping[Kind, Tensor]
    """(features, targets), features in the order of `Products.values` without gathered ones."""

    def apply(self, M: Components, axis: Axis | None) -> dict[Kind, Tensor]:
        """Every kind's targets, (centres, 2 degree + 1, targets)."""
        found = self._of_atoms(M) if axis is None else self._of_pairs(M, axis)
        inner = self._add_quadratic(M, found)
        self._add_cubic([part[:, :, : self.products.cubic] for part in M], inner, found)
        return {kind: total.transpose(0, 1) for kind, total in found.items()}

    def _add_quadratic(self, M: Components, found: dict[Kind, Tensor]) -> dict[Triple, Tensor]:
        """Returns [M_a (x) M_b]_c, the inner products of cubic ones."""
        inner = {}
        for (a, b), (channels, tops) in self._pairs.items():
            few = M[a][:, :, :channels], M[b][:, :, :channels]
            for top, coupled in zip(tops, couple(*few, (a, b), tops), strict=True):
                inner[a, b, top] = coupled
                theta = self._quadratic(top, 0).get((a, b))
                if theta is not None:
                    found[top, 0] += coupled[:, :, : self.products.quadratic] @ theta
        N = [part[:, :, : self.products.quadratic] for part in M]
        for a, b, kinds in self._odd_pairs:
            partner = other_channel(N[b], 1)
            tops = tuple(degree for degree, _ in kinds)
            for kind, coupled in zip(kinds, couple(N[a], partner, (a, b), tops), strict=True):
                found[kind] += coupled @ self._quadratic(*kind)[a, b]
        return inner

    def _add_cubic(
        self, M: list[Tensor], inner: dict[Triple, Tensor], found: dict[Kind, Tensor]
    ) -> None:
        """Products of one (c, d) at once, whatever their inner pairs."""
        channels = self.products.cubic
        for (c, d, parity), (pairs, thetas) in self._outer.items():
            joined = torch.cat([inner[a, b, c][:, :, :channels] for a, b in pairs], dim=2)
            partner = other_channel(M[d], parity).repeat(1, 1, len(pairs))
            tops = tuple(thetas)
            for top, coupled in zip(tops, couple(joined, partner, (c, d), tops), strict=True):
                found[top, parity] += coupled @ thetas[top]

    def _of_atoms(self, M: Components) -> dict[Kind, Tensor]:
        """Linear products of atoms, (2 degree + 1, atoms, targets)."""
        found = {}
        for kind, parts in self._parts.items():
            degree, centres = kind[0], M[0].shape[1]
            targets = self.readouts[kind].shape[1]
            found[kind] = M[0].new_zeros((2 * degree + 1, centres, targets))
            for (a, _), theta in parts.linear.items():
                found[kind] += M[a] @ theta
        return found

    def _of_pairs(self, M: Components, axis: Axis) -> dict[Kind, Tensor]:
        """Linear products of pairs."""
        gated = [(part * axis.gates).transpose(0, 1) for part in M]
        return {kind: self._coupled(kind, gated, axis.harmonics.T) for kind in self._parts}

    def _coupled(self, kind: Kind, gated: list[Tensor], harmonics: Tensor) -> Tensor:
        degree, pairs = kind[0], len(harmonics)
        parts = self._parts[kind]
        targets = self.readouts[kind].shape[1]
        if not parts.linear:
            return harmonics.new_zeros((2 * degree + 1, pairs, targets))
        summed = torch.cat(
            [
                (gated[a] @ theta)
                .reshape(pairs, 2 * a + 1, -1, targets)
                .transpose(1, 2)
                .reshape(pairs, -1, targets)
                for a, theta in parts.linear_by_degree.items()
            ],
            dim=1,
        )
        turn = (harmonics[:, : len(parts.turn)] @ parts.turn).reshape(pairs, 2 * degree + 1, -1)
        return (turn @ summed).transpose(0, 1)

    def _quadratic(self, degree: int, parity: int) -> dict[tuple[int, int], Tensor]:
        parts = self._parts.get((degree, parity))
        return {} if parts is None else parts.quadratic

    @cached_property
    def _pairs(self) -> dict[tuple[int, int], tuple[int, tuple[int, ...]]]:
        """Channels and degrees of every pair whose degrees sum to an even number."""
        wanted: dict[tuple[int, int], tuple[int, set[int]]] = {}
        for (degree, parity), parts in self._parts.items():
            asked = [(a, b, degree, self.products.quadratic) for a, b in parts.quadratic]
            asked = asked if parity == 0 else []
            asked += [(a, b, c, self.products.cubic) for a, b, c, _ in parts.cubic]
            for a, b, top, channels in asked:
                most, tops = wanted.get((a, b), (0, set()))
                wanted[a, b] = max(most, channels), tops | {top}
        return {pair: (most, tuple(sorted(tops))) for pair, (most, tops) in wanted.items()}

    @cached_property
    def _odd_pairs(self) -> list[tuple[int, int, list[Kind]]]:
        kinds: dict[tuple[int, int], list[Kind]] = {}
        for kind, parts in self._parts.items():
            for path in parts.quadratic if kind[1] else ():
                kinds.setdefault(path, []).append(kind)
        return [(a, b, of) for (a, b), of in kinds.items()]

    @cached_property
    def _outer(self) -> dict[Triple, tuple[list[tuple[int, int]], dict[int, Tensor]]]:
        """Per (c, d, parity): pairs (a, b), and for every degree their readouts stacked."""
        paths: dict[Triple, dict[int, dict[tuple[int, int], Tensor]]] = {}
        for (degree, parity), parts in self._parts.items():
            for (a, b, c, d), theta in parts.cubic.items():
                paths.setdefault((c, d, parity), {}).setdefault(degree, {})[a, b] = theta
        return {
            key: (
                list(next(iter(tops.values()))),  # the same for all degrees, in the same order
                {top: torch.cat(list(thetas.values())) for top, thetas in tops.items()},
            )
            for key, tops in paths.items()
        }

    @cached_property
    def _parts(self) -> dict[Kind, _Parts]:
        return {
            kind: _Parts.of(self.products, kind, theta) for kind, theta in self.readouts.items()
        }


@dataclass(frozen=True)
class _Parts:
    """One kind's readouts by path."""

    linear: dict[tuple[int, int], Tensor]
    """(channels, targets)."""
    quadratic: dict[tuple[int, int], Tensor]
    cubic: dict[tuple[int, int, int, int], Tensor]
    linear_by_degree: dict[int, Tensor]
    """All paths (a, b) of one a, (channels, paths * targets)."""
    turn: Tensor
    """From the axis' harmonics to the matrices that couple all paths, (m_b, M * paths * m_a)."""

    @classmethod
    def of(cls, products: Products, kind: Kind, readout: Tensor) -> _Parts:
        linear, rest = _split(readout, linear_paths(products, *kind), products.channels)
        quadratic, rest = _split(rest, quadratic_paths(products, *kind), products.quadratic)
        cubic, rest = _split(rest, cubic_paths(products, *kind), products.cubic)
        assert not len(rest), "a readout of other products"
        by_degree = {
            a: torch.cat([theta for path, theta in linear.items() if path[0] == a], dim=1)
            for a in sorted({a for a, _ in linear})
        }
        return cls(linear, quadratic, cubic, by_degree, _turn(linear, kind[0]))


def _split(
    readout: Tensor, paths: tuple[Path, ...], channels: int
) -> tuple[dict[Path, Tensor], Tensor]:
    """Rows of every path, `channels` each, and what remains."""
    size = len(paths) * channels
    parts = readout[:size].reshape(len(paths), channels, readout.shape[1])
    return dict(zip(paths, parts, strict=True)), readout[size:]


def _turn(paths: dict[tuple[int, int], Tensor], degree: int) -> Tensor:
    top = max((b for _, b in paths), default=0)
    blocks = []
    for a, b in sorted(paths):
        placed = torch.zeros(((top + 1) ** 2, 2 * degree + 1, 2 * a + 1), dtype=torch.float64)
        placed[b**2 : (b + 1) ** 2] = coupling(a, b, degree).permute(1, 2, 0)
        blocks.append(placed)
    return torch.cat(blocks, dim=2).flatten(1) if blocks else torch.zeros((1, 0))
