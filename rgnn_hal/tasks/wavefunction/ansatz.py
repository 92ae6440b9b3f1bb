"""The trial wavefunction and its local energy.

    psi(R) = sum_d C_d D_d(up) D_d(down) * exp(J_cusp(R) + sum_k a_k F_k(R))

Trained: the orbitals' coefficients, C_d and the head a_k. F_k are the inputs of the frozen network
summed over pairs (`pairs`), then what it makes of them (`features`): all smooth and symmetric, so
that neither the cusps nor the antisymmetry depend on what the macro holds. With features given as
jets, everything here is exact algebra in the derivatives:

    E_L = sum_i h_i psi_D / psi_D - 1/2 (lap J + |grad J|^2) + V,
    H d psi / psi for a_k:  F_k E_L - 1/2 lap F_k - grad F_k . grad log psi
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.cusps import FixedJastrow, fixed_jastrow
from rgnn_hal.tasks.wavefunction.determinants import Configurations, derivatives, expand
from rgnn_hal.tasks.wavefunction.jet import Jet, concatenate
from rgnn_hal.tasks.wavefunction.molecule import Molecule
from rgnn_hal.tasks.wavefunction.orbitals import OrbitalValues, SlaterBasis
from rgnn_hal.tasks.wavefunction.pairs import PairInputs


@dataclass(frozen=True)
class Parameters:
    """What is trained."""

    coefficients: Tensor
    """C_d, (determinants,)."""
    orbitals: Tensor
    """c_mj, (basis functions, orbitals)."""
    head: Tensor
    """a_k, (features,)."""

    @property
    def size(self) -> int:
        """How many numbers."""
        return self.coefficients.numel() + self.orbitals.numel() + self.head.numel()

    def moved(self, step: Tensor) -> Parameters:
        """These parameters and a step (size,) in the order of `Local.derivative`."""
        parts = torch.split(
            step, [self.coefficients.numel(), self.orbitals.numel(), self.head.numel()]
        )
        return Parameters(
            self.coefficients + parts[0],
            self.orbitals + parts[1].reshape(self.orbitals.shape),
            self.head + parts[2],
        )


@dataclass(frozen=True)
class Local:
    """The wavefunction at walkers: logarithm of |psi|, its sign and E_L, each (walkers,)."""

    logarithm: Tensor
    sign: Tensor
    energy: Tensor


@dataclass(frozen=True)
class Derivatives:
    """`plain` d psi / psi and `acted` H d psi / psi by every parameter, (walkers, parameters)."""

    plain: Tensor
    acted: Tensor


@dataclass(frozen=True)
class Scene:
    """What does not depend on parameters, at positions (walkers, N, 3); worth keeping."""

    basis: OrbitalValues
    jastrow: FixedJastrow
    potential: Tensor
    features: Jet | None
    """F with gradients over the 3 N coordinates."""

    @property
    def walkers(self) -> int:
        """How many."""
        return len(self.potential)

    def part(self, walkers: slice) -> Scene:
        """Some of the walkers."""
        features = self.features
        return Scene(
            OrbitalValues(
                self.basis.value[walkers],
                self.basis.gradient[walkers],
                self.basis.laplacian[walkers],
            ),
            FixedJastrow(
                self.jastrow.value[walkers],
                self.jastrow.gradient[walkers],
                self.jastrow.laplacian[walkers],
            ),
            self.potential[walkers],
            None if features is None else features[walkers],
        )

    def joined(self, network: Jet) -> Scene:
        """The same walkers, seen by the network as well."""
        own = [] if self.features is None else [self.features]
        return replace(self, features=concatenate([*own, network]))


@dataclass(frozen=True)
class Ansatz:
    """The form of psi for one molecule."""

    molecule: Molecule
    basis: SlaterBasis
    configurations: Configurations

    @cached_property
    def inputs(self) -> PairInputs:
        """What the network sees, and the first of the features."""
        return PairInputs(self.molecule)

    @property
    def digital_features(self) -> int:
        """How many features need no network."""
        return self.inputs.kinds * self.inputs.size

    def scene(self, positions: Tensor, network: Jet | None) -> Scene:
        """Everything about positions (walkers, N, 3) that parameters do not change.

        `network` is its features there, if it has a share in psi.
        """
        features = None
        if self.molecule.electrons > 1:
            features = self.inputs.sum_by_spin(self.inputs.jets(positions))
        scene = Scene(
            self.basis.evaluate(positions),
            fixed_jastrow(self.molecule, positions),
            potential_energy(self.molecule, positions),
            features,
        )
        return scene if network is None else scene.joined(network)

    def local(self, scene: Scene, parameters: Parameters) -> Local:
        """psi and E_L."""
        return self._evaluate(scene, parameters, with_derivatives=False)[0]

    def differentiate(self, scene: Scene, parameters: Parameters) -> tuple[Local, Derivatives]:
        """psi, E_L and the derivatives by every parameter."""
        local, derivative = self._evaluate(scene, parameters, with_derivatives=True)
        assert derivative is not None
        return local, derivative

    def _evaluate(
        self, scene: Scene, parameters: Parameters, *, with_derivatives: bool
    ) -> tuple[Local, Derivatives | None]:
        jastrow, features = scene.jastrow, scene.features
        value, gradient, laplacian = jastrow.value, jastrow.gradient, jastrow.laplacian
        if features is not None:
            value = value + features.value @ parameters.head
            gradient = gradient + (features.gradient @ parameters.head).reshape(gradient.shape)
            laplacian = laplacian + features.laplacian @ parameters.head
        h_basis = -0.5 * scene.basis.laplacian - torch.einsum(
            "wix,wixm->wim", gradient, scene.basis.gradient
        )
        orbitals = scene.basis.combine(parameters.orbitals)
        h = h_basis @ parameters.orbitals
        expansion = expand(self.configurations, parameters.coefficients, orbitals, h)
        scalar = scene.potential - 0.5 * (laplacian + gradient.square().sum((1, 2)))
        local = Local(value + expansion.logarithm, expansion.sign, expansion.energy + scalar)
        if not with_derivatives:
            return local, None
        plain, acted = derivatives(
            self.configurations, parameters.coefficients, expansion, scene.basis.value, h_basis, h
        )
        acted = acted + scalar[:, None] * plain
        if features is not None:
            total = (gradient + expansion.gradient).flatten(1)
            kinetic = torch.einsum("wx,wxk->wk", total, features.gradient)
            kinetic = kinetic + 0.5 * features.laplacian
            plain = torch.cat([plain, features.value], dim=1)
            acted = torch.cat([acted, local.energy[:, None] * features.value - kinetic], dim=1)
        return local, Derivatives(plain, acted)


def potential_energy(molecule: Molecule, positions: Tensor) -> Tensor:
    """Coulomb energy of electrons (walkers, N, 3) and nuclei, hartree."""
    distance: Tensor = (positions[:, :, None] - molecule.nuclei).norm(dim=-1)
    attraction = molecule.charges / distance
    energy: Tensor = molecule.nuclear_repulsion - attraction.sum((1, 2))
    if molecule.electrons > 1:
        first, second = torch.triu_indices(molecule.electrons, molecule.electrons, 1)
        apart: Tensor = (positions[:, first] - positions[:, second]).norm(dim=-1)
        return energy + apart.reciprocal().sum(1)
    return energy
