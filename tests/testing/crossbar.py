"""A small healthy driver, from which the mutants of `tests.testing.mutants` differ by one defect.

Noise is drawn vector by vector from a stream that starts with the macro, so equal sessions give
equal results and splitting a batch changes nothing. `silicon` keeps the cells of a persistent one.
"""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import (
    Capability,
    DeviceError,
    Macro,
    MacroSpec,
    MacroUri,
    PulseKind,
    Range,
    Region,
    Side,
)
from rgnn_hal.macro.checks import FloatArray
from tests.conftest import make_spec

EXACT = make_spec(
    rows=10,
    cols=8,
    max_batch=16,
    capabilities=frozenset(Capability) - {Capability.PERSISTENT},
)
NOISY = EXACT.model_copy(update={"read_noise": 0.1e-6, "dac_bits": 14, "adc_bits": 16})
PERSISTENT = EXACT.model_copy(update={"capabilities": frozenset(Capability)})
PLAIN = EXACT.model_copy(update={"capabilities": frozenset({Capability.VIRTUAL_CLOCK})})
UNIPOLAR = make_spec(
    rows=6,
    cols=9,
    read_voltage={"low": 0.0, "high": 0.3},
    current={"low": 0.0, "high": 1e-3},
    max_batch=3,
    max_samples=1,
    pulses={},
    capabilities=frozenset({Capability.CLOSED_LOOP_PROGRAM}),
)


class Crossbar(Macro):
    """Cells in an array; pulses take them up to halfway to an end of the window."""

    silicon: ClassVar[dict[str, NDArray[np.float64]]] = {}
    owned: ClassVar[set[str]] = set()

    def __init__(self, spec: MacroSpec = EXACT) -> None:
        persistent = Capability.PERSISTENT in spec.capabilities
        self.key = f"{type(self).__name__}-{spec.identity}" if persistent else ""
        if self.key and self.key in self.owned:
            raise DeviceError(f"{self.key} is in use by this process")
        shape = spec.rows, spec.cols
        self.conductance = np.full(shape, 10e-6)
        if self.key:
            self.owned.add(self.key)
            self.conductance = self.silicon.setdefault(self.key, self.conductance)
        self.offset = 1e-9 * np.arange(spec.cols)
        self.noise = np.random.default_rng(5)
        self.seconds = 0.0
        self.failing = False
        """Whether the next verb fails in the instrument."""
        self.window = spec.conductance
        self.read_noise = spec.read_noise
        self.ground()
        super().__init__(spec)

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        raise NotImplementedError

    def ground(self) -> None:
        rows, cols = self.conductance.shape
        self.latched: tuple[FloatArray, Side, Region] = (
            np.zeros((1, rows)),
            "rows",
            Region(0, rows, 0, cols),
        )

    def instrument(self) -> None:
        """What every verb goes through; time passes there, and it is where faults come from."""
        self.seconds += 1e-6
        if self.failing:
            self.failing = False
            raise DeviceError("the instrument reports a fault")

    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        """Conductances, (driven, sensed)."""
        block = self.conductance[region.slices]
        return block if side == "rows" else block.T

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
        self.ground()
        self.instrument()
        goal = {"form": 12e-6, "set": self.window.high, "reset": self.window.low}[kind]
        block = self.conductance[region.slices]
        limits = self.spec.pulses[kind]
        strength = _share(limits.voltage, voltage[mask])
        strength *= 0.3 + 0.7 * _share(limits.gate_voltage, gate_voltage[mask])
        block[mask] += (goal - block[mask]) * (1 - (1 - 0.5 * strength) ** count)

    def _program(self, conductance: FloatArray, region: Region) -> None:
        self.ground()
        self.instrument()
        self.conductance[region.slices] = conductance

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self.instrument()
        self.latched = voltage, side, region

    def _read(self, samples: int) -> FloatArray:
        self.instrument()
        voltage, side, region = self.latched
        crossing = self.crossing(side, region)
        exact = voltage.astype(np.float64)
        current = np.stack([vector @ crossing for vector in exact])
        if side == "rows":
            current += self.offset[region.slices[1]]
        if self.read_noise:
            draws = self.noise.normal(size=(len(exact), samples, current.shape[1])).mean(axis=1)
            current += self.read_noise * np.linalg.norm(exact, axis=1)[:, None] * draws
        sensed: FloatArray = current.astype(voltage.dtype)
        return sensed

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        self.ground()
        self.instrument()
        cells = self.conductance[region.slices].copy()
        if self.read_noise:
            draws = self.noise.normal(size=(samples, *region.shape)).mean(axis=0)
            cells += self.read_noise * draws
        return cells

    def _safe(self) -> None:
        self.ground()

    def _close(self) -> None:
        self.owned.discard(self.key)

    def _clock(self) -> float:
        return self.seconds

    def _wait(self, duration: float) -> None:
        self.instrument()
        self.seconds += duration


def _share(limit: Range, value: FloatArray) -> FloatArray:
    return (value - limit.low) / (limit.high - limit.low)


def fail_next(macro: Any) -> None:
    """Make the next verb of a crossbar fail."""
    macro.failing = True
