"""The low-resistance state: what full SET pulses leave, by gate, by device and by cycle.

    G_LRS = slope (V_gate - V_t) * exp(device) * exp(cycle)

Slope and threshold come from one straight line per cell over several gates; their errors from the
scatter of those lines. The spreads come from repeated full cycles at one gate, by analysis of
variance of ln G.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.measurement import part_of
from rgnn_hal.characterization.populations import decompose, mean_of, median_of
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.characterization.switched_cells import SwitchedCells
from rgnn_hal.macro import DataError, Macro, PulseKind, Region
from rgnn_hal.progress import Progress

_GATES = 4
_MOVES = 0.2
"""Of the median window: a cell whose window is smaller does not switch."""


@dataclass(frozen=True)
class Compliance:
    """`cycles` full SET-RESET cycles of about `cells` cells, then single cycles at other gates."""

    cells: int = 2048
    cycles: int = 8
    name: str = "compliance"
    wears: bool = True

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Cycle the conducting cells of the first rows of `region`."""
        patch = SwitchedCells.of(macro, part_of(region, self.cells))
        total = self.cycles + _GATES
        low, high = [], []
        for cycle in range(self.cycles):
            patch.reset_fully()
            low.append(patch.read())
            patch.set_fully()
            high.append(patch.read())
            progress(cycle + 1, total, "full cycles")
        hrs, lrs = np.stack(low, axis=1), np.stack(high, axis=1)
        window = np.median(lrs, axis=1) - np.median(hrs, axis=1)
        switching = window > _MOVES * np.median(window)
        if switching.sum() < 8 or np.median(window) <= 0:
            raise DataError(
                f"only {switching.sum()} cells of {region} switch; choose another region"
            )
        hrs, lrs = hrs[switching], lrs[switching]

        limits = macro.spec.pulses[PulseKind.SET].gate_voltage
        gates = np.linspace(patch.set_gate, limits.high, _GATES)
        at_gate = []
        for index, gate in enumerate(gates):
            patch.reset_fully()
            patch.set_fully(float(gate))
            at_gate.append(patch.read()[switching])
            progress(self.cycles + index + 1, total, "full cycles")
        parts = decompose(np.log(np.maximum(lrs, 1e-12)), "1")
        return Findings(
            compliance_line(gates, np.stack(at_gate, axis=1))
            | {
                "lrs_mean": mean_of(lrs.mean(axis=1), "S"),
                "lrs_cv_device": parts.device_sd,
                "lrs_cv_cycle": parts.cycle_sd,
                "hrs_floor": median_of(np.median(hrs, axis=1), "S"),
                "hrs_log10_sd": _log_spread(hrs),
                "gate_voltage": Estimate(patch.set_gate, 0.0, "V", lrs.shape[0]),
            },
            {
                "lrs": Series(lrs, "S"),
                "hrs": Series(hrs, "S"),
                "gate": Series(gates, "V"),
                "lrs_at_gate": Series(np.stack(at_gate, axis=1).mean(axis=0), "S"),
            },
        )


def compliance_line(gate: Values, conductance: Values) -> dict[str, Estimate]:
    """Slope, S/V, and threshold, V, of `conductance` (cells, gates), S, over `gate` (gates,), V."""
    centre = gate - gate.mean()
    slopes = conductance @ centre / (centre @ centre)
    levels = conductance.mean(axis=1)
    slope, level = mean_of(slopes, "S/V"), float(levels.mean())
    threshold = float(gate.mean()) - level / slope.value
    # d(threshold) of one cell, to first order in its deviations from both means.
    influence = level / slope.value**2 * slopes - levels / slope.value
    return {
        "slope": slope,
        "threshold_voltage": Estimate(
            threshold, mean_of(influence, "V").standard_error, "V", slope.count
        ),
    }


def _log_spread(hrs: Values) -> Estimate:
    logs = np.log10(np.maximum(hrs, 1e-12))
    parts = decompose(logs, "1")
    sd = float(np.hypot(parts.device_sd.value, parts.cycle_sd.value))
    return Estimate(sd, sd / np.sqrt(2 * hrs.shape[0]), "1", hrs.shape[0])
