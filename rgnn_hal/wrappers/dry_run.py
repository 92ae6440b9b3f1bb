"""Dry run: what a program would do to a macro, without doing it.

Calls are checked as always and noted as `steps`, with the pulses that each cell would get. No pulse
reaches the hardware: cells are read once, when the dry run begins (or never, where conductances are
given), and products are those of that snapshot, without noise. `pulse` leaves the snapshot as it is
because what a pulse does is the chip's secret; `program` puts its targets in. So the plan of a
fixed sequence is exact, and that of a loop which pulses until cells obey is its upper bound.

The clock is virtual and counts what the calls would take at least, so hours of waiting pass at
once. The macro inside is grounded and closed with the dry run, nothing else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import Capability, Macro, PulseKind, Region, Side
from rgnn_hal.macro.checks import FloatArray, check_conductance
from rgnn_hal.wrappers._forward import Forwarding


@dataclass(frozen=True)
class Step:
    """A call that would have been made."""

    verb: str
    words: str
    pulses: int
    """Pulses of all cells together."""
    seconds: float
    """At least, on the chip's clock."""


class DryRun(Forwarding):
    """A macro on which nothing is done.

    Args:
        inner: the macro that it would be done on.
        conductance: of all its cells, S; read from them by default.
    """

    def __init__(self, inner: Macro, conductance: ArrayLike | None = None) -> None:
        spec = inner.spec
        # Beyond the window are pristine cells; only the shape and the numbers matter here.
        wide = spec.model_copy(
            update={"conductance": spec.conductance.model_copy(update={"low": 0.0, "high": 1.0})}
        )
        self.conductance: FloatArray = (
            inner.read_conductance()
            if conductance is None
            else check_conductance(wide, conductance, spec.region).astype(np.float64)
        )
        """What the macro's cells are taken to be, S."""
        self.steps: list[Step] = []
        self.pulses = {kind: np.zeros((spec.rows, spec.cols), np.int64) for kind in spec.pulses}
        """How often every cell would be pulsed."""
        self._seconds = 0.0
        self._latched: tuple[FloatArray, Side, Region]
        self._ground()
        capabilities = spec.capabilities - {Capability.PERSISTENT} | {Capability.VIRTUAL_CLOCK}
        super().__init__(inner, spec.model_copy(update={"capabilities": capabilities}))

    def _pulse(
        self,
        kind: PulseKind,
        mask: NDArray[np.bool_],
        voltage: FloatArray,
        gate_voltage: FloatArray,
        width: float,
        count: int,
        region: Region,
    ) -> None:
        self._ground()
        self.pulses[kind][region.slices] += count * mask
        cells = int(mask.sum())
        used = voltage[mask]
        span = f"{used.min():g} ... {used.max():g} V" if cells else "no cell"
        words = f"{kind} {count} x {width:g} s, {span}, on {cells} cells of {region}"
        self._note("pulse", words, pulses=count * cells, seconds=width * count * (cells > 0))

    def _program(self, conductance: FloatArray, region: Region) -> None:
        self._ground()
        self.conductance[region.slices] = conductance
        self._note("program", f"{region.cells} cells of {region}")

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self._latched = voltage, side, region
        self._note("apply", f"{len(voltage)} vectors on the {side} of {region}")

    def _read(self, samples: int) -> FloatArray:
        voltage, side, region = self._latched
        block = self.conductance[region.slices]
        current: FloatArray = voltage.astype(np.float64) @ (block if side == "rows" else block.T)
        seconds = len(voltage) * samples * self.spec.read_time
        self._note("read", f"{len(voltage)} vectors, {samples} samples", seconds=seconds)
        return np.ascontiguousarray(current, dtype=voltage.dtype)

    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        self._apply(voltage, side, region)
        return self._read(samples)

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        return self._read_cells(np.ones(region.shape, np.bool_), region, samples)

    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        self._ground()
        seconds = int(mask.any(axis=1).sum()) * samples * self.spec.read_time
        words = f"{int(mask.sum())} cells of {region}, {samples} samples"
        self._note("read_conductance", words, seconds=seconds)
        return np.where(mask, self.conductance[region.slices], np.nan)

    def _clock(self) -> float:
        return self._seconds

    def _wait(self, duration: float) -> None:
        self._note("wait", f"{duration:g} s", seconds=duration)

    def _safe(self) -> None:
        self._ground()
        self.inner.safe()

    def _ground(self) -> None:
        rows, cols = self.conductance.shape
        self._latched = np.zeros((1, rows)), "rows", Region(0, rows, 0, cols)

    def _note(self, verb: str, words: str, *, pulses: int = 0, seconds: float = 0.0) -> None:
        self._seconds += seconds
        self.steps.append(Step(verb, words, pulses, seconds))
