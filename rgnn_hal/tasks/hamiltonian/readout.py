"""Trained readouts at work: blocks from what the macro says, without a matrix of features.

A block's tensors are a sum of what its own channels say (`Contraction`), of what its atoms gather,
read out once per atom and end however many pairs the atom is in, and of the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.reservoir.contraction import Contraction
from rgnn_hal.reservoir.equivariant import Axis
from rgnn_hal.structures import RadialBasis
from rgnn_hal.tasks.hamiltonian.blocks import BlockTensors, Kind, Oriented
from rgnn_hal.tasks.hamiltonian.features import Design, Geometry, Measured
from rgnn_hal.tasks.hamiltonian.sharing import Shares

_ROW_CHANNELS = 12_288
"""Of blocks at a time: they and what becomes of them stay in the processor's cache."""
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class GroupReadout:
    """All readouts of one group."""

    tensors: BlockTensors
    design: Design
    readouts: Mapping[Kind, FloatArray]
    """(columns, targets), columns as `Design` has them."""

    def geometry(self, vectors: FloatArray, radial: RadialBasis) -> Geometry:
        """Of bonds (rows, 3), with the harmonics that axis and baseline need."""
        if self.tensors.key.on_site:
            return Geometry.none(len(vectors))
        degrees = [degree for degree, _ in self.tensors.transforms]
        return Geometry.of(vectors, radial, max(self.design.products.lmax + 1, *degrees))

    def blocks(
        self, rows: Oriented, geometry: Geometry, measured: Measured, shares: Shares
    ) -> FloatArray:
        """(rows, n1, n2)."""
        step = max(1, _ROW_CHANNELS // self.design.products.channels)
        parts = [
            self._tensors(rows, slice(start, start + step), geometry, measured, shares)
            for start in range(0, len(rows.pair), step)
        ]
        found = {kind: torch.cat([part[kind] for part in parts]).numpy() for kind in self.readouts}
        return self.tensors.blocks(found, len(rows.pair))

    @property
    def ends(self) -> tuple[int, ...]:
        """Elements at which a row gathers."""
        key = self.tensors.key
        return (key.first,) if key.on_site else (key.first, key.second)

    @cached_property
    def gathered(self) -> tuple[dict[Kind, Tensor], ...]:
        """Readouts of what is gathered, per end and kind, (paths, channels, targets)."""
        ends, channels = len(self.ends), self.design.products.gathered
        parts = {kind: part for kind, (_, part, _) in self._parts.items() if len(part)}
        return tuple(
            {
                kind: part.reshape(ends, -1, channels, part.shape[1])[end]
                for kind, part in parts.items()
            }
            for end in range(ends)
        )

    def _tensors(
        self,
        rows: Oriented,
        some: slice,
        geometry: Geometry,
        measured: Measured,
        shares: Shares,
    ) -> dict[Kind, Tensor]:
        first, second, pair = (
            torch.from_numpy(index[some]) for index in (rows.first, rows.second, rows.pair)
        )
        bonds = geometry[some]
        if self.tensors.key.on_site:
            found = self._contraction.apply(measured.components.sites(first), None)
        else:
            axis = Axis(bonds.harmonics, measured.gates[pair])
            found = self._contraction.apply(measured.components.pairs(first, second), axis)
        for end, atoms in enumerate((first, second)[: len(self.ends)]):
            for kind in self.gathered[end]:
                found[kind] = found[kind] + shares.of(self.tensors.key, end, kind, atoms)
        return {kind: self._with_baseline(kind, values, bonds) for kind, values in found.items()}

    def _with_baseline(self, kind: Kind, values: Tensor, bonds: Geometry) -> Tensor:
        readout = self._parts[kind][2]
        degree, parity = kind
        if kind == (0, 0):
            values, readout = values + readout[0], readout[1:]
        if not self.tensors.key.on_site and parity == 0:
            harmonics = bonds.harmonics[degree**2 : (degree + 1) ** 2].T
            values = values + harmonics[:, :, None] * (bonds.radial @ readout)[:, None, :]
        return values

    @cached_property
    def _contraction(self) -> Contraction:
        own = {kind: parts[0] for kind, parts in self._parts.items()}
        return Contraction(self.design.products, own)

    @cached_property
    def _parts(self) -> dict[Kind, tuple[Tensor, Tensor, Tensor]]:
        """Readouts of the own channels, of what is gathered and of the baseline."""
        return {kind: self._split(kind) for kind in self.readouts}

    def _split(self, kind: Kind) -> tuple[Tensor, Tensor, Tensor]:
        readout = torch.from_numpy(self.readouts[kind])
        features = self.design.features(kind)
        gathered = self.design.products.gathered_features(*kind)
        return (
            readout[: features - gathered],
            readout[features - gathered : features],
            readout[features:],
        )
