"""What a frame says about the readout: weighted rows of the linear regression, and their noise.

The rows are those of the digital twin. What a product on the macro adds to them is measured on some
frames and becomes the penalty of the readout (`rgnn_hal.readout.noise`): rows that went through
the macro hold one draw of that noise, the penalty all of them. Force errors of 200 frames of
ethanol, 48 channels, rows measured at 1, 4 and 16 reads: 36.5, 30.6, 27.1 meV/A; rows of the twin
with the penalty: 29.8, 26.7, 24.7; without any noise 25.0. On the neurram preset, whose products
also deviate where reads do not help: 92.6 and 64.3 at 16 reads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ase
import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.readout import CompositionBaseline
from rgnn_hal.reservoir import EdgeBasis, Reservoir, energy_row, force_rows
from rgnn_hal.reservoir.adjoint import Batch, Outputs, apply_rows, apply_transpose
from rgnn_hal.structures import Graph, LabelledFrame, build_graph
from rgnn_hal.tasks.forces.dataset import composition

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """Turns frames into rows; it holds no hardware and can be sent to another process."""

    reservoir: Reservoir
    """On its digital twin."""
    baseline: CompositionBaseline
    energy_weight: float

    def rows(self, frame: LabelledFrame) -> Iterator[tuple[Rows, Rows]]:
        """Weighted rows (count, columns) and their targets (count,), in blocks.

        The energy comes first, by itself, then the forces.
        """
        graph, basis = self._expand(frame.atoms, frame.where)
        components = self.reservoir.mix(self.reservoir.vectors(graph, basis))
        targets, done = self._targets(frame), 0
        for block in self._design(graph, basis, components):
            yield block, targets[done : done + len(block)]
            done += len(block)

    def noise(self, atoms: ase.Atoms, hardware: Reservoir) -> Iterator[Rows]:
        """What a structure's rows on `hardware` have that the twin's have not, likewise."""
        graph, basis = self._expand(atoms)
        vectors = self.reservoir.vectors(graph, basis)
        clean, noisy = self.reservoir.mix(vectors), hardware.mix(vectors)
        blocks = zip(
            self._design(graph, basis, noisy), self._design(graph, basis, clean), strict=True
        )
        for measured, expected in blocks:
            yield measured - expected

    def batch(self, frames: Sequence[LabelledFrame]) -> Batch:
        """Frames, one at least, side by side."""
        return Batch.of([self.graph(frame.atoms, frame.where) for frame in frames])

    def predicted(self, batch: Batch, columns: torch.Tensor) -> Outputs:
        """What a readout (columns,) says: weighted rows times it, without the rows."""
        found = apply_rows(self.reservoir, batch, columns)
        return Outputs(self.energy_weight * found.energies, found.forces)

    def labels(self, frames: Sequence[LabelledFrame]) -> Outputs:
        """What it should say."""
        targets = [self._targets(frame) for frame in frames]
        energies = np.array([target[0] for target in targets])
        forces = np.concatenate([target[1:] for target in targets])
        return Outputs(torch.from_numpy(energies), torch.from_numpy(forces.reshape(-1, 3)))

    def moment(self, batch: Batch, residual: Outputs) -> torch.Tensor:
        """The transpose of weighted rows times a vector, (columns,)."""
        weighted = Outputs(self.energy_weight * residual.energies, residual.forces)
        return apply_transpose(self.reservoir, batch, weighted)

    def graph(self, atoms: ase.Atoms, where: str = "the structure") -> Graph:
        """A structure as the reservoir sees it."""
        elements, cutoff = self.reservoir.elements, self.reservoir.radial.cutoff
        return build_graph(atoms, elements, cutoff, where=where)

    def _expand(self, atoms: ase.Atoms, where: str = "the structure") -> tuple[Graph, EdgeBasis]:
        graph = self.graph(atoms, where)
        return graph, self.reservoir.basis(graph)

    def _design(self, graph: Graph, basis: EdgeBasis, components: torch.Tensor) -> Iterator[Rows]:
        yield self.energy_weight * energy_row(self.reservoir, graph, components)[None].numpy()
        for rows in force_rows(self.reservoir, graph, basis, components):
            yield rows.numpy()

    def _targets(self, frame: LabelledFrame) -> Rows:
        counts = composition(frame.atoms.numbers, self.reservoir.elements)
        energy = frame.energy - self.baseline.energy(counts)
        return np.concatenate([[self.energy_weight * energy], frame.forces.ravel()])
