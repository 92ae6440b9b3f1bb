"""Forming: a pristine cell breaks down under stress and is left with a random conductance.

Breakdown follows the E model (McPherson and Mogul, J. Appl. Phys. 84, 1513 (1998)) with linear
accumulation of damage. With V_BD of the cell (normal from cell to cell), the voltage at which it
breaks within `stress_time`:

    d(stress)/dt = 10^((V - V_BD) / volts_per_decade) / stress_time ;  breakdown at stress = 1

After breakdown the conductance is log-normal across cells, of the spread that the published chip
shows: by cell, by row (rows differ in spread), by column (random, plus the dip of every 8th column
that decays from both edges). It is in proportion to the compliance current, so to V_gate - V_t
(Ielmini, Semicond. Sci. Technol. 31, 063002 (2016)):

    G = G_mean * (V_gate - V_t) / (V_nominal - V_t) * exp(sigma_ln z - sigma_ln^2 / 2)

A cell that is formed already is only ever raised by FORM: to the conductance that this gate would
have left it with, less what it is worn (`endurance`). If it was written before, it then relaxes
anew: the pulse is an event of its own.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.endurance import Endurance
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal
from rgnn_hal_firmware.state import ChipState

Cells = NDArray[np.int64]
Values = NDArray[np.float64]
Table = NDArray[np.float32]
Voltages = NDArray[np.floating[Any]]


class Forming:
    """The forming behaviour of one chip's cells."""

    def __init__(self, parameters: ChipParameters, seed: int) -> None:
        self._array = parameters.array
        self._forming = parameters.forming
        self._endurance = Endurance(parameters, seed)
        self._seed = seed

    def pulse(
        self,
        state: ChipState,
        cells: Cells,
        voltage: Voltages,
        gate: Voltages,
        width: float,
        count: int,
    ) -> None:
        """Give `cells` (flat indices, each once) `count` pulses; updates `state`.

        `voltage` and `gate` are per cell, V; `width` in s.
        """
        forming = self._forming
        overdrive = voltage - self.breakdown_voltage[cells]
        overdrive *= np.log(10.0) / forming.volts_per_decade
        stress, formed = state.stress.reshape(-1), state.formed.reshape(-1)
        endured = stress[cells]
        endured += count * width / forming.stress_time * np.exp(overdrive)
        stress[cells] = endured
        broken = np.flatnonzero(formed[cells] | (endured >= 1.0))
        if not broken.size:
            return
        touched = cells[broken]
        formed[touched] = True
        reach = self.formed_conductance(touched, gate[broken])
        pulses = state.pulses.reshape(-1)
        written = np.flatnonzero(pulses[touched])
        if written.size:
            reach[written] *= self._wear(touched[written], pulses[touched[written]])
            pulses[touched[written]] += np.uint32(count)
        conductance = state.conductance.reshape(-1)
        conductance[touched] = np.maximum(conductance[touched], reach)

    def formed_conductance(self, cells: Cells, gate: Voltages) -> Values:
        """What breakdown at `gate` (V) leaves each cell with, S; at least the pristine value."""
        forming = self._forming
        span = forming.nominal_gate - forming.threshold_voltage
        compliance = (gate - forming.threshold_voltage) / span
        formed = forming.conductance_mean * compliance * self._relative_conductance[cells]
        left: Values = np.maximum(formed, forming.pristine_conductance, dtype=np.float64)
        return left

    def _wear(self, cells: Cells, pulses: NDArray[np.uint32]) -> Values:
        """By how much less written `cells` reach, 0 for those that are worn out."""
        alive = self._endurance.alive(cells, pulses)
        reach = self._endurance.compliance(pulses)
        return reach if alive is None else reach * alive

    @cached_property
    def breakdown_voltage(self) -> Table:
        """V_BD of every cell, flat, V."""
        forming = self._forming
        draw = normal(self._seed, Purpose.BREAKDOWN_VOLTAGE, self._all_cells)
        voltage = forming.breakdown_voltage_mean + forming.breakdown_voltage_sd * draw
        return voltage.astype(np.float32)

    @cached_property
    def _relative_conductance(self) -> Table:
        """Formed conductance over its mean, flat: log-normal with the spread of the real chip."""
        cells = self._all_cells.reshape(self._array.rows, self._array.cols)
        shift = self._column_shift()
        own_variance = max(0.0, 1.0 - float(np.var(shift)))
        row = normal(self._seed, Purpose.ROW_SPREAD, np.arange(self._array.rows))
        spread = np.sqrt(own_variance) * (1.0 + self._forming.row_spread_cv * row)
        draw = normal(self._seed, Purpose.FORMED_CONDUCTANCE, cells)
        sigma = np.sqrt(np.log1p(self._forming.conductance_cv**2))
        exponent = sigma * (spread[:, None] * draw + shift) - sigma**2 / 2
        return np.asarray(np.exp(exponent), np.float32).reshape(-1)

    def _column_shift(self) -> Values:
        """Mean of every column relative to the chip's, in cell sd."""
        forming, cols = self._forming, self._array.cols
        column = np.arange(cols)
        edge_distance = np.minimum(column, cols - 1 - column)
        dip = forming.multiplexer_dip * np.exp(-edge_distance / forming.multiplexer_dip_length)
        dip[column % self._array.multiplexed_columns != self._array.multiplexed_columns - 1] = 0.0
        own = forming.column_sd * normal(self._seed, Purpose.COLUMN_MEAN, column)
        shift: Values = own - dip + dip.mean()
        return shift

    @property
    def _all_cells(self) -> Cells:
        return np.arange(self._array.rows * self._array.cols)
