"""The densities of `expansion` for predictions: atom by atom in tables of equal width.

    V_i = Y^T R,       dE/dd_e = (t - u (u . t)) / r + u s,
    t = sum_lm (G R)_lm grad R_lm(u),   s = sum_lm (G R')_lm Y_lm(u),   G = dE/dV_i

with d_e the displacement of an edge, u its direction, and R its radial functions in the slots of
the neighbour's types. Within a table both are matrix products per atom, and solid harmonics lower
their degree by one when differentiated, so that no gradient of any harmonic is ever stored. Rows
are filled up with edges that end on the cutoff, where R and R' vanish.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from rgnn_hal.structures import Graph, RadialBasis, TypeWeights, ladder, solid_harmonics

_EDGES = 2048
"""Of a table; 16 tables of it fit a cache of 2 MB."""


@dataclass(frozen=True)
class Neighbourhoods:
    """A graph's edges in tables, for degrees up to `lmax`."""

    graph: Graph
    types: TypeWeights
    radial: RadialBasis
    lmax: int
    tables: tuple[_Table, ...]

    @classmethod
    def of(
        cls,
        graph: Graph,
        radial: RadialBasis,
        lmax: int,
        types: TypeWeights,
        dtype: torch.dtype = torch.float64,
    ) -> Neighbourhoods:
        """Evaluate the basis on every edge, in `dtype`."""
        tables = tuple(_tables(graph, radial, lmax, types, dtype))
        return cls(graph, types, radial, lmax, tables)

    def densities(self) -> Tensor:
        """V, (atoms, (lmax+1)^2, types * n), as `expand` has it."""
        return torch.cat([table.harmonics @ table.radial.transpose(1, 2) for table in self.tables])

    def rises(self, slopes: Tensor) -> Tensor:
        """dE/d(displacement) of every edge, (edges, 3), from dE/dV of the shape of `densities`."""
        parts = slopes.split([len(table.radial) for table in self.tables])
        rises = torch.cat(
            [table.rises(part, self.lmax) for table, part in zip(self.tables, parts, strict=True)]
        )
        if len(self.types.edges):
            rises += self.types.rises(self.graph, self._pulls(slopes)).to(rises.dtype)
        return rises

    def _pulls(self, slopes: Tensor) -> Tensor:
        """dE/dw of atoms whose types change, by densities that they are in, (atoms, types)."""
        edges = self.types.touching(self.graph)
        displacement = self.graph.displacement[edges]
        distance = displacement.norm(dim=1)
        radial, _ = self.radial.evaluate(distance)
        harmonics = solid_harmonics(displacement / distance[:, None], self.lmax)
        own = slopes[self.graph.centre[edges]].double().unflatten(2, (-1, self.radial.size))
        pulls = torch.einsum("emtn,en,em->et", own, radial, harmonics)
        by_atom = torch.zeros_like(self.types.values)
        return by_atom.index_add_(0, self.graph.neighbour[edges], pulls)


@dataclass(frozen=True)
class _Table:
    """The edges of some atoms, (atoms, ..., width)."""

    harmonics: Tensor
    """Y_lm, (atoms, (lmax+1)^2, width)."""
    radial: Tensor
    """R in the slots of the neighbour's types, (atoms, types * n, width)."""
    slope: Tensor
    """R', likewise."""
    direction: Tensor
    """(atoms, 3, width)."""
    distance: Tensor
    """(atoms, 1, width)."""
    real: Tensor
    """Which are edges, (atoms, width)."""

    def rises(self, slopes: Tensor, lmax: int) -> Tensor:
        slopes = slopes.to(self.radial.dtype)
        lower = lmax**2
        steep = (slopes.transpose(1, 2) @ self.harmonics).mul_(self.slope)
        rise = self.direction * steep.sum(dim=1, keepdim=True)
        if lower:
            turned = _lowering(lmax, slopes.dtype).flatten(0, 1) @ slopes
            pulls = (turned @ self.radial).unflatten(1, (3, lower))
            pull = pulls.mul_(self.harmonics[:, None, :lower]).sum(dim=2)
            outward = (pull * self.direction).sum(dim=1, keepdim=True)
            rise += (pull - self.direction * outward) / self.distance
        return rise.transpose(1, 2)[self.real]


def _tables(
    graph: Graph, radial: RadialBasis, lmax: int, types: TypeWeights, dtype: torch.dtype
) -> Iterator[_Table]:
    count = torch.bincount(graph.centre, minlength=graph.atoms)
    first = torch.cumsum(count, 0) - count
    atoms = max(1, _EDGES // max(1, int(count.max())))
    for start in range(0, graph.atoms, atoms):
        some = slice(start, start + atoms)
        within = torch.arange(int(count[some].max()))
        real = within < count[some, None]
        edge = (first[some, None] + within).clamp(max=len(graph.centre) - 1)
        yield _table(graph, radial, lmax, types, edge, real, dtype)


def _table(
    graph: Graph,
    radial: RadialBasis,
    lmax: int,
    types: TypeWeights,
    edge: Tensor,
    real: Tensor,
    dtype: torch.dtype,
) -> _Table:
    displacement = graph.displacement[edge].to(dtype)
    displacement[~real] = displacement.new_tensor([radial.cutoff, 0.0, 0.0])
    distance = displacement.norm(dim=2)
    direction = displacement / distance[:, :, None]
    slots = types.values[graph.neighbour[edge].flatten()].T.to(dtype)

    def by_atom(values: Tensor) -> Tensor:
        return values.reshape(-1, *edge.shape).transpose(0, 1)

    harmonics = solid_harmonics(direction.flatten(0, 1), lmax).T
    values, slopes = (
        by_atom(_placed(part.T, slots)) for part in radial.evaluate(distance.flatten())
    )
    return _Table(
        by_atom(harmonics), values, slopes, direction.transpose(1, 2), distance[:, None], real
    )


def _placed(values: Tensor, slots: Tensor) -> Tensor:
    """Functions (n, edges) in slots (types, edges), (types * n, edges)."""
    return (slots[:, None] * values).flatten(0, 1)


@cache
def _lowering(lmax: int, dtype: torch.dtype) -> Tensor:
    """From components of degrees 0..lmax to those of 0..lmax-1 along x, y, z, (3, lower, all)."""
    lowering = torch.zeros((3, lmax**2, (lmax + 1) ** 2), dtype=torch.float64)
    for degree in range(1, lmax + 1):
        lower, upper = slice((degree - 1) ** 2, degree**2), slice(degree**2, (degree + 1) ** 2)
        lowering[:, lower, upper] = ladder(degree).transpose(0, 1)
    return lowering.to(dtype)
