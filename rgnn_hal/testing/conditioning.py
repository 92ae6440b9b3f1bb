"""Conditioning: cells in states that tell something.

On equal cells a transposed, permuted or shifted product is the right product. So pristine cells are
formed, and about half of all cells, drawn at random, are programmed or pulsed to something else.
Where pulses themselves are looked at, cells start low and are pulsed strongly.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import Capability, Macro, PulseKind, PulseLimits, Region

_FORM_WIDTH = 1e-3
_WIDTH = 1e-6
"""s; both as public benches of 40 nm cells use them."""
_RESETS = 10
"""Pulses that take a cell down from any state; one takes ideal cells half of the way."""
_RAMP = 8
"""FORM pulses over the envelope."""


def condition(macro: Macro, patch: Region) -> None:
    """Form what is pristine on `patch`, then make its cells differ, as far as the macro can."""
    spec = macro.spec
    draw = np.random.default_rng(0)
    if Capability.CLOSED_LOOP_PROGRAM in spec.capabilities:
        window = spec.conductance
        macro.program(draw.uniform(window.low, window.high, patch.shape), patch)
        return
    conductance = form(macro, patch)
    if conductance.std() > 0.3 * conductance.mean():
        return
    for kind in (PulseKind.RESET, PulseKind.SET):
        if kind in spec.pulses:
            pulse_strongly(macro, kind, draw.random(patch.shape) < 0.5, patch)
            return


def form(macro: Macro, region: Region) -> NDArray[np.float64]:
    """Ramp the cells of `region` that do not conduct; what all of them read in the end, S."""
    spec = macro.spec
    conductance = macro.read_conductance(region)
    if PulseKind.FORM not in spec.pulses:
        return conductance
    limits = spec.pulses[PulseKind.FORM]
    gate = limits.gate_voltage
    for voltage in np.linspace(limits.voltage.low, limits.voltage.high, _RAMP):
        pristine = conductance < 0.25 * spec.conductance.low
        if not pristine.any():
            break
        macro.pulse(
            PulseKind.FORM,
            pristine,
            voltage=float(voltage),
            gate_voltage=(gate.low + gate.high) / 2,
            width=limits.width.nearest(_FORM_WIDTH),
            region=region,
        )
        conductance = macro.read_conductance(region)
    return conductance


def start_low(macro: Macro, region: Region) -> None:
    """Form the cells of `region`, then RESET them all, wherever they came from to the same end."""
    form(macro, region)
    every = np.ones(region.shape, dtype=np.bool_)
    limits = macro.spec.pulses[PulseKind.RESET]
    count = min(_RESETS, limits.max_count)
    macro.pulse(PulseKind.RESET, every, **strong_pulse(limits), count=count, region=region)


def pulse_strongly(macro: Macro, kind: PulseKind, mask: NDArray[np.bool_], region: Region) -> None:
    """Give one strong pulse; the array that is passed as the mask is overwritten at once."""
    passed = mask.copy()
    macro.pulse(kind, passed, **strong_pulse(macro.spec.pulses[kind]), region=region)
    passed.fill(False)


def strong_pulse(limits: PulseLimits) -> dict[str, Any]:
    """Arguments of a pulse that should switch any healthy cell."""
    return {
        "voltage": limits.voltage.high,
        "gate_voltage": limits.gate_voltage.high,
        "width": limits.width.nearest(_WIDTH),
    }
