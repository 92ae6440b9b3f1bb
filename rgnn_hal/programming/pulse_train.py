"""Incremental pulse trains: which SET or RESET pulse a cell gets next.

Conductance after SET follows the compliance that the gate sets, so SET raises the gate step by step
at a fixed cell voltage; RESET dissolves the filament and raises the cell voltage at an open gate.
A cell starts each polarity at its gentlest pulse and climbs one step per pulse while the sign of
its error stays; a polarity that comes back after a reversal goes on two steps below where it was
(incremental-step pulse programming as in Wan et al., Nature 608, 504 (2022), Methods, which starts
from the gentlest pulse again: on chip40nm that takes 10 % more pulses and exhausts 5 times as many
cells).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import MacroSpec, PulseKind, Range
from rgnn_hal.macro.checks import check_pulse, pulse_limits

_STEPS = 15
"""Steps across an envelope: 0.1 V for the 0.9-2.4 V of a 40 nm cell, as public benches use."""
_BACK = 2
"""Steps that a polarity goes back when it was reversed."""
_WIDTH = 1e-6
"""s, as Wan et al.; with 20 us the gentlest RESET of chip40nm overshoots targets of 5-8 uS."""


@dataclass(frozen=True)
class PulseTrain:
    """Amplitudes by step, V, with one width, s, for both polarities."""

    set_voltage: float
    set_gate: tuple[float, ...]
    reset_voltage: tuple[float, ...]
    reset_gate: float
    width: float

    @classmethod
    def within(cls, spec: MacroSpec) -> Self:
        """Trains of 1 us pulses that climb through a macro's whole SET and RESET envelope."""
        set_limits = pulse_limits(spec, PulseKind.SET)
        reset_limits = pulse_limits(spec, PulseKind.RESET)
        gate, voltage = set_limits.gate_voltage, reset_limits.voltage
        width = Range(
            low=max(set_limits.width.low, reset_limits.width.low),
            high=min(set_limits.width.high, reset_limits.width.high),
        )
        return cls(
            set_voltage=set_limits.voltage.high,
            set_gate=tuple(np.linspace(gate.low, gate.high, _STEPS + 1).tolist()),
            reset_voltage=tuple(np.linspace(voltage.low, voltage.high, _STEPS + 1).tolist()),
            reset_gate=reset_limits.gate_voltage.high,
            width=width.nearest(_WIDTH),
        )

    def check(self, spec: MacroSpec) -> None:
        """Raise `LimitError` or `NotSupportedError` for a pulse that the macro would refuse."""
        for kind, steps in (
            (PulseKind.SET, len(self.set_gate)),
            (PulseKind.RESET, len(self.reset_voltage)),
        ):
            voltage, gate = self.amplitudes(kind, np.arange(steps)[None, :])
            every = np.ones((1, steps), dtype=np.bool_)
            check_pulse(spec, kind, every, voltage, gate, self.width, 1)

    def climb(
        self, step: NDArray[np.int16], again: NDArray[np.bool_], back: NDArray[np.bool_]
    ) -> NDArray[np.int16]:
        """Next steps of one polarity: up where it goes on `again`, down where it comes `back`."""
        following: NDArray[np.int16] = step + again - np.int16(_BACK) * back
        return np.maximum(following, np.int16(0))

    @property
    def length(self) -> int:
        """Pulses after which a cell has seen every step of either polarity."""
        return max(len(self.set_gate), len(self.reset_voltage))

    def amplitudes(
        self, kind: PulseKind, step: NDArray[np.integer]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(cell voltage, gate voltage), V, at each `step`; the last step repeats.

        The one that does not climb is a single number.
        """
        if kind is PulseKind.SET:
            return np.asarray(self.set_voltage), _clipped(self.set_gate, step)
        return _clipped(self.reset_voltage, step), np.asarray(self.reset_gate)


def _clipped(values: tuple[float, ...], step: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.asarray(values).take(step, mode="clip")
