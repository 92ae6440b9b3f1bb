"""I-V at read: how far the conductance of cells grows with the read voltage.

    G(V) / G(0) = 1 + a V^2,     I = G(0) (V + a V^3)

the first odd correction, of every conduction law that is symmetric in V. Columns of cells are
driven together at rising voltages, and each column is fitted by itself, so that converter gains
drop out.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.drive import Drive
from rgnn_hal.characterization.populations import mean_of, mean_of_grid
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.macro import Macro, MacroSpec, Region
from rgnn_hal.progress import Progress


@dataclass(frozen=True)
class CurrentVoltage:
    """Products at `levels` read voltages."""

    levels: int = 10
    name: str = "current_voltage"
    wears: bool = False

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Measure the columns of `region`."""
        spec = macro.spec
        drive = Drive.of(macro, region)
        level = np.linspace(1 / self.levels, 1.0, self.levels) * drive.voltage
        current = np.empty((self.levels, drive.region.shape[1]))
        for index, voltage in enumerate(level):
            vector = np.full((1, drive.region.shape[0]), voltage)
            current[index] = drive.currents(macro, vector)[0]
            progress(index + 1, self.levels, "current-voltage")
        at_zero, cubic = fit_cubic(level, current)
        loaded = at_zero > 0
        growth = cubic[loaded] / at_zero[loaded]
        ratio = current[:, loaded] / level[:, None] / at_zero[loaded]
        slope = _with_steps_of_input(mean_of(growth, "1/V^2"), level, spec)
        return Findings(
            {
                "nonlinearity": slope,
                "ratio_at_full_voltage": Estimate(
                    1 + slope.value * drive.voltage**2,
                    slope.standard_error * drive.voltage**2,
                    "1",
                    slope.count,
                ),
                "mean_conductance": mean_of_grid(drive.conductance, "S"),
            },
            {
                "voltage": Series(level, "V"),
                "conductance_ratio": Series(ratio.mean(axis=1), "1"),
                "current": Series(current, "A"),
            },
        )


def fit_cubic(voltage: Values, current: Values) -> tuple[Values, Values]:
    """(G(0) in S, cubic term in S/V^2), each (cells,), of currents (levels, cells), A."""
    solution = _solver(voltage) @ current
    return solution[0], solution[1]


def fit_currents(voltage: Values, current: Values) -> tuple[Values, Values, Values]:
    """(zero error in A, G(0), cubic term), each (cells,), of currents (levels, cells), A."""
    terms = np.stack([np.ones_like(voltage), voltage, voltage**3], axis=1)
    zero, conductance, cubic = np.linalg.lstsq(terms, current, rcond=None)[0]
    return zero, conductance, cubic


def _solver(voltage: Values) -> Values:
    """(2, levels): least squares for V and V^3."""
    terms = np.stack([voltage, voltage**3], axis=1)
    scale = np.abs(terms).max(axis=0)
    solver: Values = np.linalg.pinv(terms / scale) / scale[:, None]
    return solver


def _with_steps_of_input(slope: Estimate, voltage: Values, spec: MacroSpec) -> Estimate:
    """`slope` with the error of rounded voltages, which all columns share."""
    if spec.dac_bits is None:
        return slope
    step = (spec.read_voltage.high - spec.read_voltage.low) / 2**spec.dac_bits
    shared = step / np.sqrt(12) * float(np.linalg.norm(_solver(voltage)[1]))
    error = float(np.hypot(slope.standard_error, shared))
    return Estimate(slope.value, error, slope.unit, slope.count)
