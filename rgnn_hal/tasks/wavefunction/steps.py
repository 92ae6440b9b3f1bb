"""Steps of the parameters that one sample suggests.

Linear method. With psi_p = d psi / dp - <d psi / dp> psi the best step in their span solves

    H x = E S x,       S_pq = <psi_p | psi_q>,   H_pq = <psi_p | H | psi_q>,     dp = x_p / x_0

in the non-symmetric form whose error vanishes with the variance (Nightingale and Melik-Alaverdian,
Phys. Rev. Lett. 87, 043401 (2001); Toulouse and Umrigar, J. Chem. Phys. 126, 084102 (2007)). A
shift of H's diagonal shortens the step.

Least squares. Close to an eigenstate the energy says little and E_L itself much; damped,

    min_dp <(E_L + sum_p dE_L/dp dp - E)^2>,       dE_L/dp = (H d psi / dp) / psi - E_L O_p
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from scipy.linalg.blas import dsyrk
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Derivatives, Local

_SHIFTS = (1e-3, 1e-2, 1e-1, 1.0)
_DAMPINGS = (1e-4, 1e-3, 1e-2, 1e-1)
_FLOOR = 1e-5
"""Added to S, whose diagonal is 1: directions that a sample cannot tell from nothing."""
_ITERATIONS = 8
_CONVERGED = 1e-8
"""Hartree. Most steps take three iterations."""


@dataclass(frozen=True)
class Moments:
    """Averages over a sample, psi_0 first."""

    overlap: Tensor
    """S."""
    hamiltonian: Tensor
    """H."""
    slopes: Tensor
    """<dE_L/dp dE_L/dq>, centred, without psi_0."""
    descent: Tensor
    """<dE_L/dp (E_L - E)>, without psi_0."""


def moments(parts: Iterable[tuple[Tensor, Local, Derivatives]], mean: float) -> Moments:
    """From walkers in parts: their shares of the whole sample (walkers,), E_L, and derivatives.

    `mean` is the energy.
    """
    overlap = hamiltonian = slopes = descent = torch.zeros((), dtype=torch.float64)
    for share, local, derivative in parts:
        energy, one = local.energy[:, None], torch.ones_like(share)[:, None]
        plain = torch.cat([one, derivative.plain], dim=1)
        acted = torch.cat([energy, derivative.acted], dim=1)
        rise = torch.cat([one, derivative.acted - energy * derivative.plain], dim=1)
        root = share.sqrt()[:, None]
        overlap = overlap + _gram(root * plain)
        hamiltonian = hamiltonian + (share[:, None] * plain).T @ acted
        slopes = slopes + _gram(root * rise)
        descent = descent + (share * (local.energy - mean)) @ rise
    centre = torch.eye(len(overlap), dtype=overlap.dtype)
    centre[0, 1:] = -overlap[0, 1:]  # psi_p -> psi_p - <psi_p> psi_0
    mean_rise = slopes[0, 1:]
    return Moments(
        centre.T @ overlap @ centre,
        centre.T @ hamiltonian @ centre,
        slopes[1:, 1:] - mean_rise[:, None] * mean_rise,
        descent[1:] - mean_rise * descent[0],
    )


def candidates(averages: Moments) -> list[tuple[str, Tensor]]:
    """Named steps (parameters,) worth trying."""
    return [
        *((f"linear {shift:g}", linear_step(averages, shift)) for shift in _SHIFTS),
        *((f"squares {damping:g}", squares_step(averages, damping)) for damping in _DAMPINGS),
    ]


def linear_step(averages: Moments, shift: float) -> Tensor:
    """By inverse iteration towards the state that psi_0 belongs to."""
    scale = _inverse_norm(averages.overlap)
    s = averages.overlap * scale * scale[:, None]
    h = averages.hamiltonian * scale * scale[:, None]
    energy = float(h[0, 0])
    s.diagonal()[1:] += _FLOOR
    h.diagonal()[1:] += shift + _FLOOR * energy
    dead = scale == 0
    s.diagonal()[dead], h.diagonal()[dead] = 1.0, energy + 1e3
    x = torch.zeros(len(s), dtype=s.dtype)
    x[0] = 1.0
    target = energy - 0.02 * abs(energy)
    for _ in range(_ITERATIONS):
        x = torch.linalg.solve(h - target * s, s @ x)
        x = x / x[0]
        before, target = target, float((h @ x)[0] / (s @ x)[0]) - 1e-6
        if abs(target - before) < _CONVERGED:
            break
    return (x * scale)[1:]


def squares_step(averages: Moments, damping: float) -> Tensor:
    """By normal equations in units that make their diagonal one."""
    scale = _inverse_norm(averages.slopes)
    normal = averages.slopes * scale * scale[:, None]
    normal.diagonal().add_(damping)
    step: Tensor = -scale * torch.linalg.solve(normal, scale * averages.descent)
    return step


def _gram(x: Tensor) -> Tensor:
    """x^T x, of which BLAS works out one triangle: moments are most of the host's arithmetic."""
    upper = torch.from_numpy(dsyrk(1.0, x.contiguous().numpy().T))
    return upper.triu() + upper.triu(1).T


def _inverse_norm(matrix: Tensor) -> Tensor:
    """1 / sqrt of the diagonal; 0 for directions that do nothing."""
    norm = matrix.diagonal().clamp_min(0.0).sqrt()
    return torch.where(norm > 1e-12 * norm.max(), 1.0 / norm, 0.0)
