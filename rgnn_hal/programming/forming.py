"""Electroforming: a rising voltage breaks pristine cells down into random conductances.

A pristine cell insulates (about 10 Mohm); at its own breakdown voltage a filament forms, and the
cell is left with a conductance that nobody chose. That randomness is the reservoir's: a region is
formed once and never corrected. Cells are ramped, as in Wang et al., Nat. Mach. Intell. 5, 104
(2023), Extended Data Fig. 1 (from 3 V in steps of 0.05 V), read after every step, and left alone as
soon as they have formed, so that no cell sees more stress than it needs.

`fraction < 1` forms a random subset that `seed` draws, independent of the chip. The rest stays
insulating, which spreads the weights: cells that are all formed differ by their variability alone
(sd 0.15 of the mean), formed and pristine cells by the mean itself.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.cost import Ledger, record
from rgnn_hal.macro import LimitError, Macro, MacroSpec, PulseKind, Region
from rgnn_hal.macro.checks import check_pulse, check_region, pulse_limits
from rgnn_hal.progress import Progress, silent

_WIDTH = 1e-3
"""s. A shorter pulse needs more voltage; public benches of 40 nm cells form with 0.1-1 ms."""
_CONDUCTS = 0.25
"""Of the low end of the programming window. A pristine cell reads a tenth of it; a formed cell at
the low end, or reset a little below, must not be taken for pristine because of read noise."""


@dataclass(frozen=True)
class FormingRamp:
    """FORM amplitudes `start`, `start + step` ... `stop`, V, one pulse each."""

    start: float
    stop: float
    step: float
    gate_voltage: float
    """Gate amplitude, V: the compliance that limits the filament."""
    width: float
    """Pulse width, s."""

    def __post_init__(self) -> None:
        finite = math.isfinite(self.start) and math.isfinite(self.stop)
        if not (finite and self.step > 0 and self.start <= self.stop):
            raise LimitError(
                f"ramp from {self.start} to {self.stop} V in steps of {self.step} V never rises; "
                "give start <= stop and step > 0"
            )

    @classmethod
    def within(cls, spec: MacroSpec) -> Self:
        """The macro's whole FORM envelope in 0.05 V steps of 1 ms, at the middle of its gate."""
        limits = pulse_limits(spec, PulseKind.FORM)
        gate, width = limits.gate_voltage, limits.width
        return cls(
            start=limits.voltage.low,
            stop=limits.voltage.high,
            step=0.05,
            gate_voltage=(gate.low + gate.high) / 2,
            width=width.nearest(_WIDTH),
        )

    @property
    def voltages(self) -> NDArray[np.float64]:
        """Amplitudes in order, V."""
        steps = int((self.stop - self.start) / self.step + 1e-9)
        rising = self.start + self.step * np.arange(steps + 1, dtype=np.float64)
        return np.minimum(rising, self.stop, dtype=np.float64)


@dataclass(frozen=True)
class FormingReport:
    """What forming did; arrays have the region's shape."""

    region: Region
    selected: NDArray[np.bool_]
    """Cells that were to be formed."""
    formed: NDArray[np.bool_]
    """Cells that conduct at the end, selected or not."""
    breakdown_voltage: NDArray[np.float64]
    """Amplitude at which a cell broke down in this call, V; NaN where it did not."""
    conductance: NDArray[np.float64]
    """Last reading of each cell, S; cells are read until they have formed."""
    chip_seconds: float
    """Time it took on the chip's clock."""

    @property
    def formed_fraction(self) -> float:
        """Formed cells over all cells of the region."""
        return float(self.formed.mean())

    @property
    def mean(self) -> float:
        """Mean conductance of formed cells, S; NaN without any."""
        return float(self.conductance[self.formed].mean()) if self.formed.any() else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation of the conductance of formed cells, S; NaN without any."""
        return float(self.conductance[self.formed].std()) if self.formed.any() else float("nan")


def form(
    macro: Macro,
    region: Region | None = None,
    *,
    fraction: float = 1.0,
    seed: int = 0,
    ramp: FormingRamp | None = None,
    progress: Progress = silent,
) -> FormingReport:
    """Ramp the selected cells of `region` until each has broken down or the ramp ends.

    A cell counts as formed when it reads at least a quarter of the low end of the programming
    window. Cells that already conduct are not pulsed.

    Args:
        macro: chip to form.
        region: cells; the whole macro by default.
        fraction: probability that a cell is selected, 0 < fraction <= 1.
        seed: of that selection; the same seed selects the same cells on any chip.
        ramp: amplitudes; the macro's FORM envelope by default.
        progress: told after every amplitude.

    Raises:
        LimitError: fraction, or a ramp outside the macro's envelope; nothing was pulsed.
        NotSupportedError: the macro has no FORM pulses.
    """
    region = check_region(macro.spec, region)
    if not 0.0 < fraction <= 1.0:
        raise LimitError(f"fraction {fraction!r} is outside 0 < fraction <= 1")
    ramp = ramp or FormingRamp.within(macro.spec)
    every = np.ones((1, 1), dtype=np.bool_)
    for end in ramp.voltages[[0, -1]]:
        check_pulse(macro.spec, PulseKind.FORM, every, end, ramp.gate_voltage, ramp.width, 1)
    selected = np.random.default_rng([seed, 0x464F524D]).random(region.shape) < fraction
    threshold = _CONDUCTS * macro.spec.conductance.low
    with macro.lock:
        start = macro.clock()
        conductance = macro.read_conductance(region)
        record(Ledger(cell_reads=region.cells))
        formed = conductance >= threshold
        breakdown = np.full(region.shape, np.nan)
        for step, voltage in enumerate(ramp.voltages, start=1):
            pending = selected & ~formed
            if not pending.any():
                break
            macro.pulse(
                PulseKind.FORM,
                pending,
                voltage=voltage,
                gate_voltage=ramp.gate_voltage,
                width=ramp.width,
                region=region,
            )
            reading = macro.read_conductance(region, mask=pending)
            pulsed = int(np.count_nonzero(pending))
            record(Ledger(pulses=pulsed, cell_reads=pulsed))
            np.copyto(conductance, reading, where=pending)
            broken = pending & (conductance >= threshold)
            breakdown[broken] = voltage
            formed |= broken
            progress(step, len(ramp.voltages), "forming")
        progress(len(ramp.voltages), len(ramp.voltages), "forming")
        return FormingReport(
            region, selected, formed, breakdown, conductance, macro.clock() - start
        )
