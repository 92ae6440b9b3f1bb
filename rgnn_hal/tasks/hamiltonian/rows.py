"""Rows of one group in training: features of many blocks, chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.reservoir.pairs import PairReservoir
from rgnn_hal.tasks.hamiltonian.blocks import BlockTensors, Kind, Oriented
from rgnn_hal.tasks.hamiltonian.features import Design, Geometry, Measured

_VALUES_PER_BLOCK = 1_000_000  # 8 MB of features at a time


@dataclass(frozen=True)
class GroupRows:
    """Rows of one group with their geometry, ready to be turned into features chunk by chunk."""

    first: torch.Tensor
    second: torch.Tensor
    pair: torch.Tensor
    """Row of the gates."""
    atoms: torch.Tensor
    """That occur in the rows, each once."""
    places: torch.Tensor
    """Of first and second among them, (2, rows)."""
    geometry: Geometry
    on_site: bool

    @classmethod
    def of(
        cls,
        tensors: BlockTensors,
        rows: Oriented,
        vectors: NDArray[np.float64],
        reservoir: PairReservoir,
    ) -> GroupRows:
        """With the harmonics that axis and baseline need."""
        if tensors.key.on_site:
            geometry = Geometry.none(len(vectors))
        else:
            top = max(reservoir.own.lmax + 1, *(degree for degree, _ in tensors.transforms))
            geometry = Geometry.of(vectors, reservoir.radial, top)
        first, second, pair = map(torch.from_numpy, (rows.first, rows.second, rows.pair))
        atoms, places = torch.unique(torch.stack([first, second]), return_inverse=True)
        return cls(first, second, pair, atoms, places, geometry, tensors.key.on_site)

    def chunks(self, kind: Kind, columns: int) -> list[slice]:
        """Rows that fit into the processor's cache with all their features."""
        step = max(8, _VALUES_PER_BLOCK // ((2 * kind[0] + 1) * max(columns, 1)))
        return [slice(start, start + step) for start in range(0, len(self.first), step)]

    def gather(self, design: Design, kind: Kind, measured: Measured) -> torch.Tensor:
        """What the rows' atoms gather, once for all chunks: (atoms, 2L+1, features)."""
        return design.gather(kind, self.atoms, measured)

    def features(
        self, design: Design, kind: Kind, rows: slice, measured: Measured, gathered: torch.Tensor
    ) -> NDArray[np.float64]:
        """(rows, 2L+1, columns)."""
        first, second = self.first[rows], self.second[rows]
        ends = [gathered[self.places[0, rows]]]
        if self.on_site:
            return design.sites(kind, measured.components.sites(first), ends[0])
        ends.append(gathered[self.places[1, rows]])
        M, gates = measured.components.pairs(first, second), measured.gates[self.pair[rows]]
        return design.pairs(kind, M, torch.cat(ends, dim=2), self.geometry[rows], gates)
