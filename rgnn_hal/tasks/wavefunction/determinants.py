"""Sums of Slater determinants, their local energy and every derivative by coefficient.

    psi_D = sum_d C_d D_d(up) D_d(down),       D = det Phi,   Phi_ij = phi_j(r_i),  B = Phi^-1

With a Jastrow factor exp(J) in front, the Hamiltonian acts on an orbital as
h_i = -1/2 lap_i - grad_i J . grad_i, and for one determinant

    h D / D = tr(B h),     d log D / dc_jm = (B chi)_jm =: T_jm,
    d(h D / D) / dc_jm = (B h chi)_jm - (B h Phi T)_jm

(Filippi, Assaraf and Moroni, J. Chem. Phys. 144, 194105 (2016)), summed over determinants with
weights w_d = C_d D_d / psi_D. All arrays run over walkers first; there is no loop over electrons.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.orbitals import OrbitalValues


@dataclass(frozen=True)
class Configurations:
    """Which orbitals every determinant occupies: (determinants, electrons) per spin."""

    up: Tensor
    down: Tensor

    @property
    def size(self) -> int:
        """Number of determinants."""
        return len(self.up)

    def by_spin(self) -> tuple[tuple[slice, Tensor], tuple[slice, Tensor]]:
        """Electrons and occupied orbitals of both spins."""
        up, down = self.up.shape[1], self.down.shape[1]
        return (slice(0, up), self.up), (slice(up, up + down), self.down)


@dataclass(frozen=True)
class Expansion:
    """psi_D at walkers."""

    logarithm: Tensor
    """log |psi_D|, (walkers,)."""
    sign: Tensor
    gradient: Tensor
    """grad_i log |psi_D|, (walkers, N, 3)."""
    energy: Tensor
    """sum_i h_i psi_D / psi_D, (walkers,)."""
    ratios: Tensor
    """D_d / psi_D, (walkers, determinants)."""
    energies: Tensor
    """sum_i h_i D_d / D_d, (walkers, determinants)."""
    inverses: tuple[Tensor, Tensor]
    """B of both spins, (walkers, determinants, orbital, electron)."""


def expand(
    configurations: Configurations, coefficients: Tensor, orbitals: OrbitalValues, h: Tensor
) -> Expansion:
    """Evaluate psi_D from orbitals at electrons; `h` (walkers, N, orbitals) is h_i phi_j(r_i)."""
    walkers = len(h)
    product = h.new_ones((walkers, configurations.size))
    energies = torch.zeros_like(product)
    slopes, inverses = [], []
    for electrons, occupied in configurations.by_spin():
        matrix = occupy(orbitals.value[:, electrons], occupied)
        determinant, inverse = invert(matrix)
        product = product * determinant
        energies = energies + (inverse.mT * occupy(h[:, electrons], occupied)).sum((2, 3))
        gradient = orbitals.gradient[:, electrons][..., occupied]  # walkers, i, xyz, d, j
        slopes.append(torch.einsum("wixdj,wdji->wdix", gradient, inverse))
        inverses.append(inverse)
    total = product @ coefficients
    ratios = product / total[:, None]
    weights = ratios * coefficients
    return Expansion(
        logarithm=total.abs().log(),
        sign=total.sign(),
        gradient=torch.einsum("wd,wdix->wix", weights, torch.cat(slopes, dim=2)),
        energy=(weights * energies).sum(1),
        ratios=ratios,
        energies=energies,
        inverses=(inverses[0], inverses[1]),
    )


def derivatives(
    configurations: Configurations,
    coefficients: Tensor,
    expansion: Expansion,
    basis: Tensor,
    h_basis: Tensor,
    h: Tensor,
) -> tuple[Tensor, Tensor]:
    """d psi_D / psi_D and h d psi_D / psi_D by C_d, then by c_mj: two (walkers, parameters).

    `basis` and `h_basis` (walkers, N, m) are chi and h chi; `h` (walkers, N, orbitals) h phi.
    """
    weights = expansion.ratios * coefficients
    walkers, functions, orbitals = len(basis), basis.shape[2], h.shape[2]
    plain = basis.new_zeros((walkers, orbitals, functions))
    acted = torch.zeros_like(plain)
    spins = zip(configurations.by_spin(), expansion.inverses, strict=True)
    for (electrons, occupied), inverse in spins:
        turn = torch.einsum("wdji,wim->wdjm", inverse, basis[:, electrons])
        act = torch.einsum("wdji,wim->wdjm", inverse, h_basis[:, electrons])
        act = act - (inverse @ occupy(h[:, electrons], occupied)) @ turn
        act = act + expansion.energies[:, :, None, None] * turn
        target = occupied.flatten()
        plain.index_add_(1, target, (weights[:, :, None, None] * turn).flatten(1, 2))
        acted.index_add_(1, target, (weights[:, :, None, None] * act).flatten(1, 2))
    return (
        torch.cat([expansion.ratios, plain.mT.flatten(1)], dim=1),
        torch.cat([expansion.ratios * expansion.energies, acted.mT.flatten(1)], dim=1),
    )


def occupy(orbitals: Tensor, occupied: Tensor) -> Tensor:
    """Columns of every determinant: (walkers, i, orbitals) -> (walkers, d, i, j)."""
    return orbitals[:, :, occupied].movedim(2, 1)


def determinants(matrix: Tensor) -> Tensor:
    """Of (..., n, n); 0, 1 and 2 by formula, since LAPACK costs a microsecond each."""
    size = matrix.shape[-1]
    if size == 0:
        return matrix.new_ones(matrix.shape[:-2])
    if size == 1:
        return matrix[..., 0, 0]
    if size == 2:
        return matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]
    determinant: Tensor = torch.linalg.det(matrix)
    return determinant


def invert(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Determinant and inverse of (..., n, n)."""
    determinant, size = determinants(matrix), matrix.shape[-1]
    if size == 0:
        return determinant, matrix
    if size == 1:
        return determinant, 1.0 / matrix
    if size == 2:
        a, b, c, d = (matrix[..., i, j] for i in (0, 1) for j in (0, 1))
        adjugate = torch.stack([d, -b, -c, a], dim=-1).reshape(matrix.shape)
        return determinant, adjugate / determinant[..., None, None]
    return determinant, torch.linalg.inv(matrix)
