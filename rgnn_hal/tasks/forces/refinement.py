"""From a committee to the ridge regression of all channels at once, by conjugate gradients.

    (X^T X + N + diag(lambda_k / D_k^2)) theta = X^T y

The whole Gram matrix would take 6 GB at the defaults, 64 GB with ten types of atoms. A step needs
it times one vector only, which one sweep over the frames gives (`rgnn_hal.tasks.forces.sweep`); the
members' inverses precondition, and their mean is the start. Ten members of ethanol (900 frames,
25,200 rows, 44,805 columns) start at 9.7 meV/A RMSE and are at 7.5, 7.3 and 7.3 after 6, 10 and 13
steps; a penalty ten times as strong in the system alone leads to 7.1 in 20, which other frames do
not confirm. One member's inverse over the rows (their kernel, M times its own) is no substitute for
all: it misses what that member misses, and its iterates do not come near.
Validation frames decide how many steps are taken, and all frames then take a few more. Members that
did not know the validation frames would save 20 s of 900 frames of ethanol, but these last steps
would then lead to 4.67 meV/A instead of 4.35. Few validation frames decide badly: 75 frames of
Li3PO4, 8 of them for validation, lose 3 % (44.1 to 45.3 meV/A, of penalties that were the same for
all orders).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.cost import record
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout import NoiseStatistics
from rgnn_hal.tasks.forces.collection import Job
from rgnn_hal.tasks.forces.committee import CommitteeResult, Member
from rgnn_hal.tasks.forces.sweep import Sweep, Swept, Vector
from rgnn_hal.tasks.forces.workers import Workers

_STEPS = 20
_LAST_STEPS = 6
"""With the validation frames too, from where the others led, unless fewer of those were good."""
_PATIENCE = 3
_WORTH = 0.02
"""Of the mean square on unseen rows, what that many steps have to gain together."""


def refine(
    job: Job,
    members: Sequence[Member],
    fit: CommitteeResult,
    noise: NoiseStatistics,
    workers: Workers,
    progress: Progress = silent,
) -> CommitteeResult:
    """Better readouts where validation frames say so; `fit` itself where one member is all."""
    if len(members) == 1:
        return fit
    system = NormalEquations(job, members, fit, noise, workers)
    total = _STEPS + _LAST_STEPS + 2
    best, taken, errors = fit.judged, 0, list[float]()
    for number, found in enumerate(system.steps(fit.judged, ~job.validates)):
        progress(number, total, "refining")
        if not errors or found.error < min(errors):
            best, taken = found.theta, number
        errors.append(found.error)
        if number == _STEPS or _settled(errors):
            break
    if not taken:
        return fit
    readout = best + fit.readout - fit.judged
    everything = system.steps(readout, np.ones_like(job.validates))
    for number, found in enumerate(islice(everything, min(taken, _LAST_STEPS) + 1)):
        progress(_STEPS + 1 + number, total, "refining")
        readout = found.theta
    progress(total, total, "refining")
    return replace(fit, readout=readout, judged=best)


def _settled(errors: Sequence[float]) -> bool:
    """Whether the last steps were not worth theirs."""
    return len(errors) > _PATIENCE and min(errors) > (1.0 - _WORTH) * min(errors[:-_PATIENCE])


@dataclass(frozen=True)
class Iterate:
    """What a step led to."""

    theta: Vector
    error: float
    """Mean square over the rows of frames that are not learnt from."""


@dataclass(frozen=True)
class NormalEquations:
    """Of the ridge regression of all channels, on any set of frames."""

    job: Job
    members: Sequence[Member]
    fit: CommitteeResult
    noise: NoiseStatistics
    workers: Workers

    def steps(self, start: Vector, learns: NDArray[np.bool_]) -> Iterator[Iterate]:
        """Conjugate gradients from `start` on the frames of the mask `learns`, without end."""
        theta, sweep = start, self._sweep(start, learns, labels=True)
        rows, work, penalty = sweep.rows, sweep.work, self._penalty()
        record(work)
        rest = sweep.moment - self.noise.product(theta, rows) - penalty * theta
        unseen, direction, before = sweep.unseen, np.zeros_like(theta), np.inf
        while True:
            yield Iterate(theta, float(np.mean(unseen**2)) if len(unseen) else 0.0)
            preconditioned = self._inverse(rest)
            length = float(rest @ preconditioned)
            direction = preconditioned + length / before * direction
            sweep = self._sweep(direction, learns, labels=False)
            record(work)  # the same again, counted once
            product = sweep.moment + self.noise.product(direction, rows) + penalty * direction
            step = length / float(direction @ product)
            theta, rest = theta + step * direction, rest - step * product
            unseen, before = unseen - step * sweep.unseen, length

    def _inverse(self, vector: Vector) -> Vector:
        result = np.zeros_like(vector)
        for columns, inverse in zip(self._columns(), self.fit.inverses, strict=True):
            result[columns] += inverse.apply(vector[columns])
        return result

    def _penalty(self) -> Vector:
        penalty = np.zeros_like(self.fit.readout)
        for columns, inverse in zip(self._columns(), self.fit.inverses, strict=True):
            penalty[columns] = inverse.penalty  # of the constants the last member's
        return penalty

    def _columns(self) -> Iterator[NDArray[np.int64]]:
        channels = self.job.regression.reservoir.channels
        return (member.columns(channels) for member in self.members)

    def _sweep(self, theta: Vector, learns: NDArray[np.bool_], *, labels: bool) -> Swept:
        return self.workers.sweep(Sweep(self.job, theta, learns, labels))
