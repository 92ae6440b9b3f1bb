"""Small wavefunctions with random parameters, on random matrices instead of a macro."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from rgnn_hal.reservoir import DigitalMixing
from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters, Scene
from rgnn_hal.tasks.wavefunction.features import PairNetwork, standardised
from rgnn_hal.tasks.wavefunction.molecule import Molecule
from rgnn_hal.tasks.wavefunction.orbitals import slater_basis
from rgnn_hal.tasks.wavefunction.pairs import PairInputs
from rgnn_hal.tasks.wavefunction.reference import pair_excitations, starting_orbitals
from rgnn_hal.tasks.wavefunction.sampler import scatter

torch.set_num_threads(1)


class Trial:
    """A wavefunction whose every parameter is random, network included."""

    def __init__(self, molecule: Molecule, seed: int = 0, widths: Sequence[int] = (6, 5)) -> None:
        rng = np.random.default_rng(seed)
        self.molecule = molecule
        self.ansatz = Ansatz(molecule, slater_basis(molecule), pair_excitations(molecule))
        sizes = (PairInputs(molecule).size, *widths)
        self.mixings = [DigitalMixing(rng.normal(size=shape)) for shape in pairwise(sizes)]
        self.network: PairNetwork | None = None
        head = 0
        if molecule.electrons > 1:
            self.network = standardised(
                molecule, self.positions(64), self.mixings, gains=(0.7, 0.7), seed=seed
            )
            head = self.ansatz.digital_features + self.network.size(widths)
        start = starting_orbitals(molecule, self.ansatz.basis)
        noise = torch.from_numpy(rng.normal(size=start.shape))
        coefficients = torch.from_numpy(rng.uniform(0.2, 1.0, self.ansatz.configurations.size))
        self.parameters = Parameters(
            coefficients, start + 0.02 * noise, torch.from_numpy(rng.normal(scale=0.1, size=head))
        )

    def positions(self, walkers: int, seed: int = 1) -> torch.Tensor:
        return scatter(self.molecule, walkers, seed).positions

    def value(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """sign and log |psi|."""
        local = self.ansatz.local(self.scene(positions), self.parameters)
        return local.sign, local.logarithm

    def scene(self, positions: torch.Tensor) -> Scene:
        network = self.network.features(positions, self.mixings) if self.network else None
        return self.ansatz.scene(positions, network)
