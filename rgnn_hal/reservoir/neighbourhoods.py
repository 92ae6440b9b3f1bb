"""The densities of `expansion` for predictions: atom by atom in tables of equal width.

    V_i = Y^T R,       dE/dd_e = (t - u (u . t)) / r + u s,
    t = sum_lm (G R)_lm grad R_lm(u),   s = sum_lm (G R')_lm Y_lm(u),   G = dE/dV_i

with d_e the displacement of an edge, u its direction, and R its radial functions in the slots of
the neighbour's element. Within a table both are matrix products per atom, and solid harmonics lower
their degree by one when differentiated, so that no gradient of any harmonic is ever stored. Rows
are filled up with edges that end on the cutoff, where R and R' vanish.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.structures import Graph, RadialBasis, ladder, solid_harmonics

_EDGES = 2048
"""Of a table; 16 tables of it fit a cache of 2 MB."""


@dataclass(frozen=True)
class Neighbourhoods:
    """A graph's edges in tables, for `elements` elements and degrees up to `lmax`."""

    graph: Graph
    elements: int
    lmax: int
    tables: tuple[_Table, ...]

    @classmethod
    def of(cls, graph: Graph, radial: RadialBasis, lmax: int, elements: int) -> Neighbourhoods:
        """Evaluate the basis on every edge."""
        tables = tuple(_tables(graph, radial, lmax, elements))
        return cls(graph, elements, lmax, tables)

    def densities(self) -> Tensor:
        """V, (atoms, (lmax+1)^2, elements * n), as `expand` has it."""
        return torch.cat([table.harmonics.transpose(1, 2) @ table.radial for table in self.tables])

    def placed(self, values: Tensor) -> Tensor:
        """Radial functions (edges, n) in the slots of the neighbour's element, (edges, inputs)."""
        return _placed(values, self.graph.species[self.graph.neighbour], self.elements)

    def rises(self, slopes: Tensor) -> Tensor:
        """dE/d(displacement) of every edge, (edges, 3), from dE/dV of the shape of `densities`."""
        parts = slopes.split([len(table.radial) for table in self.tables])
        lowered = _lowering(self.lmax)
        return torch.cat(
            [table.rises(part, lowered) for table, part in zip(self.tables, parts, strict=True)]
        )


@dataclass(frozen=True)
class _Table:
    """The edges of some atoms, (atoms, width, ...)."""

    harmonics: Tensor
    """Y_lm, (atoms, width, (lmax+1)^2)."""
    radial: Tensor
    """R in the slots of the neighbour's element, (atoms, width, elements * n)."""
    slope: Tensor
    """R', likewise."""
    direction: Tensor
    """(atoms, width, 3)."""
    distance: Tensor
    """(atoms, width, 1)."""
    real: Tensor
    """Which are edges, (atoms, width)."""

    def rises(self, slopes: Tensor, lowered: Tensor) -> Tensor:
        lower = lowered.shape[1]
        along = ((self.harmonics @ slopes) * self.slope).sum(dim=2, keepdim=True)
        rise = self.direction * along
        if lower:
            turned = lowered.flatten(0, 1) @ slopes
            pulls = (self.radial @ turned.transpose(1, 2)).unflatten(2, (3, lower))
            pull = (pulls * self.harmonics[:, :, None, :lower]).sum(dim=3)
            outward = (pull * self.direction).sum(dim=2, keepdim=True)
            rise += (pull - self.direction * outward) / self.distance
        return rise[self.real]


def _tables(graph: Graph, radial: RadialBasis, lmax: int, elements: int) -> Iterator[_Table]:
    count = torch.bincount(graph.centre, minlength=graph.atoms)
    first = torch.cumsum(count, 0) - count
    atoms = max(1, _EDGES // max(1, int(count.max())))
    for start in range(0, graph.atoms, atoms):
        some = slice(start, start + atoms)
        within = torch.arange(int(count[some].max()))
        real = within < count[some, None]
        edge = (first[some, None] + within).clamp(max=len(graph.centre) - 1)
        yield _table(graph, radial, lmax, elements, edge, real)


def _table(
    graph: Graph, radial: RadialBasis, lmax: int, elements: int, edge: Tensor, real: Tensor
) -> _Table:
    displacement = graph.displacement[edge]
    displacement[~real] = displacement.new_tensor([radial.cutoff, 0.0, 0.0])
    distance = displacement.norm(dim=2, keepdim=True)
    direction = displacement / distance
    harmonics = solid_harmonics(direction.flatten(0, 1), lmax).unflatten(0, edge.shape)
    species = graph.species[graph.neighbour[edge]].flatten()
    values, slopes = (
        _placed(part, species, elements).unflatten(0, edge.shape)
        for part in radial.evaluate(distance.flatten())
    )
    return _Table(harmonics, values, slopes, direction, distance, real)


def _placed(values: Tensor, species: Tensor, elements: int) -> Tensor:
    slot = torch.nn.functional.one_hot(species, elements).to(values.dtype)
    return (slot[:, :, None] * values[:, None]).flatten(1)


def _lowering(lmax: int) -> Tensor:
    """From components of degrees 0..lmax to those of 0..lmax-1 along x, y, z, (3, lower, all)."""
    lowering = torch.zeros((3, lmax**2, (lmax + 1) ** 2), dtype=torch.float64)
    for degree in range(1, lmax + 1):
        lower, upper = slice((degree - 1) ** 2, degree**2), slice(degree**2, (degree + 1) ** 2)
        lowering[:, lower, upper] = ladder(degree).transpose(0, 1)
    return lowering
