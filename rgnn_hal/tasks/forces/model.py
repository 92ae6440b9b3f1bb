"""A trained forces model: the recipe, the frozen weights it stands on, and the readout.

The model itself is hardware-free. Joined to mixings, on a macro or digital, it becomes a
`Predictor`, one structure in, energy and forces out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import ase
import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.macro import Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout import CompositionBaseline
from rgnn_hal.reservoir import TWIN, Gradients, Mixing, Prediction, Readout, Reservoir, predict
from rgnn_hal.reservoir.frozen import FrozenWeights
from rgnn_hal.reservoir.leverage import Leverage
from rgnn_hal.structures import AtomTypes, build_graph
from rgnn_hal.tasks.forces.dataset import composition
from rgnn_hal.tasks.forces.recipe import ForcesRecipe


@dataclass(frozen=True)
class ForcesModel:
    """What training leaves."""

    recipe: ForcesRecipe
    elements: tuple[int, ...]
    baseline: CompositionBaseline
    centre: NDArray[np.float64]
    """(elements, inputs): see `mean_environment`."""
    weights: FrozenWeights
    readout: NDArray[np.float64]
    """(columns,): see `rgnn_hal.reservoir.design_rows`."""
    macro_uri: str
    """Where the weights were formed."""
    record: Mapping[str, Any]
    """How it was trained: data, versions, figures, `Counts`. Predictions do not read it."""
    leverage: Leverage | None = None
    """Tells atoms that are unlike those of the training."""
    atom_types: AtomTypes | None = None
    """What has a readout of its own; elements by default."""

    def on_macro(
        self,
        macro: Macro,
        *,
        reads: int | None = None,
        gradients: Gradients = TWIN,
        progress: Progress = silent,
    ) -> "Predictor":
        """Predict through the hardware; `reads` as trained by default.

        Raises:
            NotSupportedError: the macro cannot go back by `gradients`; nothing happened to it.
            ConfigurationError: the macro does not hold the model's weights.
        """
        gradients.check(macro.spec)
        matrices = self.weights.thaw(macro, reads=reads or self.recipe.reads, progress=progress)
        return replace(self.with_mixings(gradients.prepared(matrices)), gradients=gradients)

    def on_twin(self) -> "Predictor":
        """Predict with the weights as read back at training: no hardware, no noise."""
        return self.with_mixings(self.weights.digital())

    def with_mixings(self, mixings: Sequence[Mixing]) -> "Predictor":
        """Predict through any mixings of the reservoir's shapes."""
        reservoir = Reservoir(
            self.elements, self.recipe.radial_basis, tuple(mixings), self.centre, self.atom_types
        )
        return Predictor(
            reservoir, self.baseline, torch.from_numpy(self.readout), leverage=self.leverage
        )


@dataclass(frozen=True)
class Predictor:
    """A model joined to the products it runs on."""

    reservoir: Reservoir
    baseline: CompositionBaseline
    readout: torch.Tensor
    gradients: Gradients = TWIN
    dtype: torch.dtype = torch.float64
    """Of edges and of the readout's products; energies are summed in float64."""
    leverage: Leverage | None = None

    def predict(self, atoms: ase.Atoms, *, where: str = "the structure") -> Prediction:
        """Energy (eV, with the baseline), its shares per atom, and forces (atoms, 3), eV/angstrom.

        Raises:
            DataError: elements that the model does not know, isolated atoms; `where` names them.
        """
        elements = self.reservoir.elements
        graph = build_graph(atoms, elements, self.reservoir.radial.cutoff, where=where)
        result = predict(self.reservoir, graph, self._readout, self.gradients)
        offsets = torch.from_numpy(self.baseline.energies)[graph.species]
        return replace(result, atom_energies=result.atom_energies + offsets)

    def grades(
        self, atoms: ase.Atoms, *, where: str = "the structure"
    ) -> NDArray[np.float64] | None:
        """How far each atom is from those of the training, (atoms,), by the twin; no hardware.

        1 is the farthest training atom; None for models from before grades were kept. Raises as
        `predict`.
        """
        if self.leverage is None:
            return None
        elements = self.reservoir.elements
        graph = build_graph(atoms, elements, self.reservoir.radial.cutoff, where=where)
        return self.leverage.grades(self.reservoir, graph)

    @cached_property
    def _readout(self) -> Readout:
        return Readout.of(self.reservoir, self.readout, self.dtype)

    def single(self) -> "Predictor":
        """The same in single precision where it matters for time and not for results.

        On ethanol energies change by 2e-6 eV and forces by 8e-6 eV/angstrom at most.
        """
        return replace(self, dtype=torch.float32)

    def verify(self) -> None:
        """Whether gradients are still those of the chip, by a few products; see `Gradients`.

        Raises:
            ConfigurationError: the digital twin is stale.
        """
        self.gradients.verify(self.reservoir)

    def composition(self, atoms: ase.Atoms) -> NDArray[np.float64]:
        """Atoms of each of the model's elements."""
        return composition(atoms.numbers, self.reservoir.elements)
