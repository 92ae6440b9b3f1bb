"""Faults: a macro that fails as hardware does, on purpose and reproducibly.

A faulty call raises what the contract allows, before or after it has taken effect, and never
returns wrong data: that is what the code above a macro has to live with. Which calls fail follows
from the seed and the number of the call, so a failing run can be repeated.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from rgnn_hal.macro import ConfigurationError, DeviceError, HalError, Macro, TransportError
from rgnn_hal.wrappers._forward import Arguments, Forwarding

_T = TypeVar("_T")

VERBS = (
    "pulse",
    "program",
    "apply",
    "read",
    "multiply",
    "read_conductance",
    "clock",
    "wait",
    "safe",
)


class FaultKind(StrEnum):
    """How a call fails.

    DEVICE: the hardware refuses: `DeviceError`, and the call had no effect.
    LOST: the connection breaks: `TransportError`, with or without effect.
    SILENT: no answer within `timeout`: `TransportError` after that time, with or without effect.
    """

    DEVICE = "device"
    LOST = "lost"
    SILENT = "silent"


@dataclass(frozen=True)
class Fault:
    """A way in which one verb fails."""

    verb: str
    kind: FaultKind
    rate: float = 0.0
    """Probability that a call fails."""
    at: int | None = None
    """Number of the call that fails, counting this verb's calls from 1."""
    timeout: float = 0.1
    """Silence of a SILENT fault, s."""

    def __post_init__(self) -> None:
        if self.verb not in VERBS:
            raise ConfigurationError(f"{self.verb!r} is no verb; verbs are {', '.join(VERBS)}")
        if not (0.0 <= self.rate <= 1.0 and self.timeout >= 0.0):
            raise ConfigurationError(f"{self} has a rate outside 0 ... 1 or a negative timeout")


class Faults(Forwarding):
    """A macro with faults.

    Args:
        inner: the macro.
        faults: how it fails; of several that would strike at once the first does.
        seed: of every draw.
    """

    def __init__(self, inner: Macro, faults: Sequence[Fault], seed: int = 0) -> None:
        self._faults = tuple(faults)
        self._draw = np.random.default_rng(seed)
        self._calls = dict.fromkeys((*VERBS, "close"), 0)
        self.struck: list[str] = []
        """The faults that happened, in words."""
        super().__init__(inner)

    def _around(self, verb: str, arguments: Arguments, call: Callable[[], _T]) -> _T:
        self._calls[verb] += 1
        fault = self._strike(verb)
        if fault is None:
            return call()
        takes_effect = fault.kind is not FaultKind.DEVICE and self._draw.random() < 0.5
        number = self._calls[verb]
        self.struck.append(f"{fault.kind} at {verb} {number}, effect: {takes_effect}")
        if takes_effect:
            call()
        raise _error(fault, number)

    def _strike(self, verb: str) -> Fault | None:
        for fault in self._faults:
            if fault.verb != verb:
                continue
            drawn = fault.rate > 0 and self._draw.random() < fault.rate
            if drawn or fault.at == self._calls[verb]:
                return fault
        return None


def _error(fault: Fault, number: int) -> HalError:
    where = f"at call {number} of {fault.verb} (injected)"
    if fault.kind is FaultKind.DEVICE:
        return DeviceError(f"the hardware refused {where}; nothing was done")
    if fault.kind is FaultKind.SILENT:
        time.sleep(fault.timeout)
        return TransportError(f"no answer within {fault.timeout} s {where}; effect unknown")
    return TransportError(f"the connection was lost {where}; effect unknown")
