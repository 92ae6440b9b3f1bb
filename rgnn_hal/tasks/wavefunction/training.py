"""Training: samples of the guide, features of the twin on them, several steps on each.

The twin is what is trained, as it is what is measured. With features that a noisy macro gave, the
variance of E_L stayed at 8.5e-4 hartree^2 instead of 4.9e-4 (H2, mean of four chips, 75 s each).

Warm-up samples have no network in them and cost no products. Its first champion is therefore the
wavefunction without it: where the network does not help, that is what remains.

A sample's walkers follow |guide|^(2 * 0.8) (`sampler`), settle before they are drawn, and are first
of all judges of what the last sample made (`optimiser.contest`). If the challenger loses, steps go
on from the champion, on walkers that know where the challenger went wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz
from rgnn_hal.tasks.wavefunction.body import Body
from rgnn_hal.tasks.wavefunction.optimiser import NO_STEP, Estimate, Sample, contest, improve
from rgnn_hal.tasks.wavefunction.sampler import walk
from rgnn_hal.tasks.wavefunction.state import State
from rgnn_hal.tasks.wavefunction.work import HostWork

_KEPT, _LOST = "kept", "taken back"
NO_PROGRESS = (_KEPT, _LOST, NO_STEP)
"""Rows of a state's history that are contests, or searches in vain; the others are steps."""
WARM_UP = 4
"""Samples without features."""
_STEPS = 4
"""Most steps on one sample."""
_PATIENCE = 3
"""Contests that a champion wins before training ends."""
_POWER = 0.8
_SETTLE = 30
"""Sweeps after the parameters moved."""
_LEAST, _WARM_UP_LEAST = 1 / 3, 1 / 16
"""Of the walkers that a sample should have, if time is short; with fewer there is none."""
_WARM_UP_SHARE = 0.3
"""Of the time that is left, for one sample of the warm-up: in a minute it had taken all of H2's."""
_PER_PARAMETER = 20
"""Walkers that a sample has for each parameter at least, time permitting."""
_FEATURE_BYTES = 1.5e9
"""What cached features may take."""


@dataclass
class Trainer:
    """Trains the parameters of a state in place."""

    state: State
    ansatz: Ansatz
    work: HostWork
    tell: Callable[[str], None]

    def iterate(self, count: int, body: Body | None) -> None:
        """Draw about `count` walkers, settle the last contest on them, and step."""
        state = self.state
        sample = self._draw(count, body)
        self._judge(sample)
        for _ in range(_STEPS):
            step = improve(self.ansatz, state.parameters, sample)
            self.work.differentiate(sample.size * 3 // 4, state.parameters.size)
            self.work.evaluate(sample.size * 11 // 4)
            state.totals.clipped = max(state.totals.clipped, step.clipped)
            state.history.append(self._row(step.kind, sample, step.after, step.clipped))
            if step.kind == NO_STEP:
                break
            state.parameters = step.parameters
        state.iteration += 1

    def finish(self, count: int, body: Body | None) -> None:
        """The last contest; the champion stays."""
        self._judge(self._draw(count, body))

    @property
    def finished(self) -> bool:
        """Whether all samples are used up, or the network's last few brought nothing."""
        state = self.state
        network = state.molecule.electrons > 1
        if state.iteration >= WARM_UP + state.recipe.iterations * network:
            return True
        champion = state.champion
        converged = champion is not None and champion.defended >= _PATIENCE
        return converged and state.weights is not None

    def planned(self, seconds: float, cost: float) -> int:
        """Walkers of the next sample, `cost` s each; none if there is no time for a useful one.

        What it makes needs another to be judged, half as large (`finish`): time is left for that.
        """
        recipe, number = self.state.recipe, self.state.iteration - WARM_UP
        growth = max(number, 0) / max(recipe.iterations - 1, 1)
        wanted = recipe.samples // 2 if number < 0 else round(recipe.samples * 4 ** (growth - 1))
        wanted = min(max(wanted, _PER_PARAMETER * self.state.parameters.size), recipe.samples)
        width = 8 * (3 * self.state.molecule.electrons + 2) * max(self.work.features, 1)
        wanted = min(wanted, int(_FEATURE_BYTES / width))
        share, least = (_WARM_UP_SHARE, _WARM_UP_LEAST) if number < 0 else (1.0, _LEAST)
        affordable = int(min(share * max(seconds, 0.0) / (1.5 * cost), wanted))
        return affordable if affordable >= least * wanted else 0

    def _judge(self, sample: Sample) -> None:
        state = self.state
        state.champion, found = contest(self.ansatz, state.champion, state.parameters, sample)
        self.work.evaluate(2 * sample.size)
        lost = state.parameters is not state.champion.parameters
        state.history.append(self._row(_LOST if lost else _KEPT, sample, found, 0.0))
        self.tell(
            f"sample {state.iteration + 1}: {sample.size} walkers, E = {found.energy:.5f} ± "
            f"{found.error:.5f} hartree, variance {found.variance:.2g}" + ", taken back" * lost
        )
        state.parameters = state.champion.parameters

    def _row(self, kind: str, sample: Sample, found: Estimate, clipped: float) -> dict[str, Any]:
        return {
            "iteration": self.state.iteration,
            "walkers": sample.size,
            "kind": kind,
            "energy_hartree": found.energy,
            "standard_error_hartree": found.error,
            "variance_hartree2": found.variance,
            "weight_efficiency": found.efficiency,
            "clipped_fraction": clipped,
        }

    def _draw(self, count: int, body: Body | None) -> Sample:
        state, sweeps = self.state, self.state.recipe.sweeps
        self._walk(_SETTLE, adapt=True)
        rounds = max(1, round(count / len(state.walkers.positions)))
        scenes, guides = [], []
        for _ in range(rounds):
            guides.append(self._walk(sweeps))
            here = state.walkers.positions
            scenes.append(self.ansatz.scene(here, body.on_host(here) if body else None))
            if body is not None:
                self.work.network(len(here) * body.walker_macs)
        return Sample.of(scenes, torch.cat(guides))

    def _walk(self, sweeps: int, *, adapt: bool = False) -> Tensor:
        state = self.state
        self.work.walk(sweeps * state.walkers.positions.shape[:2].numel())
        return walk(self.ansatz, state.parameters, state.walkers, sweeps, adapt=adapt, power=_POWER)
