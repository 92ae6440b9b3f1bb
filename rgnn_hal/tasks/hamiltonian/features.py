"""Rows of the regressions: what a block's tensors are in terms of the readouts.

A row of kind (L, parity) holds the reservoir's products and, at little penalty, the baseline
that needs no environment: a constant for L = 0, and the two-centre functions R_n(r) Y_L(r / |r|) of
a pair. Components m = -L..L are rows of their own with the same readout, so blocks turn exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.reservoir.equivariant import Axis, Components, Products
from rgnn_hal.reservoir.pairs import AtomComponents, Surroundings
from rgnn_hal.structures import RadialBasis, solid_harmonics
from rgnn_hal.tasks.hamiltonian.blocks import GroupKey, Kind
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe

_CONSTANT_PENALTY = 1e-7
_TWO_CENTRE_PENALTY = 1e-2  # 1e-7 fits no better, and goes astray beyond the distances seen
_ATOMS_PER_GATHERING = 64


@dataclass(frozen=True)
class Measured:
    """What the macro says about structures: all of its products, none of the labels."""

    components: AtomComponents
    surroundings: Surroundings
    gates: Tensor
    """Of pairs, (pairs, channels); zero on one atom."""


@dataclass(frozen=True)
class Geometry:
    """Bonds of pairs in the bases of the baseline; empty for atoms."""

    radial: Tensor
    """R_n, (pairs, n)."""
    harmonics: Tensor
    """Y_lm, ((top+1)^2, pairs)."""

    def __getitem__(self, rows: slice) -> Geometry:
        return Geometry(self.radial[rows], self.harmonics[:, rows])

    @classmethod
    def of(cls, vectors: NDArray[np.float64], radial: RadialBasis, top: int) -> Geometry:
        """Of bonds (pairs, 3), angstrom, none of them zero."""
        bonds = torch.from_numpy(vectors)
        distance = bonds.norm(dim=1)
        values, _ = radial.evaluate(distance)
        harmonics = solid_harmonics(bonds / distance[:, None], top)
        return cls(values, harmonics.T.contiguous())

    @classmethod
    def none(cls, count: int) -> Geometry:
        """Of `count` atoms."""
        return cls(torch.zeros((count, 0)), torch.zeros((0, count)))


@dataclass(frozen=True)
class Design:
    """The columns of a group's regressions."""

    key: GroupKey
    products: Products
    recipe: HamiltonianRecipe

    @classmethod
    def of(cls, key: GroupKey, recipe: HamiltonianRecipe) -> Design:
        """The recipe's columns for a group."""
        return cls(key, recipe.products(key.on_site), recipe)

    def penalty(self, kind: Kind) -> NDArray[np.float64]:
        """Of every column, (columns,)."""
        orders = self.products.orders(*kind).tolist()
        learnt = [self.recipe.penalty(order) for order in orders]
        baseline = [_CONSTANT_PENALTY] if kind == (0, 0) else []
        if not self.key.on_site and kind[1] == 0:
            baseline += [_TWO_CENTRE_PENALTY] * self.recipe.pair_radial
        return np.array([*learnt, *baseline])

    def features(self, kind: Kind) -> int:
        """Columns that come from the reservoir."""
        return len(self.products.orders(*kind))

    def gather(self, kind: Kind, atoms: Tensor, measured: Measured) -> Tensor:
        """What atoms gather from their neighbours, (atoms, 2L+1, features)."""
        parts = []
        for some in torch.split(atoms, _ATOMS_PER_GATHERING):
            centres, neighbours, axis = measured.surroundings.of(some)
            components = measured.components.neighbours(neighbours)
            parts.append(self.products.gather(components, axis, centres, len(some), *kind))
        return torch.cat(parts)

    def sites(self, kind: Kind, components: Components, gathered: Tensor) -> NDArray[np.float64]:
        """Rows of on-site blocks, (atoms, 2L+1, columns)."""
        values = self.products.values(components, None, gathered, *kind)
        return self._with_baseline(kind, values, Geometry.none(len(values)))

    def pairs(
        self,
        kind: Kind,
        components: Components,
        gathered: Tensor,
        geometry: Geometry,
        gates: Tensor,
    ) -> NDArray[np.float64]:
        """Rows of blocks between two atoms, (pairs, 2L+1, columns)."""
        axis = Axis(geometry.harmonics, gates)
        values = self.products.values(components, axis, gathered, *kind)
        return self._with_baseline(kind, values, geometry)

    def _with_baseline(self, kind: Kind, values: Tensor, geometry: Geometry) -> NDArray[np.float64]:
        parts = [values]
        degree, parity = kind
        if kind == (0, 0):
            parts.append(values.new_ones((len(values), 1, 1)))
        if not self.key.on_site and parity == 0:
            parts.append(two_centre(geometry, degree))
        rows: NDArray[np.float64] = torch.cat(parts, dim=2).numpy()
        return rows


def two_centre(geometry: Geometry, degree: int) -> Tensor:
    """R_n Y_Lm, (pairs, 2L+1, n)."""
    harmonics = geometry.harmonics[degree**2 : (degree + 1) ** 2]
    return harmonics.T[:, :, None] * geometry.radial[:, None, :]
