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
from rgnn_hal.reservoir import EdgeBasis, Reservoir, energy_rows, force_rows
from rgnn_hal.reservoir.adjoint import apply_rows, apply_transpose
from rgnn_hal.reservoir.batch import Batch, Outputs
from rgnn_hal.structures import Graph, LabelledFrame, build_graph
from rgnn_hal.tasks.forces.dataset import composition
from rgnn_hal.tasks.forces.examples import Example

Rows = NDArray[np.floating]


@dataclass(frozen=True)
class Regression:
    """Turns frames into rows; it holds no hardware and can be sent to another process."""

    reservoir: Reservoir
    """On its digital twin."""
    baseline: CompositionBaseline
    energy_weight: float

    def example(self, frame: LabelledFrame) -> Example:
        """A frame, ready to be learnt from."""
        counts = composition(frame.atoms.numbers, self.reservoir.elements)
        energy = frame.energy - self.baseline.energy(counts)
        return Example(self.graph(frame.atoms, frame.where), energy, frame.forces)

    def rows(self, examples: Sequence[Example]) -> Iterator[tuple[Rows, NDArray[np.float64]]]:
        """Weighted rows (count, columns) and their targets (count,), in blocks.

        Features are in single precision. The energies come first, by themselves, then the forces.
        Molecules are worked on side by side.
        """
        batch = self.batch(examples)
        basis = self.reservoir.basis(batch.graph)
        components = self.reservoir.mix(self.reservoir.vectors(batch.graph, basis))
        targets, done = self.labels(examples).flat(), 0
        for block in self._design(batch, basis, components):
            yield block, targets[done : done + len(block)]
            done += len(block)

    def noise(self, atoms: ase.Atoms, hardware: Reservoir) -> Iterator[Rows]:
        """What a structure's rows on `hardware` have that the twin's have not, likewise."""
        batch = Batch.of([self.graph(atoms)])
        basis = self.reservoir.basis(batch.graph)
        vectors = self.reservoir.vectors(batch.graph, basis)
        clean, noisy = self.reservoir.mix(vectors), hardware.mix(vectors)
        blocks = zip(
            self._design(batch, basis, noisy), self._design(batch, basis, clean), strict=True
        )
        for measured, expected in blocks:
            yield measured - expected

    def batch(self, examples: Sequence[Example]) -> Batch:
        """Examples, one at least, side by side."""
        return Batch.of([example.graph for example in examples])

    def predicted(self, batch: Batch, columns: torch.Tensor) -> Outputs:
        """What a readout (columns,) says: weighted rows times it, without the rows."""
        found = apply_rows(self.reservoir, batch, columns)
        return Outputs(self.energy_weight * found.energies, found.forces)

    def labels(self, examples: Sequence[Example]) -> Outputs:
        """What it should say."""
        energies = [self.energy_weight * example.energy for example in examples]
        forces = np.concatenate([example.forces for example in examples])
        return Outputs(torch.tensor(energies, dtype=torch.float64), torch.from_numpy(forces))

    def moment(self, batch: Batch, residual: Outputs) -> torch.Tensor:
        """The transpose of weighted rows times a vector, (columns,)."""
        weighted = Outputs(self.energy_weight * residual.energies, residual.forces)
        return apply_transpose(self.reservoir, batch, weighted)

    def graph(self, atoms: ase.Atoms, where: str = "the structure") -> Graph:
        """A structure as the reservoir sees it."""
        elements, cutoff = self.reservoir.elements, self.reservoir.radial.cutoff
        return build_graph(atoms, elements, cutoff, where=where)

    def _design(self, batch: Batch, basis: EdgeBasis, components: torch.Tensor) -> Iterator[Rows]:
        components = components.float()
        yield self.energy_weight * energy_rows(self.reservoir, batch, components).numpy()
        for rows in force_rows(self.reservoir, batch.graph, basis, components):
            yield rows.numpy()
