"""Metropolis walkers of a guide: psi without the frozen network, which the host knows alone.

    |guide|^2 = |psi_D exp(J_cusp + a . inputs)|^2,      w = |psi / guide|^2 = exp(2 a . network)

The network then is needed once per independent sample instead of once per move, a factor of ten or
more in products, and no noise of a macro can spoil detailed balance.

One electron moves at a time, by a Gaussian as wide as its distance from the nuclei suggests
(Umrigar, Phys. Rev. Lett. 71, 408 (1993), without drift), and the acceptance corrects for the width
of the way back. All walkers move at once. Every fifth sweep electrons hop instead, by the vector
from one nucleus to another: without, walkers of a stretched bond never see that its determinants
must cancel where both electrons sit on one atom (H2 at 6 bohr came out at -0.90 hartree).

Training draws from |guide|^(2 power) with a power below one, which visits rare places more often
than psi does: what no walker has seen there, a step may spoil.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters
from rgnn_hal.tasks.wavefunction.guide import Guide, Standing
from rgnn_hal.tasks.wavefunction.molecule import Molecule

_HOP_EVERY = 5
_TARGET = 0.5
"""Acceptance that step adaptation aims at."""


@dataclass
class Walkers:
    """A population on its way; the one thing here that has state."""

    positions: Tensor
    """(walkers, N, 3), bohr."""
    generator: torch.Generator
    step: float = 0.6
    """Width of a move in units of the local length."""
    accepted: int = 0
    proposed: int = 0

    @property
    def acceptance(self) -> float:
        """Fraction of moves since the counters were reset."""
        return self.accepted / max(self.proposed, 1)


def scatter(molecule: Molecule, walkers: int, seed: int) -> Walkers:
    """Electrons dealt to the nuclei, each with its charge's share, spins alternating.

    Half of the walkers get the opposite spins on every nucleus, so that both covalent structures of
    a stretched bond are there from the start.
    """
    generator = torch.Generator().manual_seed(seed)
    seats = [_seats(molecule, opposite) for opposite in (False, True)]
    choice = torch.arange(walkers) % 2
    home = torch.tensor(seats)[choice]
    spread = torch.randn((walkers, molecule.electrons, 3), generator=generator, dtype=torch.float64)
    size = (1.0 / molecule.charges.sqrt())[home]
    return Walkers(molecule.nuclei[home] + size[..., None] * spread, generator)


def _seats(molecule: Molecule, opposite: bool) -> list[int]:
    """The nucleus of every electron, up first."""
    left = [molecule.up, molecule.down]
    vacant = list(molecule.numbers)
    homes: list[list[int]] = [[], []]
    turn = int(opposite)
    for _ in range(molecule.electrons):
        nucleus = max(range(len(vacant)), key=lambda n: (vacant[n], -n))
        taken = sum(spin.count(nucleus) for spin in homes)
        spin = (turn + taken + nucleus) % 2
        spin = spin if left[spin] else 1 - spin
        left[spin] -= 1
        vacant[nucleus] -= 1
        homes[spin].append(nucleus)
    return homes[0] + homes[1]


def walk(
    ansatz: Ansatz,
    parameters: Parameters,
    walkers: Walkers,
    sweeps: int,
    *,
    adapt: bool = False,
    power: float = 1.0,
) -> Tensor:
    """Move every electron of every walker `sweeps` times.

    Half the logarithm of the density they sample, power * log |guide psi|, at the end (walkers,).
    """
    everyone = range(ansatz.molecule.electrons)
    standing = Standing(Guide.of(ansatz, parameters), walkers.positions)
    for sweep in range(sweeps):
        if len(ansatz.molecule.numbers) > 1 and sweep % _HOP_EVERY == 0:
            for electron in everyone:
                _step(standing, walkers, power, electron, *_hop(ansatz, walkers))
            continue
        before = walkers.accepted
        for electron in everyone:
            move = _move(ansatz, walkers, electron)
            walkers.accepted += _step(standing, walkers, power, electron, *move)
            walkers.proposed += len(walkers.positions)
        if adapt:
            rate = (walkers.accepted - before) / (len(everyone) * len(walkers.positions))
            walkers.step = min(max(walkers.step * math.exp(0.5 * (rate - _TARGET)), 0.01), 5.0)
    return power * standing.logarithm


def _move(ansatz: Ansatz, walkers: Walkers, electron: int) -> tuple[Tensor, Tensor]:
    """Displacements (walkers, 3) and log of the proposal's ratio, back over forth."""
    here = walkers.positions[:, electron]
    width = walkers.step * local_length(ansatz.molecule, here)
    noise = torch.randn(here.shape, generator=walkers.generator, dtype=torch.float64)
    shift = width[:, None] * noise
    back = walkers.step * local_length(ansatz.molecule, here + shift)
    square = noise.square().sum(1)
    ratio = width / back
    return shift, 3.0 * ratio.log() + 0.5 * square * (1.0 - ratio**2)


def _hop(ansatz: Ansatz, walkers: Walkers) -> tuple[Tensor, Tensor]:
    """From near one nucleus to as near another; as likely as the way back."""
    nuclei, count = ansatz.molecule.nuclei, len(walkers.positions)
    first = torch.randint(len(nuclei), (count,), generator=walkers.generator)
    other = torch.randint(1, len(nuclei), (count,), generator=walkers.generator)
    shift = nuclei[(first + other) % len(nuclei)] - nuclei[first]
    return shift, torch.zeros(count, dtype=torch.float64)


def _step(
    standing: Standing,
    walkers: Walkers,
    power: float,
    electron: int,
    shift: Tensor,
    log_ratio: Tensor,
) -> int:
    """Metropolis' choice for one electron of every walker; how many moved."""
    move, gain = standing.consider(electron, walkers.positions[:, electron] + shift)
    chance = torch.rand(len(shift), generator=walkers.generator, dtype=torch.float64)
    taken = chance.log() < log_ratio + 2.0 * power * gain
    standing.take(move, taken)
    return int(taken.sum())


def local_length(molecule: Molecule, point: Tensor) -> Tensor:
    """The length over which psi changes at points (walkers, 3), bohr."""
    distance: Tensor = (point[:, None] - molecule.nuclei).norm(dim=-1)
    near = distance + 1.0 / molecule.charges
    return (near / (1.0 + 0.3 * near)).amin(dim=1)
