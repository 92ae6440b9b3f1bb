"""Yield map: which cells work, by switching every one of them once.

After one full RESET and one full SET pulse, a cell whose conductance has moved by less than a fifth
of the median window is stuck: *short* where it conducts more than the middle of the window, *open*
where it insulates like a pristine cell. Where nothing is pulsed, `ConductanceMap` counts cells that
conduct and lists outliers.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.characterization.measurement import conducting, need_conducting
from rgnn_hal.characterization.populations import (
    mean_of_grid,
    robust_spread_of,
)
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.characterization.switched_cells import SwitchedCells
from rgnn_hal.macro import Macro, Region
from rgnn_hal.progress import Progress

_MOVES = 0.2
_OUTLIER = 6.0
_SAMPLES = 16


class CellHealth(IntEnum):
    """What a cell does."""

    SWITCHES = 0
    OPEN = 1
    SHORT = 2
    STUCK = 3
    """It conducts within the window and does not move."""


@dataclass(frozen=True)
class YieldMap:
    """One full RESET and SET of every cell of the region."""

    name: str = "yield"
    wears: bool = True

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Switch all cells of `region`."""
        first = macro.read_conductance(region)
        every = np.ones(region.shape, dtype=np.bool_)
        bench = SwitchedCells.of(macro, region)
        cells = SwitchedCells(macro, region, every, bench.width, bench.set_gate)
        states = []
        for index, switch in enumerate((cells.reset_fully, cells.set_fully)):
            switch()
            states.append(cells.read().reshape(region.shape))
            progress(index + 1, 2, "yield")
        health = classify(conducting(macro.spec, first), states[0], states[1])
        series = {
            "health": Series(health, "1"),
            "reset_conductance": Series(states[0], "S"),
            "set_conductance": Series(states[1], "S"),
        }
        return Findings(
            {
                "working_fraction": _share(health == CellHealth.SWITCHES),
                "open_fraction": _share(health == CellHealth.OPEN),
                "short_fraction": _share(health == CellHealth.SHORT),
                "stuck_fraction": _share(health == CellHealth.STUCK),
            },
            series,
        )


@dataclass(frozen=True)
class ConductanceMap:
    """A map as it is, nothing pulsed."""

    name: str = "map"
    wears: bool = False

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Read all cells of `region`."""
        spec = macro.spec
        conductance = macro.read_conductance(region, min(_SAMPLES, spec.max_samples))
        progress(1, 1, "map")
        formed = conducting(spec, conductance)
        estimates = {"conducting_fraction": _share(formed)}
        if formed.sum() > 2:
            need_conducting(spec, conductance, region)
            cells = conductance[formed]
            spread = robust_spread_of(cells, "S")
            far = np.abs(conductance - np.median(cells)) > _OUTLIER * spread.value
            estimates |= {
                "conductance_mean": mean_of_grid(np.where(formed, conductance, np.nan), "S"),
                "conductance_robust_sd": spread,
                "outlier_fraction": _share(far & formed),
            }
        return Findings(estimates, {"conductance": Series(conductance, "S")})


def classify(formed: NDArray[np.bool_], low: Values, high: Values) -> NDArray[np.int8]:
    """`CellHealth` of cells that read `low` after RESET and `high` after SET, S."""
    window = float(np.median((high - low)[formed]))
    moves = high - low > _MOVES * window
    middle = float(np.median(low[formed])) + window / 2
    floor = 0.5 * float(np.median(low[formed & moves])) if (formed & moves).any() else middle
    health = np.full(low.shape, CellHealth.STUCK, dtype=np.int8)
    health[moves] = CellHealth.SWITCHES
    health[~moves & (high >= middle)] = CellHealth.SHORT
    health[~moves & ((high < floor) | ~formed)] = CellHealth.OPEN
    return health


def _share(flags: NDArray[np.bool_]) -> Estimate:
    share, count = float(flags.mean()), flags.size
    smooth = (flags.sum() + 2) / (count + 4)
    return Estimate(share, float(np.sqrt(smooth * (1 - smooth) / (count + 4))), "1", count)
