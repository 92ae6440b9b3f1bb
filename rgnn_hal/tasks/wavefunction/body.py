"""The frozen body of a wavefunction: one network, held by a macro and known as its twin.

Both give the same features up to the macro's noise. The twin is the trial wavefunction,
the one that is trained; most of what its energy is measured with comes from the macro, and `energy`
says how the two make one unbiased number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from torch import Tensor

from rgnn_hal.analog import AnalogMatrix
from rgnn_hal.macro import Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reservoir import Mixing
from rgnn_hal.reservoir.frozen import FrozenWeights, freeze
from rgnn_hal.tasks.wavefunction.features import VECTORS, PairNetwork, standardised
from rgnn_hal.tasks.wavefunction.jet import Jet, stack_batches
from rgnn_hal.tasks.wavefunction.molecule import Molecule
from rgnn_hal.tasks.wavefunction.pairs import PairInputs
from rgnn_hal.tasks.wavefunction.recipe import WavefunctionRecipe

_PAIRS_PER_BLOCK = 512
"""Jets of so many pairs stay in a cache; whole populations spent a third of the time in the kernel,
fetching fresh pages."""


@dataclass(frozen=True)
class Body:
    """A network with its matrices, on a macro and as twins."""

    weights: FrozenWeights
    network: PairNetwork
    matrices: tuple[AnalogMatrix, ...]
    host: list[Mixing] = field(init=False)
    chip: list[Mixing] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", list(self.weights.digital()))
        object.__setattr__(self, "chip", [_SinglePrecision(matrix) for matrix in self.matrices])

    @classmethod
    def form(
        cls,
        molecule: Molecule,
        macro: Macro,
        recipe: WavefunctionRecipe,
        positions: Tensor,
        progress: Progress = silent,
    ) -> Body:
        """Form the matrices into `macro`; `positions` (walkers, N, 3) set the scales of layers."""
        widths = (PairInputs(molecule).size, *recipe.layers(molecule.electrons))
        shapes = list(pairwise(widths))
        weights = freeze(
            macro, shapes, fraction=recipe.fraction, seed=recipe.seed, progress=progress
        )
        network = standardised(
            molecule, positions, weights.digital(), gains=recipe.gains, seed=recipe.seed
        )
        return cls(weights, network, weights.thaw(macro, reads=recipe.reads))

    @property
    def features(self) -> int:
        """How many features a head weighs."""
        return self.network.size([matrix.shape[1] for matrix in self.matrices])

    def on_macro(self, positions: Tensor) -> Jet:
        """Features of walkers (walkers, N, 3), through the macro: noisy and counted."""
        return self._features(positions, self.chip)

    def on_host(self, positions: Tensor) -> Jet:
        """Features of walkers (walkers, N, 3), by the twin: exact."""
        return self._features(positions, self.host)

    def _features(self, positions: Tensor, mixings: list[Mixing]) -> Jet:
        walkers = max(1, _PAIRS_PER_BLOCK // len(self.network.inputs.opposite))
        blocks = positions.split(walkers)
        return stack_batches([self.network.features(block, mixings) for block in blocks])

    @property
    def macro_macs(self) -> int:
        """Multiply-accumulates of the network that the macro has done so far."""
        return sum(m.ledger.products * m.shape[0] * m.shape[1] for m in self.matrices)

    @property
    def walker_macs(self) -> int:
        """Multiply-accumulates of the features of one walker, wherever they are done."""
        shapes = [matrix.shape for matrix in self.matrices]
        return network_macs(shapes, len(self.network.inputs.opposite))

    @property
    def conversions(self) -> int:
        """Analog-to-digital conversions that took."""
        return sum(matrix.ledger.conversions for matrix in self.matrices)

    @property
    def products(self) -> int:
        """Vectors that the macro has multiplied so far."""
        return sum(matrix.ledger.products for matrix in self.matrices)


@dataclass(frozen=True)
class _SinglePrecision:
    """A matrix whose inputs travel as float32, four times faster through the emulator."""

    matrix: AnalogMatrix

    @property
    def weights(self) -> np.ndarray:
        return self.matrix.weights

    def product(self, x: np.ndarray) -> np.ndarray:
        return self.matrix.product(x.astype(np.float32))


def network_macs(shapes: Sequence[tuple[int, int]], pairs: int) -> int:
    """Multiply-accumulates of one walker's features with derivatives, in layers of `shapes`."""
    return pairs * VECTORS * sum(inputs * outputs for inputs, outputs in shapes)
