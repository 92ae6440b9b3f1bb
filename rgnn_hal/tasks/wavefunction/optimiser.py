"""The linear method: the best step in the space that the parameters' derivatives span.

With psi_0 = psi and psi_p = d psi / dp - <d psi / dp> psi the step solves

    H x = E S x,       S_pq = <psi_p | psi_q>,   H_pq = <psi_p | H | psi_q>,     dp = x_p / x_0

estimated on one sample in the non-symmetric form whose error vanishes with the variance
(Nightingale and Melik-Alaverdian, Phys. Rev. Lett. 87, 043401 (2001); Toulouse and Umrigar, J.
Chem. Phys. 126, 084102 (2007)). Adding `shift` to the diagonal of H shortens the step. Several
shifts are tried and the winner is what lowers the reweighted energy of walkers that had no part in
S and H.

Features are cached with the walkers, so that steps on one sample need no more products.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters, Scene

_SHIFTS = (1e-3, 1e-2, 1e-1, 1.0)
_FLOOR = 1e-5
"""Added to S, whose diagonal is 1: directions that a sample cannot tell from nothing."""
_BLOCK = 1000
_OUTLIER = 10.0
"""Walkers whose E_L is this many mean absolute deviations off have no say in S and H."""
_LEAST_EFFICIENCY = 0.3
"""A step that leaves the sample less representative than this is too long for it."""


@dataclass(frozen=True)
class Sample:
    """Walkers with what is known about them, and the density they were drawn from."""

    scene: Scene
    log_guide: Tensor
    """log |guide psi|, (walkers,)."""

    def part(self, walkers: slice) -> Sample:
        """Some of the walkers."""
        return Sample(self.scene.part(walkers), self.log_guide[walkers])

    @property
    def size(self) -> int:
        """Number of walkers."""
        return len(self.log_guide)


@dataclass(frozen=True)
class Estimate:
    """A reweighted average over a sample."""

    energy: float
    error: float
    variance: float
    efficiency: float
    """(sum w)^2 / (n sum w^2): the share of the walkers that the weights leave."""


@dataclass(frozen=True)
class Step:
    """What one step of the linear method did."""

    parameters: Parameters
    before: Estimate
    after: Estimate
    shift: float
    clipped: float
    """Fraction of the walkers left out as outliers."""


def improve(ansatz: Ansatz, parameters: Parameters, sample: Sample) -> Step:
    """One step on `sample`; its last quarter chooses among the shifts."""
    seam = sample.size * 3 // 4
    judges = sample.part(slice(seam, None))
    overlap, hamiltonian, clipped = _matrices(ansatz, parameters, sample.part(slice(0, seam)))
    before = estimate(ansatz, parameters, judges)
    best = Step(parameters, before, before, float("inf"), clipped)
    for shift in _SHIFTS:
        candidate = parameters.moved(_solve(overlap, hamiltonian, shift))
        after = estimate(ansatz, candidate, judges)
        if after.efficiency > _LEAST_EFFICIENCY and _score(after) < _score(best.after):
            best = Step(candidate, before, after, shift, clipped)
    return best


def estimate(ansatz: Ansatz, parameters: Parameters, sample: Sample) -> Estimate:
    """The energy of `parameters` over `sample`."""
    logarithms, energies = [], []
    for block in _blocks(sample):
        local = ansatz.local(block.scene, parameters)
        logarithms.append(local.logarithm - block.log_guide)
        energies.append(local.energy)
    weight, energy = _normalised(torch.cat(logarithms)), torch.cat(energies)
    mean = (weight * energy).mean()
    spread = (weight * (energy - mean) ** 2).mean()
    error = (weight * (energy - mean)).square().mean().sqrt() / len(weight) ** 0.5
    return Estimate(float(mean), float(error), float(spread), float(1.0 / weight.square().mean()))


def _score(estimate: Estimate) -> float:
    return estimate.energy + estimate.error


def _matrices(
    ansatz: Ansatz, parameters: Parameters, sample: Sample
) -> tuple[Tensor, Tensor, float]:
    """S and H with psi_0 first, and the fraction of walkers left out of them."""
    logs, energies = [], []
    for block in _blocks(sample):
        local = ansatz.local(block.scene, parameters)
        logs.append(local.logarithm - block.log_guide)
        energies.append(local.energy)
    weight, energy = _normalised(torch.cat(logs)), torch.cat(energies)
    off = (energy - energy.median()).abs()
    kept = off <= _OUTLIER * off.mean()
    weight = weight * kept
    weight = weight / weight.sum()
    size = parameters.size + 1
    overlap = energy.new_zeros((size, size))
    hamiltonian = energy.new_zeros((size, size))
    start = 0
    for block in _blocks(sample):
        local, derivative = ansatz.differentiate(block.scene, parameters)
        part = weight[start : start + block.size, None]
        start += block.size
        plain = torch.cat([torch.ones_like(part), derivative.plain], dim=1)
        acted = torch.cat([local.energy[:, None], derivative.acted], dim=1)
        weighted = torch.where(part > 0, part * plain, 0.0).T
        overlap += weighted @ plain
        hamiltonian += weighted @ torch.where(part > 0, acted, 0.0)
    centre = torch.eye(size, dtype=energy.dtype)
    centre[0, 1:] = -overlap[0, 1:]  # psi_p -> psi_p - <psi_p> psi_0
    return (
        centre.T @ overlap @ centre,
        centre.T @ hamiltonian @ centre,
        1.0 - float(kept.double().mean()),
    )


def _solve(overlap: Tensor, hamiltonian: Tensor, shift: float) -> Tensor:
    """dp (parameters,) by inverse iteration towards the state that psi_0 belongs to."""
    norm = overlap.diagonal().clamp_min(0.0).sqrt()
    scale = torch.where(norm > 1e-12 * norm.max(), 1.0 / norm, 0.0)
    s = overlap * scale * scale[:, None]
    h = hamiltonian * scale * scale[:, None]
    ridge = torch.full((len(s) - 1,), 1.0, dtype=s.dtype)
    s.diagonal()[1:] += _FLOOR * ridge
    h.diagonal()[1:] += (shift + _FLOOR * h[0, 0]) * ridge
    dead = scale == 0
    s.diagonal()[dead] = 1.0
    h.diagonal()[dead] = h[0, 0] + 1e3
    x = torch.zeros(len(s), dtype=s.dtype)
    x[0] = 1.0
    target = h[0, 0] - 0.02 * h[0, 0].abs()
    for _ in range(8):
        x = torch.linalg.solve(h - target * s, s @ x)
        x = x / x[0]
        target = (h @ x)[0] / (s @ x)[0] - 1e-6
    return (x * scale)[1:]


def _normalised(log_ratio: Tensor) -> Tensor:
    """Weights |psi / guide|^2 of mean one."""
    weight = torch.exp(2.0 * (log_ratio - log_ratio.max()))
    return weight / weight.mean()


def _blocks(sample: Sample) -> list[Sample]:
    return [sample.part(slice(start, start + _BLOCK)) for start in range(0, sample.size, _BLOCK)]
