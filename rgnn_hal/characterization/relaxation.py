"""Relaxation: where cells go after a pulse, by the state that the pulse left them in.

    G(t) - G(0) over cells:  variance = s_1^2 + D ln(t / 1 s),  mean = d ln(t / 1 s)  from 1 s on,
    sd after a day = sqrt(s_1^2 + D ln 86400)

the form of published spreads at 1 s and 1 day (Wan et al., Nature 608, 504 (2022), Extended Data
Fig. 3d). Two readings in direct succession after the pulse give the noise of reading, which is
taken out. Variances are those of the normal bulk (1.4826 MAD)^2: telegraph cells do not count.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.measurement import part_of
from rgnn_hal.characterization.populations import mean_of, robust_spread_of
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.characterization.switched_cells import SwitchedCells
from rgnn_hal.macro import DataError, Macro, PulseKind, Region
from rgnn_hal.progress import Progress

_DAY = float(np.log(86400.0))
_GATES = 3
_GROUPS = 10
QUANTITIES = ("levels", "sd_one_second", "sd_one_day", "drift_per_e_fold")
"""Series of the findings, one value per state; each has another with `_error` behind its name."""


@dataclass(frozen=True)
class Relaxation:
    """Full pulses to four states of about `cells` cells, each watched from 1 s to `seconds`."""

    seconds: float
    cells: int = 2048
    per_decade: int = 2
    name: str = "relaxation"
    wears: bool = True

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Switch the conducting cells of the first rows of `region`."""
        if self.seconds < 10:
            raise DataError(f"{self.seconds:g} s show no relaxation; allow 10 s or more")
        patch = SwitchedCells.of(macro, part_of(region, self.cells))
        gate = macro.spec.pulses[PulseKind.SET].gate_voltage
        gates = [None, *np.linspace(gate.low, patch.set_gate, _GATES).tolist()]
        points = round(self.per_decade * np.log10(self.seconds)) + 2
        due = np.geomspace(1.0, self.seconds, points)
        states = []
        for index, level in enumerate(gates):
            patch.reset_fully()
            if level is not None:
                patch.set_fully(level)
            states.append(analyse(*_watch(patch, due)))
            progress(index + 1, len(gates), "relaxation")
        series = {}
        for name in QUANTITIES:
            found = [state[name] for state in states]
            unit = found[0].unit
            series[name] = Series(np.array([one.value for one in found]), unit)
            errors = np.array([one.standard_error for one in found])
            series[f"{name}_error"] = Series(errors, unit)
        if not np.all(np.diff(series["levels"].values) > 0):
            raise DataError("conductance does not rise with the SET gate; form the cells first")
        return Findings({"cells": Estimate(float(patch.mask.sum()), 0.0, "1", 1)}, series)


def _watch(patch: SwitchedCells, due: Values) -> tuple[Values, Values]:
    """(time since the pulse in s, conductances (cells, times)): two at once, then when `due`."""
    start, time, reading = patch.macro.clock(), [], []
    for moment in (0.0, 0.0, *due.tolist()):
        patch.macro.wait(max(0.0, moment - (patch.macro.clock() - start)))
        time.append(patch.macro.clock() - start)
        reading.append(patch.read())
    return np.array(time), np.stack(reading, axis=1)


def analyse(time: Values, reading: Values) -> dict[str, Estimate]:
    """Of cells `reading` (cells, times), S: two readings after the pulse, then from 1 s on."""
    log, late = np.log(time[2:]), reading[:, 2:]
    groups = np.array_split(np.arange(reading.shape[0]), _GROUPS)
    second, day = (
        _over_groups(np.array([_variances(log, reading[group])[which] for group in groups]))
        for which in (0, 1)
    )
    centre = log - log.mean()
    return {
        "levels": mean_of(reading[:, :2].mean(axis=1), "S"),
        "sd_one_second": second,
        "sd_one_day": day,
        "drift_per_e_fold": mean_of(late @ centre / (centre @ centre), "S"),
    }


def _variances(log: Values, reading: Values) -> tuple[float, float]:
    """(after 1 s, after a day), S^2, of some cells."""
    noise = robust_spread_of(reading[:, 1] - reading[:, 0], "S").value ** 2
    grown = np.array(
        [robust_spread_of(one - reading[:, 1], "S").value ** 2 for one in reading[:, 2:].T]
    )
    centre = log - log.mean()
    slope = float(centre @ grown / (centre @ centre))
    second = float(grown.mean()) - noise - slope * float(log.mean())
    return second, second + slope * _DAY


def _over_groups(variances: Values) -> Estimate:
    """The sd of the mean variance, S; below zero it is zero, and the error what may hide."""
    mean, error = float(variances.mean()), float(variances.std(ddof=1) / np.sqrt(variances.size))
    sd = float(np.sqrt(max(mean, 0.0)))
    most = float(np.sqrt(error))
    return Estimate(sd, min(error / (2 * sd), most) if sd > 0 else most, "S", variances.size)
