"""Retention: the same cells again at log-spaced times.

    G(t) - G(t0) = drift ln(t / t0) + walk,   var(walk) = diffusion ln(t / t0)

the form in which relaxation of filaments is published (IBM CMO/HfOx: mean and sd linear in ln t).
Drift is fitted cell by cell, so its error is what cells scatter; diffusion is the slope of the
variance over cells, of which the noise of reading is the intercept.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.measurement import need_conducting, part_of
from rgnn_hal.characterization.populations import mean_of
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.macro import Macro, Region
from rgnn_hal.progress import Progress

_SAMPLES = 16
_FIRST = 1.0


@dataclass(frozen=True)
class Retention:
    """Readings of about `cells` cells from 1 s to `seconds`, on the chip's own clock."""

    seconds: float
    cells: int = 4096
    per_decade: int = 2
    name: str = "retention"
    wears: bool = False

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Read the conducting cells of the first rows of `region`."""
        region = part_of(region, self.cells)
        samples = min(_SAMPLES, macro.spec.max_samples)
        formed = need_conducting(macro.spec, macro.read_conductance(region), region)
        decades = max(0.0, float(np.log10(self.seconds / _FIRST)))
        points = max(4, round(self.per_decade * decades) + 1)
        due = np.geomspace(_FIRST, max(self.seconds, 2 * _FIRST), points)
        start, time, reading = macro.clock(), [], []
        for index, moment in enumerate(due):
            macro.wait(max(0.0, float(moment) - (macro.clock() - start)))
            time.append(macro.clock() - start)
            reading.append(macro.read_conductance(region, samples)[formed])
            progress(index + 1, points, "retention")
        return analyse(np.array(time), np.stack(reading, axis=1))


def analyse(time: Values, reading: Values) -> Findings:
    """Drift and diffusion of `reading` (cells, times), S, at `time` (times,), s."""
    log = np.log(time / time[0])
    change = reading[:, 1:] - reading[:, :1]
    centre = log - log.mean()
    slopes = reading @ centre / (centre @ centre)
    variance = change.var(axis=0, ddof=1)
    return Findings(
        {
            "drift_per_e_fold": mean_of(slopes, "S"),
            "diffusion_per_e_fold": _diffusion(log[1:], change),
            "longest_time": Estimate(float(time[-1]), 0.0, "s", time.size),
        },
        {
            "time": Series(time, "s"),
            "mean_change": Series(np.concatenate([[0.0], change.mean(axis=0)]), "S"),
            "sd_of_change": Series(np.concatenate([[0.0], np.sqrt(variance)]), "S"),
        },
    )


def _diffusion(log: Values, change: Values) -> Estimate:
    """Slope of the variance over ln t, S^2, its error by the scatter over tenths of the cells."""
    groups = np.array_split(np.arange(change.shape[0]), min(10, change.shape[0] // 4) or 1)
    centre = log - log.mean()
    slopes = np.array(
        [change[group].var(axis=0, ddof=1) @ centre / (centre @ centre) for group in groups]
    )
    if slopes.size < 2:
        return Estimate(float(slopes[0]), float("inf"), "S^2", change.shape[0])
    error = float(slopes.std(ddof=1) / np.sqrt(slopes.size))
    return Estimate(float(slopes.mean()), error, "S^2", change.shape[0])
