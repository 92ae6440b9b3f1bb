"""A wavefunction's network with all weights trained: what the frozen one saves itself.

The same form of psi, the same walkers and start, but every matrix and bias is trained too, on the
host alone, by Adam on the gradient of the energy

    dE/dp = 2 < (E_L - E) d log psi / dp >

with automatic differentiation, the usual way to train such networks. It needs fresh walkers for
every step, where a frozen body's features serve for several. E_L is clipped at five mean absolute
deviations in the gradient, and nowhere else.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters
from rgnn_hal.tasks.wavefunction.determinants import determinants, occupy
from rgnn_hal.tasks.wavefunction.features import PairNetwork, Standard, standardised
from rgnn_hal.tasks.wavefunction.molecule import Molecule
from rgnn_hal.tasks.wavefunction.recipe import WavefunctionRecipe
from rgnn_hal.tasks.wavefunction.reference import ansatz_of, starting_orbitals
from rgnn_hal.tasks.wavefunction.sampler import Walkers, scatter, walk
from rgnn_hal.tasks.wavefunction.solve import FIRST_BURN_IN

_RATE = 3e-3
_AVERAGED = 20
"""Steps whose energies make the running one."""
_OUTLIER = 5.0


@dataclass(frozen=True)
class Training:
    """How far it came."""

    seconds: float
    """CPU time of this thread."""
    steps: int
    energy: float
    """Mean over the last steps, hartree."""
    standard_error: float
    variance: float
    """Of E_L, mean over the last steps, hartree^2."""
    reached: bool


@dataclass(frozen=True)
class _Batch:
    """What one population of walkers says about a wavefunction."""

    energy: float
    squared_error: float
    variance: float

    @classmethod
    def average(cls, batches: Collection[_Batch]) -> _Batch:
        """Of independent populations."""
        number = len(batches)
        return cls(
            sum(batch.energy for batch in batches) / number,
            sum(batch.squared_error for batch in batches) / number**2,
            sum(batch.variance for batch in batches) / number,
        )


@dataclass(frozen=True)
class _Matrix:
    """A layer on the host."""

    weights: NDArray[np.float64]

    def product(self, x: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(x) @ self.weights


@dataclass
class FullyTrained:
    """The network, its weights, and walkers."""

    ansatz: Ansatz
    network: PairNetwork
    walkers: Walkers
    sweeps: int
    weights: list[Tensor]
    """Matrices, biases, C_d, orbitals, head: all that is trained."""
    optimiser: torch.optim.Adam = field(init=False)

    def __post_init__(self) -> None:
        for weight in self.weights:
            weight.requires_grad_()
        self.optimiser = torch.optim.Adam(self.weights, lr=_RATE)

    @classmethod
    def begin(cls, molecule: Molecule, recipe: WavefunctionRecipe) -> FullyTrained:
        """Random matrices, and the start that a frozen body has."""
        ansatz, generator = ansatz_of(molecule), torch.Generator().manual_seed(recipe.seed)
        walkers = scatter(molecule, recipe.walkers, recipe.seed)
        widths = recipe.layers(molecule.electrons)
        sizes = (ansatz.inputs.size, *widths)
        matrices = [
            torch.randn(shape, generator=generator, dtype=torch.float64)
            for shape in pairwise(sizes)
        ]
        mixings = [_Matrix(matrix.numpy()) for matrix in matrices]
        network = standardised(
            molecule, walkers.positions, mixings, gains=recipe.gains, seed=recipe.seed
        )
        coefficients = torch.zeros(ansatz.configurations.size, dtype=torch.float64)
        coefficients[0] = 1.0
        head = torch.zeros(ansatz.digital_features + network.size(widths)).double()
        orbitals = starting_orbitals(molecule, ansatz.basis, seed=recipe.seed)
        biases = [standard.bias.clone() for standard in network.standards]
        weights = [*matrices, *biases, coefficients, orbitals, head]
        run = cls(ansatz, network, walkers, recipe.sweeps, weights)
        walk(ansatz, run.parameters, walkers, FIRST_BURN_IN, adapt=True)
        return run

    @property
    def parameters(self) -> Parameters:
        """Those that a frozen body trains as well."""
        return Parameters(*(weight.detach() for weight in self.weights[-3:]))

    def train(self, target: float, seconds: float, *, variance: float = math.inf) -> Training:
        """Step until it is good enough or the CPU time is used up.

        Args:
            target: running energy to come down to, hartree.
            seconds: of CPU time.
            variance: running variance of E_L to come down to as well, hartree^2.
        """
        start, steps, recent = time.thread_time(), 0, deque[_Batch](maxlen=_AVERAGED)
        while True:
            recent.append(self._step())
            steps += 1
            mean = _Batch.average(recent)
            used = time.thread_time() - start
            good = mean.energy <= target and mean.variance <= variance
            reached = good and len(recent) == _AVERAGED
            if reached or used > seconds:
                error = math.sqrt(mean.squared_error)
                return Training(used, steps, mean.energy, error, mean.variance, reached)

    def _step(self) -> _Batch:
        """One step of Adam; what the walkers said before it."""
        log_guide = walk(self.ansatz, self.parameters, self.walkers, self.sweeps)
        logarithm, energy = self._evaluate(self.walkers.positions)
        weight = torch.exp(2.0 * (logarithm.detach() - log_guide))
        weight = weight / weight.sum()
        mean = (weight * energy).sum()
        off = energy - mean
        limit = _OUTLIER * off.abs().mean()
        pull = off.clamp(-limit, limit)
        pull = pull - (weight * pull).sum()
        loss = 2.0 * (weight * pull * logarithm).sum()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return _Batch(
            float(mean), float((weight * off).square().sum()), float((weight * off.square()).sum())
        )

    def _evaluate(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """log |psi|, traced, and E_L, not traced, each (walkers,)."""
        layers = len(self.network.standards)
        standards = tuple(
            Standard(old.mean, old.scale, bias.detach())
            for old, bias in zip(
                self.network.standards, self.weights[layers : 2 * layers], strict=True
            )
        )
        mixings = [_Matrix(weight.detach().numpy()) for weight in self.weights[:layers]]
        features = PairNetwork(self.ansatz.molecule, standards).features(positions, mixings)
        local = self.ansatz.local(self.ansatz.scene(positions, features), self.parameters)
        return self._logarithm(positions), local.energy

    def _logarithm(self, positions: Tensor) -> Tensor:
        """log |psi|, traced."""
        layers = len(self.network.standards)
        coefficients, orbitals, head = self.weights[-3:]
        scene = self.ansatz.scene(positions, None)
        assert scene.features is not None
        hidden = self.network.inputs.jets(positions).value
        for standard, matrix, bias in zip(
            self.network.standards, self.weights[:layers], self.weights[layers:], strict=False
        ):
            hidden = torch.tanh(((hidden - standard.mean) * standard.scale) @ matrix + bias)
        pairs = hidden.reshape(len(positions), -1, hidden.shape[1])
        opposite = self.network.inputs.opposite
        kinds = [pairs[:, kind].sum(1) for kind in (opposite, ~opposite) if kind.any()]
        values = scene.basis.value @ orbitals
        product = torch.ones((), dtype=torch.float64)
        for who, occupied in self.ansatz.configurations.by_spin():
            product = product * determinants(occupy(values[:, who], occupied))
        known = torch.cat([scene.features.value, *kinds], dim=1)
        return (product @ coefficients).abs().log() + scene.jastrow.value + known @ head
