"""Products and their readouts in one: what a prediction needs, without the products.

    T_L = sum_p P_p(M, axis) theta_p,      P as in `equivariant`, theta frozen by training

The channels are summed as soon as theta allows. A pair's linear products are first summed over the
channels and then coupled to the axis, [(sum_k M_a,k g_k theta_k) (x) Y_b]_L, so that what is
coupled has as many columns as there are targets; inner products of cubic ones serve all kinds; no
matrix of all products is ever put together. Same sums in another order: equal to rounding.
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
    coupling,
    cubic_paths,
    linear_paths,
    other_channel,
    product,
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
        inner = self._inner(M)
        N = [part[:, :, : self.products.quadratic] for part in M]
        C = [part[:, :, : self.products.cubic] for part in M]
        for (degree, parity), total in found.items():
            rest = self._parts[degree, parity]
            for (a, b), theta in rest.quadratic.items():
                total += product(N[a], other_channel(N[b], parity), (a, b, degree)) @ theta
            for (a, b, c, d), theta in rest.cubic.items():
                partner = other_channel(C[d], parity)
                total += product(inner[a, b, c], partner, (c, d, degree)) @ theta
        return {kind: total.transpose(0, 1) for kind, total in found.items()}

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

    def _inner(self, M: Components) -> dict[Triple, Tensor]:
        few = [part[:, :, : self.products.cubic] for part in M]
        needed = {path[:3] for parts in self._parts.values() for path in parts.cubic}
        return {(a, b, c): product(few[a], few[b], (a, b, c)) for a, b, c in sorted(needed)}

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
