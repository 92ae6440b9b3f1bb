"""The fixed part of the Jastrow factor: it makes the wavefunction's cusps exact.

    J = - sum_iA Z_A v_A(r_iA) + sum_i<j c_ij (1 - exp(-r_ij))

    v_A(r) = (1 - exp(-Z_A r)) / Z_A,       c = 1/2 for opposite spins, 1/4 for equal ones

v' = 1 at a nucleus, and v is constant beyond the core, so it corrects the tails of *other* atoms'
orbitals there; an atom's own basis functions carry its cusp already and divide exp(-Z v) out again
(`orbitals`). Everything else in the wavefunction is smooth at coalescences.
Kato, Commun. Pure Appl. Math. 10, 151 (1957); Pack and Byers Brown, J. Chem. Phys. 45, 556 (1966).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.molecule import Molecule


def nuclear_cusp(r: Tensor, charge: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """v, v' and v'' at distances r; `charge` broadcasts against them."""
    decay = torch.exp(-charge * r)
    return (1.0 - decay) / charge, decay, -charge * decay


@dataclass(frozen=True)
class FixedJastrow:
    """J of a molecule: `value` (walkers,), `gradient` (walkers, N, 3), `laplacian` (walkers,)."""

    value: Tensor
    gradient: Tensor
    laplacian: Tensor


def pair_strength(molecule: Molecule) -> Tensor:
    """c_ij, (N, N); zero on the diagonal."""
    up = torch.arange(molecule.electrons) < molecule.up
    strength = torch.where(up[:, None] == up[None, :], 0.25, 0.5).double()
    return strength.fill_diagonal_(0.0)


def fixed_jastrow(molecule: Molecule, positions: Tensor) -> FixedJastrow:
    """J and its derivatives at positions (walkers, N, 3)."""
    charges = molecule.charges
    arrow = positions[:, :, None] - molecule.nuclei
    r = arrow.norm(dim=-1)
    value, slope, curvature = nuclear_cusp(r, charges)
    total = -(charges * value).sum((1, 2))
    gradient = -((charges * slope / r)[..., None] * arrow).sum(2)
    laplacian = -(charges * (curvature + 2.0 * slope / r)).sum((1, 2))
    if molecule.electrons == 1:
        return FixedJastrow(total, gradient, laplacian)
    arrow = positions[:, :, None] - positions[:, None]
    r = arrow.norm(dim=-1) + torch.eye(molecule.electrons, dtype=arrow.dtype)
    strength, decay = pair_strength(molecule), torch.exp(-r)
    slope = strength * decay
    return FixedJastrow(
        total + 0.5 * (strength - slope).sum((1, 2)),
        gradient + ((slope / r)[..., None] * arrow).sum(2),
        laplacian + (slope * (2.0 / r - 1.0)).sum((1, 2)),
    )
