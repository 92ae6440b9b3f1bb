"""What gathering adds to blocks: read out once per atom, however many blocks the atom is in.

Groups gather at the ends of their rows, and what an atom of one element gathers is the same for all
of them. So the readouts of all groups and ends stand side by side, one matrix product per path of
products for all, and a block picks the columns of its group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.reservoir.equivariant import Products
from rgnn_hal.reservoir.gathering import gather_targets
from rgnn_hal.tasks.hamiltonian.blocks import GroupKey, Kind
from rgnn_hal.tasks.hamiltonian.features import Measured

_ATOM_CHANNELS = 2048
"""Of atoms that gather at a time."""
End = tuple[GroupKey, int]
"""A group and which end of its rows."""


@dataclass(frozen=True)
class Shares:
    """What every atom's gathering says to every group that has it as an end."""

    place: Tensor
    """Of every atom among those of its element, (atoms,)."""
    values: Mapping[tuple[End, Kind], Tensor]
    """(atoms of the element, 2L+1, targets)."""

    def of(self, key: GroupKey, end: int, kind: Kind, atoms: Tensor) -> Tensor:
        """Of some atoms, (atoms, 2L+1, targets)."""
        return self.values[(key, end), kind][self.place[atoms]]


@dataclass(frozen=True)
class Gathering:
    """Readouts of all that gathers at atoms of one element."""

    species: int
    """Place of the element among the model's."""
    edges: Products
    """Of the widest party."""
    parties: Sequence[Mapping[Kind, Tensor]]
    """Of ends that gather as many channels: (paths, channels, targets of all ends)."""
    columns: Sequence[Mapping[tuple[End, Kind], slice]]
    """Which targets of a party are whose."""

    @classmethod
    def of(
        cls, species: int, ends: Mapping[End, tuple[Products, Mapping[Kind, Tensor]]]
    ) -> Gathering:
        """From the products and the readouts (paths, channels, targets) of every end."""
        parties, columns = [], []
        for gathered in sorted({products.gathered for products, _ in ends.values()}):
            alike = {end: thetas for end, (its, thetas) in ends.items() if its.gathered == gathered}
            readouts, places = _side_by_side(alike)
            if readouts:
                parties.append(readouts)
                columns.append(places)
        widest = max((its for its, _ in ends.values()), key=lambda each: each.gathered)
        return cls(species, widest.edges, parties, columns)

    def share(self, atoms: Tensor, measured: Measured) -> dict[tuple[End, Kind], Tensor]:
        """What the element's atoms say to every end."""
        if not self.parties:
            return {}
        chunks = [
            gather_targets(
                self.edges, measured.components, measured.surroundings, some, self.parties
            )
            for some in torch.split(atoms, max(1, _ATOM_CHANNELS // self.edges.channels))
        ]
        shares = {}
        for party, columns in enumerate(self.columns):
            whole = {
                kind: torch.cat([chunk[party][kind] for chunk in chunks])
                for kind in self.parties[party]
            }
            for (end, kind), targets in columns.items():
                shares[end, kind] = whole[kind][:, :, targets]
        return shares


def _side_by_side(
    ends: Mapping[End, Mapping[Kind, Tensor]],
) -> tuple[dict[Kind, Tensor], dict[tuple[End, Kind], slice]]:
    """Readouts of all ends per kind, and the columns of every end."""
    readouts, columns = {}, {}
    for kind in sorted({kind for thetas in ends.values() for kind in thetas}):
        parts, start = [], 0
        for end, thetas in ends.items():
            if kind in thetas:
                parts.append(thetas[kind])
                columns[end, kind] = slice(start, start := start + parts[-1].shape[2])
        readouts[kind] = torch.cat(parts, dim=2)
    return readouts, columns


def share(gatherings: Sequence[Gathering], species: Tensor, measured: Measured) -> Shares:
    """All elements' shares, for atoms of `species` (atoms,)."""
    place = torch.zeros_like(species)
    values: dict[tuple[End, Kind], Tensor] = {}
    for gathering in gatherings:
        atoms = torch.nonzero(species == gathering.species).flatten()
        if len(atoms):
            place[atoms] = torch.arange(len(atoms))
            values |= gathering.share(atoms, measured)
    return Shares(place, values)
