"""Defects of opening, closing, faults, time and threads."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import DeviceError, MacroSpec, Region
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import EXACT, PERSISTENT, Crossbar
from tests.testing.mutants.catalogue import caught_by

_LEAKED: list[Any] = []
_NEVER = threading.Event()


@caught_by("closed_macros_refuse")
class UsableAfterClose(Crossbar):
    def _check_open(self) -> None:
        pass


@caught_by("closed_macros_refuse")
class ReadableAfterClose(Crossbar):
    def read(self, samples: int = 1) -> FloatArray:
        return self._read(samples)


@caught_by("close_is_idempotent")
class SecondCloseFails(Crossbar):
    def close(self) -> None:
        if self._closed:
            raise DeviceError("not connected")
        super().close()


@caught_by("close_is_idempotent")
class SafeFailsAfterClose(Crossbar):
    def safe(self) -> None:
        self._check_open()
        super().safe()


@caught_by("reopens_after_close", PERSISTENT)
class LockOutlivesClose(Crossbar):
    def _close(self) -> None:
        pass


@caught_by("leaves_no_handle_open")
class FileOutlivesClose(Crossbar):
    def __init__(self, spec: MacroSpec = EXACT) -> None:
        _LEAKED.append(Path("/dev/null").open())  # noqa: SIM115 - the defect
        super().__init__(spec)


@caught_by("leaves_no_handle_open")
class ThreadOutlivesClose(Crossbar):
    def __init__(self, spec: MacroSpec = EXACT) -> None:
        threading.Thread(target=_NEVER.wait, daemon=True).start()
        super().__init__(spec)


@caught_by("ownership_is_exclusive", PERSISTENT)
class AnybodyMayOpen(Crossbar):
    def __init__(self, spec: MacroSpec = PERSISTENT) -> None:
        self.owned.clear()
        super().__init__(spec)


@caught_by("with_block_closes")
class WithBlockSwallows(Crossbar):
    def __exit__(  # type: ignore[override]
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self.close()
        return True


@caught_by("with_block_closes")
class WithBlockDoesNotClose(Crossbar):
    def __exit__(self, *exception: object) -> None:
        self.safe()


@caught_by("opens_grounded", PERSISTENT)
class VoltagesOutliveTheSession(Crossbar):
    left: Any = None

    def __init__(self, spec: MacroSpec = PERSISTENT) -> None:
        super().__init__(spec)
        if self.left is not None:
            self.latched = self.left

    def close(self) -> None:
        if not self._closed:
            type(self).left = self.latched
        super().close()


@caught_by("faults_are_raised")
class InstrumentErrorSwallowed(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        try:
            return super()._read(samples)
        except DeviceError:
            return np.zeros((len(self.latched[0]), self.latched[2].shape[1]))


@caught_by("faults_are_raised")
class FaultsComeOutUntyped(Crossbar):
    def instrument(self) -> None:
        try:
            super().instrument()
        except DeviceError as error:
            raise OSError(5, "input/output error") from error


@caught_by("faults_are_raised")
class FaultsLeaveLinesLive(Crossbar):
    broken = False

    def instrument(self) -> None:
        try:
            super().instrument()
        except DeviceError:
            self.broken = True
            raise

    def _safe(self) -> None:
        if not self.broken:
            self.ground()
        self.broken = False

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        latched = self.latched
        cells = super()._read_conductance(region, samples)
        self.latched = latched if self.broken else self.latched
        return cells


@caught_by("time_goes_on")
class ClockGoesBack(Crossbar):
    def _clock(self) -> float:
        return self.seconds % 1e-5


@caught_by("waiting_works")
class WaitsTooShort(Crossbar):
    def _wait(self, duration: float) -> None:
        self.seconds += duration / 2


@caught_by("verbs_wait_for_the_lock")
class LockNotHeld(Crossbar):
    def multiply(self, voltage: ArrayLike, **options: Any) -> FloatArray:
        latched = np.array(voltage)
        region = options.get("region") or self.spec.region
        return self._multiply(latched, options.get("side", "rows"), region, 1)


@caught_by("verbs_wait_for_the_lock")
class SafeJumpsTheQueue(Crossbar):
    def safe(self) -> None:
        if not self.closed:
            self._safe()


@caught_by("emulation_is_reproducible")
class AnotherChipEachTime(Crossbar):
    def __init__(self, spec: MacroSpec = EXACT) -> None:
        super().__init__(spec)
        self.offset = self.offset + np.random.default_rng().normal(0, 1e-9, spec.cols)
