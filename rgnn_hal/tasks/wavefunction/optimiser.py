"""Optimisation on cached samples that never ends worse than it has been.

Three quarters of a sample make the moments from which `steps` come; the last quarter judges them by

    E + its error + 0.1 * standard deviation of E_L

reweighted from the guide (a mixture as in Umrigar and Filippi, Phys. Rev. Lett. 94, 150201 (2005)).
Fewer walkers tell which of two deviations is smaller than which of two energies is: judged by
energies almost alone, half of the seeds of H2 stopped where the variance was ten times too large.
A step that leaves too few of them weight to judge it is halved until enough do. Features are cached
with the walkers, so that several steps on one sample need no more products.

Judges that chose the best of many steps flatter it. What came out is therefore a challenger, and
the next sample, which neither has seen, is a `contest` between it and the champion so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters, Scene
from rgnn_hal.tasks.wavefunction.steps import Moments, candidates, moments

NO_STEP = "none"
_DEVIATION_SHARE = 0.1
_BLOCK = 1000
_OUTLIER = 50.0
"""Walkers whose E_L is this many mean absolute deviations off have no say in a step. With 10, the
rare places where E_L is bad stayed bad: 0.5 % of the walkers of H2, most of its variance."""
_LEAST_DEVIATION = 0.04
"""Mean absolute deviation that counts at least, in units of |E|. At 6 bohr it is so small that both
electrons on one atom of H2 were all outliers, and what they lacked was never learnt."""
_LEAST_EFFICIENCY = 0.5
"""A step that leaves less of the sample than this fraction of what there was is too long for it."""
_HALVINGS = 5
"""Most that such a step is halved. Without, no step of carbon's was short enough: it stayed at its
first guess, 0.46 hartree too high."""
_LEAST_GAIN = 0.5
"""Of a step, in standard errors of the difference that the judges see. On 250 walkers smaller gains
cost H2+ 9 mHa."""


@dataclass(frozen=True)
class Sample:
    """Walkers with what is known about them, and the density they were drawn from."""

    scenes: tuple[Scene, ...]
    """In blocks that fit a cache."""
    log_guide: Tensor
    """log |guide psi|, (walkers,)."""

    @classmethod
    def of(cls, scenes: Iterable[Scene], log_guide: Tensor) -> Sample:
        """From scenes of any number of walkers, one after the other."""
        blocks = (
            scene.part(slice(at, at + _BLOCK))
            for scene in scenes
            for at in range(0, scene.walkers, _BLOCK)
        )
        return cls(tuple(blocks), log_guide)

    def part(self, start: int, stop: int) -> Sample:
        """Some of the walkers."""
        scenes, first = [], 0
        for scene in self.scenes:
            some = slice(max(start - first, 0), max(stop - first, 0))
            first += scene.walkers
            part = scene.part(some)
            if part.walkers:
                scenes.append(part)
        return Sample(tuple(scenes), self.log_guide[start:stop])

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
    influence: Tensor
    """Of every walker on E + 0.1 deviation: w (E_L - E + 0.1 ((E_L - E)^2 / deviation) / 2)."""

    @property
    def score(self) -> float:
        """What optimisation lowers, hartree."""
        return self.energy + self.error + _DEVIATION_SHARE * math.sqrt(self.variance)

    def error_beside(self, other: Estimate) -> float:
        """Standard error of the difference of two scores over the same walkers."""
        difference = self.influence - other.influence
        error: float = float(difference.std()) / math.sqrt(len(difference))
        return error


@dataclass(frozen=True)
class Step:
    """What one step did."""

    parameters: Parameters
    before: Estimate
    after: Estimate
    kind: str
    """Which step won; `NO_STEP` if all were worse."""
    clipped: float
    """Fraction of the walkers left out as outliers."""


def improve(ansatz: Ansatz, parameters: Parameters, sample: Sample) -> Step:
    """The best of several steps on `sample`."""
    seam = sample.size * 3 // 4
    judges = sample.part(seam, sample.size)
    averages, clipped = _moments(ansatz, parameters, sample.part(0, seam))
    before = estimate(ansatz, parameters, judges)
    best = Step(parameters, before, before, NO_STEP, clipped)
    for kind, step in candidates(averages):
        moved, after = _within_reach(ansatz, parameters, step, judges, before)
        if after.efficiency < _LEAST_EFFICIENCY * before.efficiency:
            continue
        if before.score - after.score < _LEAST_GAIN * after.error_beside(before):
            continue
        if after.score < best.after.score:
            best = Step(moved, before, after, kind, clipped)
    return best


def _within_reach(
    ansatz: Ansatz, parameters: Parameters, step: Tensor, judges: Sample, before: Estimate
) -> tuple[Parameters, Estimate]:
    """The step, or as much of it as `judges` can judge."""
    for halvings in range(_HALVINGS + 1):
        moved = parameters.moved(step / 2**halvings)
        after = estimate(ansatz, moved, judges)
        if after.efficiency >= _LEAST_EFFICIENCY * before.efficiency:
            break
    return moved, after


@dataclass(frozen=True)
class Champion:
    """The best parameters so far, and the score that a sample gave which they had not seen."""

    parameters: Parameters
    score: float
    defended: int = 0
    """Contests in a row that it has won."""


def contest(
    ansatz: Ansatz, champion: Champion | None, challenger: Parameters, sample: Sample
) -> tuple[Champion, Estimate]:
    """Who is better on `sample`, fresh and drawn for the challenger; and how the challenger is.

    Side by side where the sample stands for both, by scores of their own samples otherwise.
    """
    found = estimate(ansatz, challenger, sample)
    new = Champion(challenger, found.score)
    if champion is None:
        return new, found
    if challenger is champion.parameters:
        return replace(champion, defended=champion.defended + 1), found
    rival = estimate(ansatz, champion.parameters, sample)
    comparable = rival.efficiency > _LEAST_EFFICIENCY * found.efficiency
    to_beat = rival.score if comparable else champion.score
    if found.score < to_beat:
        return new, found
    return replace(champion, defended=champion.defended + 1), found


def estimate(ansatz: Ansatz, parameters: Parameters, sample: Sample) -> Estimate:
    """The energy of `parameters` over `sample`."""
    weight, energy = _evaluate(ansatz, parameters, sample)
    mean = (weight * energy).mean()
    off = energy - mean
    variance = (weight * off.square()).mean()
    spread = _DEVIATION_SHARE * (off.square() - variance) / (2.0 * variance.sqrt() + 1e-12)
    return Estimate(
        float(mean),
        float((weight * off).square().mean().sqrt()) / sample.size**0.5,
        float(variance),
        float(1.0 / weight.square().mean()),
        weight * (off + spread),
    )


def _moments(ansatz: Ansatz, parameters: Parameters, sample: Sample) -> tuple[Moments, float]:
    weight, energy = _evaluate(ansatz, parameters, sample)
    off = (energy - energy.median()).abs()
    deviation = torch.maximum(off.mean(), _LEAST_DEVIATION * energy.median().abs())
    kept = off <= _OUTLIER * deviation
    share = torch.where(kept, weight, 0.0)
    share = share / share.sum()
    shares = share.split([scene.walkers for scene in sample.scenes])
    parts = zip(shares, sample.scenes, strict=True)
    averages = moments(
        ((part, *ansatz.differentiate(scene, parameters)) for part, scene in parts),
        float((share * energy).sum()),
    )
    return averages, 1.0 - float(kept.double().mean())


def _evaluate(ansatz: Ansatz, parameters: Parameters, sample: Sample) -> tuple[Tensor, Tensor]:
    """Weights |psi / guide|^2 of mean one, and E_L, each (walkers,)."""
    locals_ = [ansatz.local(scene, parameters) for scene in sample.scenes]
    log_ratio = torch.cat([one.logarithm for one in locals_]) - sample.log_guide
    weight = torch.exp(2.0 * (log_ratio - log_ratio.max()))
    return weight / weight.mean(), torch.cat([one.energy for one in locals_])
