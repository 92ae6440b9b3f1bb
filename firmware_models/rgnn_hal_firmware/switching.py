"""SET and RESET: compact behaviour of formed cells, history-consistent.

The state of a cell is its conductance, which moves from where it is and is never redrawn. Per pulse
of amplitude V, gate V_g and width w (rate exponential in voltage: the voltage-time dilemma, Menzel
et al., Adv. Funct. Mater. 25, 6306 (2015)):

    x = w / w_ref * 10^((V - V_cell) / volts_per_decade) * exp(sigma_cycle z)
    SET    G -> G + (G_c - G)(1 - e^-x)  if G < G_c,   G_c = slope (V_g - V_t) * compliance spread
    RESET  G -> G_floor + (G - G_floor) e^-x,          V = min(V, V_g - V_t)

SET runs into the compliance conductance G_c that the transistor's current allows (Ielmini,
Semicond. Sci. Technol. 31, 063002 (2016)); in RESET the transistor is a source follower that passes
at most V_g - V_t. V_cell and part of G_c differ from device to device; z and the other part of G_c
from cycle to cycle.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal
from rgnn_hal_firmware.state import ChipState

Cells = NDArray[np.int64]
Values = NDArray[np.float64]
Voltages = NDArray[np.floating[Any]]


class Switching:
    """The switching behaviour of one chip's cells."""

    def __init__(self, parameters: ChipParameters, seed: int) -> None:
        self._cells = np.arange(parameters.array.rows * parameters.array.cols)
        self._switching = parameters.switching
        self._seed = seed

    def set(
        self,
        state: ChipState,
        cells: Cells,
        voltage: Voltages,
        gate: Voltages,
        width: float,
        count: int,
    ) -> None:
        """Give formed `cells` (flat indices, each once) `count` SET pulses; updates `state`.

        `voltage` and `gate` are per cell, V; `width` in s.
        """
        switching = self._switching
        overdrive = (voltage - self.set_voltage[cells]) / switching.set_volts_per_decade
        rate = width / switching.reference_width * 10.0**overdrive
        above_threshold = np.maximum(gate - switching.threshold_voltage, 0.0)
        compliance = switching.compliance_slope * above_threshold * self._compliance_spread[cells]
        conductance, pulses = state.conductance.reshape(-1), state.pulses.reshape(-1)
        for _ in range(count):
            now, event = conductance[cells], pulses[cells]
            spread = normal(self._seed, Purpose.COMPLIANCE_CYCLE, cells, event)
            ceiling = compliance * np.exp(switching.compliance_cv_cycle * spread)
            step = -np.expm1(-rate * self._cycle_factor(cells, event))
            conductance[cells] = now + np.maximum(ceiling - now, 0.0) * step
            pulses[cells] = event + 1

    def reset(
        self,
        state: ChipState,
        cells: Cells,
        voltage: Voltages,
        gate: Voltages,
        width: float,
        count: int,
    ) -> None:
        """Give formed `cells` `count` RESET pulses; arguments as for `set`."""
        switching = self._switching
        across = np.minimum(voltage, gate - switching.threshold_voltage)
        overdrive = (across - self.reset_voltage[cells]) / switching.reset_volts_per_decade
        rate = width / switching.reference_width * 10.0**overdrive
        conductance, pulses = state.conductance.reshape(-1), state.pulses.reshape(-1)
        for _ in range(count):
            event = pulses[cells]
            above_floor = np.maximum(conductance[cells] - switching.floor_conductance, 0.0)
            step = np.expm1(-rate * self._cycle_factor(cells, event))
            conductance[cells] += above_floor * step
            pulses[cells] = event + 1

    @cached_property
    def set_voltage(self) -> Values:
        """SET voltage of every cell at the reference width, flat, V."""
        draw = normal(self._seed, Purpose.SET_VOLTAGE, self._cells)
        return self._switching.set_voltage_mean + self._switching.set_voltage_sd * draw

    @cached_property
    def reset_voltage(self) -> Values:
        """RESET voltage of every cell at the reference width, flat, V."""
        draw = normal(self._seed, Purpose.RESET_VOLTAGE, self._cells)
        return self._switching.reset_voltage_mean + self._switching.reset_voltage_sd * draw

    @cached_property
    def _compliance_spread(self) -> Values:
        draw = normal(self._seed, Purpose.COMPLIANCE_DEVICE, self._cells)
        spread: Values = np.exp(self._switching.compliance_cv_device * draw)
        return spread

    def _cycle_factor(self, cells: Cells, event: NDArray[np.uint32]) -> Values:
        draw = normal(self._seed, Purpose.RATE_CYCLE, cells, event)
        factor: Values = np.exp(self._switching.rate_sigma_cycle * draw)
        return factor
