"""Random layers for pairs of atoms: what both atoms see, mixed into one set of channels.

    M_ij = V_i U_l + V_j P_l          per degree l, the same matrices for every m
    M_ii = V_i U_l,                   g_ij = R(r_ij) Q

V are the densities of `expansion`, so both terms are products per atom, and their number grows with
atoms, not with pairs; only the short radial vectors R go to the macro once a pair. U, P and Q are
frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.reservoir.equivariant import Components
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.reservoir.mixing import Mixing
from rgnn_hal.structures import Graph, RadialBasis


@dataclass(frozen=True)
class AtomComponents:
    """Every atom's share in the channels of itself and of its pairs."""

    own: Tensor
    """V U, ((lmax+1)^2, atoms, channels)."""
    partner: Tensor
    """V P, ((lmax+1)^2, atoms, channels)."""

    def sites(self, atoms: Tensor) -> Components:
        """M_ii of the atoms with these indices."""
        return _by_degree(self.own[:, atoms])

    def pairs(self, first: Tensor, second: Tensor) -> Components:
        """M_ij of pairs of indices."""
        return _by_degree(self.own[:, first] + self.partner[:, second])


@dataclass(frozen=True)
class PairReservoir:
    """Fixed layers for atoms and for pairs within `radial.cutoff` of each other."""

    own: Reservoir
    partner: Reservoir
    gate: Mixing
    radial: RadialBasis
    """Of pairs."""

    @classmethod
    def of_mixings(
        cls,
        elements: tuple[int, ...],
        density: RadialBasis,
        radial: RadialBasis,
        mixings: Sequence[Mixing],
        centre: NDArray[np.float64],
    ) -> PairReservoir:
        """From matrices in the order of `shapes`."""
        degrees = (len(mixings) - 1) // 2
        own, partner = tuple(mixings[:degrees]), tuple(mixings[degrees : 2 * degrees])
        return cls(
            Reservoir(elements, density, own, centre),
            Reservoir(elements, density, partner, centre),
            mixings[-1],
            radial,
        )

    @staticmethod
    def shapes(
        elements: int, density: RadialBasis, radial: RadialBasis, lmax: int, channels: int
    ) -> list[tuple[int, int]]:
        """Shapes (inputs, outputs) of all matrices: U by degree, P by degree, Q."""
        per_degree = (elements * density.size, channels)
        return [per_degree] * (2 * (lmax + 1)) + [(radial.size, channels)]

    def components(self, graph: Graph) -> AtomComponents:
        """Send every atom's density through U and P."""
        vectors = self.own.vectors(graph, self.own.basis(graph))
        return AtomComponents(self.own.mix(vectors), self.partner.mix(vectors))

    def gates(self, distances: Tensor) -> Tensor:
        """g, (pairs, channels), at distances (pairs,), angstrom."""
        if len(distances) == 0:
            return distances.new_zeros((0, self.own.channels))
        values, _ = self.radial.evaluate(distances)
        return torch.from_numpy(np.asarray(self.gate.product(values.numpy()), dtype=np.float64))


def _by_degree(components: Tensor) -> Components:
    lmax = round(len(components) ** 0.5) - 1
    return torch.split(components, [2 * degree + 1 for degree in range(lmax + 1)])
