"""What a controller's error numbers mean for a caller; the numbers are the dialect's.

The class says whose fault it is: `LimitError` a value that the device does not allow, as the spec
should have told; `NotSupportedError` a thing that it cannot do; `TransportError` a message that did
not arrive as it was written, or that is not understood; `DeviceError` everything else.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from rgnn_hal.macro import DeviceError, HalError, LimitError, NotSupportedError, TransportError

WATCHDOG = 101
NOT_OWNER = 102
_NOT_SUPPORTED = 103
_SETTINGS_CONFLICT = -221
_OUT_OF_RANGE = (-222, -224)

GROUNDED = frozenset({WATCHDOG, _SETTINGS_CONFLICT})
"""Errors that tell of an array that was grounded behind the caller's back."""

_ENTRY = re.compile(r'(-?\d{1,5}),"((?:[^"]|"")*)"')

_REMEDIES = {
    WATCHDOG: "this process was silent for too long (suspended?); apply the voltages again, or "
    "open with a larger watchdog_s",
    NOT_OWNER: "open the macro again",
    _SETTINGS_CONFLICT: "another connection grounded the array; apply the voltages again",
    104: "make room where the device keeps its cells; nothing was pulsed",
}


@dataclass(frozen=True)
class DeviceEntry:
    """One entry of a device's error queue."""

    number: int
    text: str


def parse_entries(text: str) -> list[DeviceEntry]:
    """The entries of an answer to `SYST:ERR:ALL?`, without "No error"."""
    entries = [
        DeviceEntry(int(match[1]), match[2].replace('""', '"')) for match in _ENTRY.finditer(text)
    ]
    return [entry for entry in entries if entry.number != 0]


def refusal(entries: Collection[DeviceEntry], doing: str) -> HalError:
    """What to raise for the errors that `doing` left in the queue; the first one decides."""
    first = next(iter(entries))
    listed = "; ".join(f"{entry.number}: {entry.text}" for entry in entries)
    remedy = _REMEDIES.get(first.number)
    message = f"the device reports on {doing}: {listed}" + (f"; {remedy}" if remedy else "")
    return _class_of(first.number)(message)


def _class_of(number: int) -> type[HalError]:
    if number in _OUT_OF_RANGE:
        return LimitError
    if number == _NOT_SUPPORTED:
        return NotSupportedError
    if -200 < number <= -100:
        return TransportError
    return DeviceError
