"""Defects of sessions: instances that share, specs that change, long ones, clocks, locks, units."""

import threading
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import DeviceError, MacroSpec, Region
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import EXACT, NOISY, PLAIN, UNIPOLAR, Crossbar
from tests.testing.mutants.catalogue import caught_by

PULSES_ONLY = EXACT.model_copy(update={"capabilities": frozenset({"virtual-clock"})})
REAL_CLOCK = UNIPOLAR


@caught_by("two_macros_are_two", PLAIN)
class CellsAreSharedByInstances(Crossbar):
    shared: ClassVar[dict[int, NDArray[np.float64]]] = {}

    def __init__(self, spec: MacroSpec = PLAIN) -> None:
        super().__init__(spec)
        self.conductance = self.shared.setdefault(0, self.conductance)


@caught_by("emulation_is_reproducible", PLAIN)
class CellsOutliveTheSession(CellsAreSharedByInstances):
    shared: ClassVar[dict[int, NDArray[np.float64]]] = {}


@caught_by("two_macros_are_two")
class LatchIsSharedByInstances(Crossbar):
    shared: ClassVar[dict[str, Any]] = {}

    @property
    def latched(self) -> Any:
        return self.shared["latched"]

    @latched.setter
    def latched(self, value: Any) -> None:
        self.shared["latched"] = value


@caught_by("any_order", PULSES_ONLY)
class SpecShrinksWithPulses(Crossbar):
    def _pulse(self, *arguments: Any) -> None:
        super()._pulse(*arguments)
        self._spec = self._spec.model_copy(update={"max_samples": self._spec.max_samples - 1})


@caught_by("long_sessions_stay_right", NOISY)
class CounterOfEightBits(Crossbar):
    reads = 0

    def _read(self, samples: int) -> FloatArray:
        self.reads = (self.reads + 1) % 256
        return super()._read(samples) * np.float32(self.reads > 0)


@caught_by("long_sessions_stay_right")
class MemoryFillsUp(Crossbar):
    reads = 0

    def _read(self, samples: int) -> FloatArray:
        self.reads += 1
        if self.reads > 1000:
            raise DeviceError("reading buffer is full")
        return super()._read(samples)


@caught_by("waiting_works")
class WaitsInMilliseconds(Crossbar):
    def _wait(self, duration: float) -> None:
        super()._wait(1e3 * duration)


@caught_by("waiting_works", REAL_CLOCK)
class ClockInMilliseconds(Crossbar):
    def _clock(self) -> float:
        return 1e3 * super()._clock()


@caught_by("holding_the_lock_lets_verbs_through")
class LockIsNotReentrant(Crossbar):
    def __init__(self, spec: MacroSpec = EXACT) -> None:
        super().__init__(spec)
        self.lock = threading.Lock()  # type: ignore[assignment]


@caught_by("threads_do_not_mix")
class MultiplyIsTwoVerbs(Crossbar):
    def multiply(self, voltage: ArrayLike, *, samples: int = 1, **where: Any) -> FloatArray:
        self.apply(voltage, **where)
        return self.read(samples)


@caught_by("verbs_wait_for_the_lock")
class OnlyItsOwnThread(Crossbar):
    thread: int | None = None

    def instrument(self) -> None:
        self.thread = self.thread or threading.get_ident()
        if threading.get_ident() != self.thread:
            raise DeviceError("opened in another thread")
        super().instrument()


@caught_by("every_cell_can_be_read")
class UnitsAreMilli(Crossbar):
    """Of conductances and of currents, so that they agree."""

    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        return current * current.dtype.type(1e3)

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        return 1e3 * super()._read_conductance(region, samples)


@caught_by("faults_are_raised")
class SafeFailsAfterAFault(Crossbar):
    broken = False

    def instrument(self) -> None:
        self.broken = self.broken or self.failing
        super().instrument()

    def safe(self) -> None:
        if self.broken and not self.closed:
            raise DeviceError("not connected")
        super().safe()
