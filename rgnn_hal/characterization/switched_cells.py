"""A patch of formed cells that is pulsed and read as one: the bench of switching measurements."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.characterization.measurement import need_conducting
from rgnn_hal.characterization.quantity import Values
from rgnn_hal.macro import Macro, PulseKind, Region
from rgnn_hal.macro.checks import pulse_limits

_SAMPLES = 16
_LONGER = 100.0
"""A strong pulse is this much longer than the reference width."""
REFERENCE_WIDTH = 1e-6
"""s; the width at which switching voltages are stated."""


@dataclass(frozen=True)
class SwitchedCells:
    """Cells of `region` that conduct, and the pulses that switch them fully."""

    macro: Macro
    region: Region
    mask: NDArray[np.bool_]
    width: float
    """Of the pulses under study, s."""
    set_gate: float
    """V; it sets the compliance of SET pulses under study."""

    @classmethod
    def of(cls, macro: Macro, region: Region) -> "SwitchedCells":
        """The conducting cells of `region`.

        Raises:
            DataError: there are none.
            NotSupportedError: the macro has no SET or RESET pulses.
        """
        limits = pulse_limits(macro.spec, PulseKind.SET)
        pulse_limits(macro.spec, PulseKind.RESET)
        mask = need_conducting(macro.spec, macro.read_conductance(region), region)
        gate = limits.gate_voltage
        return cls(
            macro,
            region,
            mask,
            limits.width.nearest(REFERENCE_WIDTH),
            (gate.low + gate.high) / 2,
        )

    def only(self, which: NDArray[np.bool_]) -> "SwitchedCells":
        """Those of the cells where `which` (cells,) is set."""
        mask = self.mask.copy()
        mask[self.mask] = which
        return SwitchedCells(self.macro, self.region, mask, self.width, self.set_gate)

    def read(self) -> Values:
        """Conductances, (cells,), S."""
        samples = min(_SAMPLES, self.macro.spec.max_samples)
        return self.macro.read_conductance(self.region, samples)[self.mask]

    def pulse(self, kind: PulseKind, voltage: float, gate: float, width: float) -> None:
        """One pulse to every cell."""
        self.macro.pulse(
            kind, self.mask, voltage=voltage, gate_voltage=gate, width=width, region=self.region
        )

    def set_fully(self, gate: float | None = None) -> None:
        """One long SET at the highest cell voltage: up to the compliance of `gate`."""
        limits = self.macro.spec.pulses[PulseKind.SET]
        width = limits.width.nearest(self.width * _LONGER)
        self.pulse(PulseKind.SET, limits.voltage.high, gate or self.set_gate, width)

    def reset_fully(self) -> None:
        """One long RESET at the highest voltages."""
        limits = self.macro.spec.pulses[PulseKind.RESET]
        width = limits.width.nearest(self.width * _LONGER)
        self.pulse(PulseKind.RESET, limits.voltage.high, limits.gate_voltage.high, width)
