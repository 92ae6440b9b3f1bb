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

_ATOM_CHANNELS = 512
"""Of atoms that gather at a time."""
End = tuple[GroupKey, int]
"""A group and which end of its rows."""


@dataclass(frozen=True)
class Shares:
    """What every atom's gathering says to every group that has it as an end."""

    place: Tensor
    """Of every atom among those of its element, (atoms,)."""
    values: Mapping[tuple[End, Kind], Tensor]
    """(2L+1, atoms of the element, targets)."""

    def of(self, key: GroupKey, end: int, kind: Kind, atoms: Tensor) -> Tensor:
        """Of some atoms, (atoms, 2L+1, targets)."""
        return self.values[(key, end), kind][:, self.place[atoms]].transpose(0, 1)


@dataclass(frozen=True)
class Gathering:
    """Readouts of all that gathers at atoms of one element."""

    species: int
    """Place of the element among the model's."""
    products: Products
    """Of the end that gathers most channels."""
    readouts: Mapping[Kind, Tensor]
    """(paths, channels, targets of all ends)."""
    columns: Mapping[tuple[End, Kind], slice]
    """Which targets are whose."""

    @classmethod
    def of(
        cls, species: int, ends: Mapping[End, tuple[Products, Mapping[Kind, Tensor]]]
    ) -> Gathering:
        """From the products and the readouts (paths, channels, targets) of every end."""
        widest = max((products for products, _ in ends.values()), key=lambda each: each.gathered)
        readouts, columns = {}, {}
        for kind in sorted({kind for _, thetas in ends.values() for kind in thetas}):
            parts, start = [], 0
            for end, (products, thetas) in ends.items():
                if kind in thetas:
                    missing = widest.gathered - products.gathered
                    parts.append(torch.nn.functional.pad(thetas[kind], (0, 0, 0, missing)))
                    columns[end, kind] = slice(start, start := start + parts[-1].shape[2])
            readouts[kind] = torch.cat(parts, dim=2)
        return cls(species, widest, readouts, columns)

    def share(self, atoms: Tensor, measured: Measured) -> dict[tuple[End, Kind], Tensor]:
        """What the element's atoms say to every end."""
        step = max(1, _ATOM_CHANNELS // self.products.gathered)
        parts = [
            gather_targets(
                self.products, measured.components, measured.surroundings, some, self.readouts
            )
            for some in torch.split(atoms, step)
        ]
        whole = {kind: torch.cat([part[kind] for part in parts], dim=1) for kind in self.readouts}
        return {
            (end, kind): whole[kind][:, :, targets] for (end, kind), targets in self.columns.items()
        }


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
