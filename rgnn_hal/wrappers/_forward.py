"""Forwarding: every verb of a wrapper becomes the same verb of the macro inside.

Wrappers that do something *around* verbs override `_around` alone. The lock is that of the macro
inside, so a sequence that holds either lock is atomic for both.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import ConfigurationError, Macro, MacroSpec, MacroUri, PulseKind, Region, Side
from rgnn_hal.macro.checks import FloatArray

Arguments = Mapping[str, Any]
"""Of one call by name: arrays, numbers and text."""

_T = TypeVar("_T")


class Forwarding(Macro):
    """A macro that passes every verb on to another one."""

    def __init__(self, inner: Macro, spec: MacroSpec | None = None) -> None:
        self.inner = inner
        super().__init__(spec or inner.spec)
        self.lock = inner.lock

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        """Wrappers have no address.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(
            f"{cls.__name__} has no address of its own; open a macro and wrap it: "
            f"{cls.__name__}(open_macro(uri), ...)"
        )

    def _around(self, verb: str, arguments: Arguments, call: Callable[[], _T]) -> _T:
        """Do `call`, which is `verb` of the macro inside."""
        return call()

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
        arguments = {
            "kind": kind.value,
            "mask": mask,
            "voltage": voltage,
            "gate_voltage": gate_voltage,
            "width": width,
            "count": count,
            "region": str(region),
        }
        # A float32 amplitude at a limit has become a float64 up to 1e-7 of it beyond; the macro
        # inside sees it as float64 and would refuse it.
        limits = self.inner.spec.pulses[kind]
        cell = voltage.clip(limits.voltage.low, limits.voltage.high)
        gate = gate_voltage.clip(limits.gate_voltage.low, limits.gate_voltage.high)
        self._around(
            "pulse",
            arguments,
            lambda: self.inner.pulse(
                kind,
                mask,
                voltage=cell,
                gate_voltage=gate,
                width=width,
                count=count,
                region=region,
            ),
        )

    def _program(self, conductance: FloatArray, region: Region) -> None:
        arguments = {"conductance": conductance, "region": str(region)}
        self._around("program", arguments, lambda: self.inner.program(conductance, region))

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        arguments = {"voltage": voltage, "side": side, "region": str(region)}
        self._around(
            "apply", arguments, lambda: self.inner.apply(voltage, side=side, region=region)
        )

    def _read(self, samples: int) -> FloatArray:
        return self._around("read", {"samples": samples}, lambda: self.inner.read(samples))

    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        arguments = {"voltage": voltage, "side": side, "region": str(region), "samples": samples}
        return self._around(
            "multiply",
            arguments,
            lambda: self.inner.multiply(voltage, side=side, region=region, samples=samples),
        )

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        arguments = {"region": str(region), "samples": samples}
        return self._around(
            "read_conductance", arguments, lambda: self.inner.read_conductance(region, samples)
        )

    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        arguments = {"mask": mask, "region": str(region), "samples": samples}
        return self._around(
            "read_conductance",
            arguments,
            lambda: self.inner.read_conductance(region, samples, mask=mask),
        )

    def _clock(self) -> float:
        return self._around("clock", {}, self.inner.clock)

    def _wait(self, duration: float) -> None:
        self._around("wait", {"duration": duration}, lambda: self.inner.wait(duration))

    def _safe(self) -> None:
        self._around("safe", {}, self.inner.safe)

    def _close(self) -> None:
        self._around("close", {}, self.inner.close)
