"""Types of atoms: an element's atoms that differ in the number of their bonded neighbours.

    q_iz = sum_j d(z_j = z) s(r_ij / (R_i + R_j)),      w_it ~ |q_i - n_t|^-2,      sum_t w_it = 1

R are covalent radii and s falls from 1 to 0 between 1.25 and 1.5, where molecules have no pair of
atoms: q is a whole number there, w is one or zero, and its slope vanishes. While a bond breaks w
goes over smoothly, with two continuous derivatives (Shepard's weights). What is learnt of an atom
then stands on its type: the same channels serve functions of smaller domains. Which neighbours
count, and which types there are, the training data say (`TypeCensus`): ten in aspirin, three in
amorphous Li3PO4, whose lithium has no bonds to count.
Cordero et al., Dalton Trans. 2832 (2008), for the radii; Shepard, Proc. ACM Natl. Conf. 517 (1968).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from ase.data import covalent_radii
from torch import Tensor

from rgnn_hal.structures.graph import Graph
from rgnn_hal.structures.radial import quintic_switch

_BONDED, _APART = 1.25, 1.5
"""In sums of covalent radii."""
_AMBIGUOUS = 0.01
"""Fraction of an element's atoms that may have a neighbour of a counted element in between."""
_RARE = 0.01
"""Fraction of an element's atoms below which they are no type of their own."""


@dataclass(frozen=True)
class TypeWeights:
    """How much of every type the atoms of a graph are."""

    values: Tensor
    """w, (atoms, types); rows add up to one."""
    edges: Tensor
    """Indices of the edges whose length changes w, (n,)."""
    slopes: Tensor
    """dw of the edge's centre by its displacement, (n, types, 3), per angstrom."""

    def touching(self, graph: Graph) -> Tensor:
        """Edges to neighbours whose weights change, (edges,)."""
        changing = torch.zeros(graph.atoms, dtype=torch.bool)
        changing[graph.centre[self.edges]] = True
        return torch.nonzero(changing[graph.neighbour])[:, 0]

    def rises(self, graph: Graph, pulls: Tensor) -> Tensor:
        """dE/d(displacement) of every edge, (edges, 3), from dE/dw (atoms, types)."""
        rises = pulls.new_zeros((len(graph.centre), 3))
        rises[self.edges] = (pulls[graph.centre[self.edges], None] @ self.slopes)[:, 0]
        return rises

    def motion(self, graph: Graph, velocity: Tensor) -> Tensor:
        """dw/dt, (atoms, types), of atoms that move by `velocity` (atoms, 3)."""
        centre, neighbour = graph.centre[self.edges], graph.neighbour[self.edges]
        change = self.slopes @ (velocity[neighbour] - velocity[centre])[:, :, None]
        return torch.zeros_like(self.values).index_add_(0, centre, change[..., 0])


@dataclass(frozen=True)
class AtomTypes:
    """The types of atoms of `elements` (atomic numbers)."""

    elements: tuple[int, ...]
    element: tuple[int, ...]
    """Of every type, its place in `elements`, ascending."""
    neighbours: tuple[tuple[int, ...], ...]
    """n of every type by element."""
    counted: tuple[tuple[bool, ...], ...]
    """Which elements count as neighbours of which, (elements, elements)."""

    @classmethod
    def of_elements(cls, elements: Sequence[int]) -> AtomTypes:
        """One type per element."""
        count = len(elements)
        nothing = ((0,) * count,) * count
        never = ((False,) * count,) * count
        return cls(tuple(elements), tuple(range(count)), nothing, never)

    def __len__(self) -> int:
        return len(self.element)

    def weights(self, graph: Graph) -> TypeWeights:
        """Of the atoms of a graph built for `elements`."""
        element = torch.tensor(self.element)
        own = graph.species[:, None] == element
        if not any(map(any, self.counted)):
            nowhere = torch.zeros(0, dtype=torch.int64)
            none = graph.displacement.new_zeros((0, len(self), 3))
            return TypeWeights(own.double(), nowhere, none)
        bonds = _Bonds.of(graph, self)
        apart = bonds.counts[:, None] - torch.tensor(self.neighbours, dtype=torch.float64)
        apart *= torch.tensor(self.counted)[element]
        square = torch.where(own, apart.square().sum(dim=2), torch.inf)
        least = square.min(dim=1, keepdim=True).values
        values = torch.where(square == least, 1.0, least / square)
        values /= values.sum(dim=1, keepdim=True)
        far = torch.where((square > 0.0) & own, square, torch.inf)
        steepness = -2.0 * apart / far[:, :, None]  # d ln |q - n|^-2 / dq
        mean = (values[:, :, None] * steepness).sum(dim=1, keepdim=True)
        slopes = values[:, :, None] * (steepness - mean)  # (atoms, types, elements)
        edges = torch.nonzero(bonds.slopes)[:, 0]
        kind = graph.species[graph.neighbour[edges]]
        outward = bonds.slopes[edges, None] * bonds.directions[edges]
        moving = slopes[graph.centre[edges], :, kind][:, :, None] * outward[:, None]
        return TypeWeights(values, edges, moving)


@dataclass(frozen=True)
class _Bonds:
    counts: Tensor
    """q, (atoms, elements)."""
    slopes: Tensor
    """ds/dr of every edge, (edges,), per angstrom."""
    directions: Tensor
    """(edges, 3)."""

    @classmethod
    def of(cls, graph: Graph, types: AtomTypes) -> _Bonds:
        """Of neighbours that count."""
        count = len(types.elements)
        radii = torch.from_numpy(covalent_radii[list(types.elements)])
        centre, neighbour = graph.species[graph.centre], graph.species[graph.neighbour]
        length = graph.displacement.norm(dim=1)
        scale = (radii[centre] + radii[neighbour]) * (_APART - _BONDED)
        place = length / scale - _BONDED / (_APART - _BONDED)
        bonded, slope = quintic_switch(place.clamp(min=0.0))
        counts = torch.tensor(types.counted)[centre, neighbour]
        total = length.new_zeros(graph.atoms * count)
        total.index_add_(0, graph.centre * count + neighbour, bonded * counts)
        directions = graph.displacement / length[:, None]
        return cls(total.reshape(graph.atoms, count), slope / scale * counts, directions)


Kind = tuple[int, ...]
"""Bonded neighbours by element."""


@dataclass
class TypeCensus:
    """Counts the neighbours that atoms of training data have, and says what types there are."""

    elements: tuple[int, ...]
    """Atomic numbers that graphs are built for."""
    _seen: Counter[tuple[int, tuple[tuple[int, int, int], ...]]] = field(default_factory=Counter)
    """Atoms by element and neighbours: (element, rounded q, whether q is no whole number)."""

    def add(self, graph: Graph) -> None:
        """Count a graph's atoms."""
        present, species = torch.unique(graph.species, return_inverse=True)
        elements = tuple(self.elements[place] for place in present.tolist())
        everything = ((True,) * len(elements),) * len(elements)
        every = AtomTypes(elements, (), (), everything)
        q = _Bonds.of(replace(graph, species=species), every).counts.numpy()
        whole = np.rint(q).astype(np.int64)
        rows = np.column_stack([species.numpy(), whole, np.abs(q - whole) > 1e-9])
        found, times = np.unique(rows, axis=0, return_counts=True)
        for (place, *numbers), count in zip(found.tolist(), times.tolist(), strict=True):
            parts = zip(elements, numbers[: len(elements)], numbers[len(elements) :], strict=True)
            neighbours = tuple(part for part in parts if any(part[1:]))
            self._seen[elements[place], neighbours] += count

    def types(self, most: int) -> AtomTypes:
        """Of all that was counted; at most so many, unless there are as many elements."""
        elements = tuple(sorted({element for element, _ in self._seen}))
        kinds = [self._kinds(element, elements) for element in elements]
        while sum(map(len, kinds)) > max(most, len(elements)):
            several = [found for found in kinds if len(found) > 1]
            fewest = min(several, key=lambda found: min(found.values()))
            del fewest[min(fewest, key=fewest.__getitem__)]
        element: list[int] = []
        neighbours: list[Kind] = []
        counted = []
        for place, found in enumerate(kinds):
            numbers = np.array(sorted(found))
            tells = np.ptp(numbers, axis=0) > 0
            element += [place] * len(found)
            neighbours += map(tuple, np.where(tells, numbers, 0).tolist())
            counted.append(tuple(tells.tolist()))
        return AtomTypes(elements, tuple(element), tuple(neighbours), tuple(counted))

    def _kinds(self, element: int, elements: tuple[int, ...]) -> dict[Kind, int]:
        """How many atoms of an element have what neighbours, rare ones left out."""
        own = {seen: times for (of, seen), times in self._seen.items() if of == element}
        atoms, between = sum(own.values()), Counter[int]()
        for seen, times in own.items():
            between.update({neighbour: times for neighbour, _, broken in seen if broken})
        kinds: Counter[Kind] = Counter()
        for seen, times in own.items():
            numbers = {neighbour: number for neighbour, number, _ in seen}
            kinds[
                tuple(
                    numbers.get(one, 0) if between[one] <= _AMBIGUOUS * atoms else 0
                    for one in elements
                )
            ] += times
        common = {kind: times for kind, times in kinds.items() if times >= _RARE * atoms}
        return common or dict(kinds.most_common(1))
