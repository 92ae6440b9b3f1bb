"""SET and RESET: compact behaviour of formed cells, history-consistent.

The state of a cell is its conductance, which moves from where it is and is never redrawn. Per pulse
of amplitude V, gate V_g and width w (rate exponential in voltage: the voltage-time dilemma, Menzel
et al., Adv. Funct. Mater. 25, 6306 (2015)):

    x = w / w_ref * 10^((V - V_cell) / volts_per_decade) * exp(sigma_cycle z) * h(T)
    SET    G -> G + (G_c - G)(1 - e^-x)  if G < G_c,   G_c = slope (V_g - V_t) * compliance spread
    RESET  G -> G_floor + (G - G_floor) e^-x,          V = min(V, V_g - V_t)

SET runs into the compliance conductance G_c that the transistor's current allows (Ielmini,
Semicond. Sci. Technol. 31, 063002 (2016)); in RESET the transistor is a source follower that passes
at most V_g - V_t. V_cell and part of G_c differ from device to device; z and the other part of G_c
from cycle to cycle.

Ions hop over a barrier, so that heat speeds switching up: h(T) = exp(E_a / k (1 / 300 K - 1 / T))
(Ielmini, IEEE Trans. Electron Devices 58, 4309 (2011)). V_cell is stated at 300 K.

Long trains have a closed form. After 16 pulses one by one the other n act together: their works x
add up to a log-normal number with the sum's mean and variance (Fenton, IRE Trans. Commun. Syst. 8,
57 (1960)), and SET runs into the highest G_c of m
draws, the largest of m normals being Phi^-1(U^(1/m)). Pulses that complete SET make m = n; many
gentle ones, s = 1 - e^-x << 1, share a draw: m = n s (0.6 + 0.4 s) follows singly drawn trains to
2 %.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rgnn_hal_firmware.endurance import Endurance
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import (
    CellBits,
    Purpose,
    normal_of,
    normal_pair_of,
    normals_of_all,
    uniform,
)
from rgnn_hal_firmware.state import ChipState
from rgnn_hal_firmware.thermal import ROOM, arrhenius

Cells = NDArray[np.int64]
Values = NDArray[np.float64]
Table = NDArray[np.float32]
Voltages = NDArray[np.floating[Any]]

_ONE_BY_ONE = 16
"""Pulses of a train that are drawn singly."""


class Thresholds(NamedTuple):
    """Voltages at which cells switch within the reference width, V."""

    of_cells: Table
    """Of every cell, flat."""
    lowest: float


@dataclass(frozen=True)
class _Pulses:
    """What pulses of one call have in store for each cell: logarithms, one per cell."""

    cells: Cells
    event: NDArray[np.uint32]
    log_rate: Values
    """ln x without the cycle's spread."""

    def after(self, count: int) -> "_Pulses":
        return _Pulses(self.cells, self.event + np.uint32(count), self.log_rate)


class Switching:
    """The switching behaviour of one chip's cells."""

    def __init__(self, parameters: ChipParameters, seed: int, temperature: float = ROOM) -> None:
        self._log_heat = arrhenius(parameters.switching.activation_energy, temperature)
        self.heat = float(np.exp(self._log_heat))
        """h(T)."""
        self._cells = np.arange(parameters.array.rows * parameters.array.cols)
        self._switching = parameters.switching
        self._endurance = Endurance(parameters, seed)
        self._seed = seed
        self._cycle = CellBits(seed, Purpose.RATE_CYCLE, self._cells.size)

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
        pulses = self._pulses(
            state,
            cells,
            voltage - self.set_voltage.of_cells[cells],
            switching.set_volts_per_decade,
            width,
        )
        compliance = np.maximum(gate - switching.threshold_voltage, 0.0)
        compliance *= switching.compliance_slope
        compliance *= self._compliance_spread[cells]
        conductance = state.conductance.reshape(-1)
        now = conductance[cells]
        for done, together in _train(count):
            these = pulses.after(done)
            work, ceiling = self._drawn(these, together)
            ceiling *= compliance
            ceiling *= self._endurance.compliance(these.event)
            ceiling -= now
            np.maximum(ceiling, 0.0, out=ceiling)
            ceiling *= self._share(work, these)
            now += ceiling
        conductance[cells] = now
        state.pulses.reshape(-1)[cells] = pulses.after(count).event

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
        overdrive = across - self.reset_voltage.of_cells[cells]
        pulses = self._pulses(state, cells, overdrive, switching.reset_volts_per_decade, width)
        conductance = state.conductance.reshape(-1)
        now = conductance[cells]
        for done, together in _train(count):
            these = pulses.after(done)
            floor = switching.floor_conductance * self._endurance.floor(these.event)
            above_floor = np.maximum(now - floor, 0.0)
            above_floor *= self._share(self._work(these, together), these)
            now -= above_floor
        conductance[cells] = now
        state.pulses.reshape(-1)[cells] = pulses.after(count).event

    def disturb_set(self, state: ChipState, work: Values, gate: float) -> None:
        """Move formed cells up by `work` (rows, columns), to what `gate` (V) allows."""
        switching = self._switching
        above_threshold = max(gate - switching.threshold_voltage, 0.0)
        ceiling = switching.compliance_slope * above_threshold * self._compliance_spread
        ceiling = ceiling.reshape(work.shape) * self._endurance.compliance(state.pulses)
        self._disturbed(state, np.maximum(ceiling - state.conductance, 0.0), work)

    def disturb_reset(self, state: ChipState, work: Values) -> None:
        """Move formed cells down by `work` (rows, columns)."""
        floor = self._switching.floor_conductance * self._endurance.floor(state.pulses)
        self._disturbed(state, np.minimum(floor - state.conductance, 0.0), work)

    @cached_property
    def set_voltage(self) -> "Thresholds":
        """SET voltages at the reference width."""
        switching = self._switching
        return self._thresholds(
            Purpose.SET_VOLTAGE, switching.set_voltage_mean, switching.set_voltage_sd
        )

    @cached_property
    def reset_voltage(self) -> "Thresholds":
        """RESET voltages at the reference width."""
        switching = self._switching
        return self._thresholds(
            Purpose.RESET_VOLTAGE, switching.reset_voltage_mean, switching.reset_voltage_sd
        )

    def _thresholds(self, purpose: Purpose, mean: float, sd: float) -> "Thresholds":
        voltage = mean + sd * normals_of_all(self._seed, purpose, self._cells.size)
        return Thresholds(voltage, float(voltage.min()))

    @cached_property
    def _compliance_spread(self) -> Table:
        draw = normals_of_all(self._seed, Purpose.COMPLIANCE_DEVICE, self._cells.size)
        return np.exp(self._switching.compliance_cv_device * draw.astype(np.float64)).astype(
            draw.dtype
        )

    def _pulses(
        self,
        state: ChipState,
        cells: Cells,
        overdrive: Voltages,
        volts_per_decade: float,
        width: float,
    ) -> _Pulses:
        log_rate = overdrive.astype(np.float64, copy=False)
        log_rate *= np.log(10.0) / volts_per_decade
        log_rate += np.log(width / self._switching.reference_width) + self._log_heat
        return _Pulses(cells, state.pulses.reshape(-1)[cells], log_rate)

    def _share(self, work: Values, pulses: _Pulses) -> Values:
        """The share of its way that each cell goes, none for those that are worn out."""
        return self._unless_worn_out(_share(work), pulses.cells, pulses.event)

    def _disturbed(self, state: ChipState, room: Values, work: Values) -> None:
        """Move formed cells into their `room` (rows, columns), S, by `work`."""
        share = _share(work).reshape(-1)
        share = self._unless_worn_out(share, self._cells, state.pulses.reshape(-1))
        state.conductance += room * share.reshape(room.shape) * state.formed

    def _unless_worn_out(self, share: Values, cells: Cells, pulses: NDArray[np.uint32]) -> Values:
        alive = self._endurance.alive(cells, pulses)
        if alive is not None:
            share *= alive
        return share

    def _drawn(self, pulses: _Pulses, count: int) -> tuple[Values, Values]:
        """`_work` and `_highest`."""
        if count > 1:
            return self._work(pulses, count), self._highest(pulses, count)
        # Two numbers of one draw: half of the time.
        rate, compliance = normal_pair_of(self._cycle.draw(pulses.cells, pulses.event))
        return self._single(rate, pulses), self._relative(compliance)

    def _single(self, draw: Values, pulses: _Pulses) -> Values:
        draw *= self._switching.rate_sigma_cycle
        draw += pulses.log_rate
        return np.exp(draw, out=draw)

    def _relative(self, draw: Values) -> Values:
        draw *= self._switching.compliance_cv_cycle
        return np.exp(draw, out=draw)

    def _work(self, pulses: _Pulses, count: int) -> Values:
        """x of the next `count` pulses together."""
        sigma = self._switching.rate_sigma_cycle
        draw = normal_of(self._cycle.draw(pulses.cells, pulses.event))
        if count == 1:
            return self._single(draw, pulses)
        variance = np.log1p(np.expm1(sigma**2) / count)
        draw *= np.sqrt(variance)
        draw += pulses.log_rate + (np.log(count) + (sigma**2 - variance) / 2)
        return np.exp(draw, out=draw)

    def _highest(self, pulses: _Pulses, count: int) -> Values:
        """The highest compliance of the next `count` pulses, relative to the cell's own."""
        share = _share(np.exp(pulses.log_rate))
        effective = np.maximum(1.0, count * share * (0.6 + 0.4 * share))
        lowest = uniform(self._seed, Purpose.COMPLIANCE_CYCLE, pulses.cells, pulses.event)
        return self._relative(np.asarray(ndtri(lowest ** (1.0 / effective))))


def _train(count: int) -> list[tuple[int, int]]:
    """(pulses before, pulses together) of each part of a train of `count`."""
    singly = [(done, 1) for done in range(min(count, _ONE_BY_ONE))]
    return singly + [(_ONE_BY_ONE, count - _ONE_BY_ONE)] * (count > _ONE_BY_ONE)


def _share(work: Values) -> Values:
    """1 - e^-x: the share of its way that a cell goes; consumes its argument."""
    np.negative(work, out=work)
    np.expm1(work, out=work)
    return np.negative(work, out=work)
