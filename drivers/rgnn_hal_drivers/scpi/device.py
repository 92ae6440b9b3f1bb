"""The first exchanges: who is there, what it is, taking ownership, arming the watchdog."""

import json
import time
from dataclasses import dataclass

from pydantic import ValidationError

from rgnn_hal.macro import (
    Capability,
    ConfigurationError,
    DeviceError,
    MacroSpec,
    TransportError,
)
from rgnn_hal_drivers.scpi.answers import Blob, Nothing, Text
from rgnn_hal_drivers.scpi.link import Link

_DIALECT = "1"
_POLL = 0.02
"""s between two requests for an array that is owned."""
_NOT_OF_THE_SPEC = ("dialect", "max_message_bytes", "clock", "nonvolatile", "watchdog_s")


@dataclass(frozen=True)
class Device:
    """What a controller says of itself."""

    spec: MacroSpec
    max_message_bytes: int


def greet(link: Link, identity: str | None) -> Device:
    """Verify that a controller of our dialect is there, and that it has the chip `identity`.

    Raises:
        ConfigurationError: it has another chip.
        DeviceError: it speaks another dialect, or describes itself in a way that makes no sense.
        TransportError: it does not answer, or not as a controller would.
    """
    _verify_dialect(link)
    described = link.exchange([b"SYST:CAP?"], Blob(), link.timeout, doing="describing itself")
    try:
        fields = json.loads(described or b"")
        longest = int(fields["max_message_bytes"])
        for name in _NOT_OF_THE_SPEC:
            fields.pop(name, None)
        spec = MacroSpec.model_validate(fields)
    except (ValueError, ValidationError, KeyError, TypeError, AttributeError) as error:
        raise DeviceError(
            f"{link.name} describes itself in a way that this driver does not understand: {error}; "
            "update the driver or the device"
        ) from error
    if Capability.CLOSED_LOOP_PROGRAM in spec.capabilities:
        raise DeviceError(
            f"{link.name} declares {Capability.CLOSED_LOOP_PROGRAM}, for which dialect {_DIALECT} "
            "has no command; update the driver or the device"
        )
    if identity not in (None, spec.identity):
        raise ConfigurationError(
            f"{link.name} is {spec.identity}, not {identity}; correct the address or the identity"
        )
    return Device(spec, longest)


def claim(link: Link, seconds: float) -> None:
    """Take ownership of the array, waiting for an owner that leaves within `seconds`.

    Raises:
        DeviceError: it stays with another connection, which is named.
    """
    until = time.monotonic() + seconds
    while link.exchange([b"SYST:LOCK:REQ?"], Text(str), link.timeout, doing="claiming it") != "1":
        if time.monotonic() >= until:
            owner = link.exchange([b"SYST:LOCK:OWN?"], Text(str), link.timeout, doing="asking")
            raise DeviceError(
                f"{link.name} is in use by {owner}; close the macro there first, or open this one "
                "with a larger lock_wait_s"
            )
        time.sleep(_POLL)


def arm(link: Link, watchdog: float) -> None:
    """Ground the array, and have the device do so after `watchdog` seconds of silence."""
    command = f"MACR:SAFE;:SYST:WATC {watchdog:.17g}".encode()
    link.exchange([command], Nothing(), link.timeout, doing="arming the watchdog")


def _verify_dialect(link: Link) -> None:
    doing = "identifying itself"
    answer = link.exchange([b"*CLS;*IDN?"], Text(str), link.timeout, doing=doing) or ""
    fields = answer.split(",")
    if len(fields) != 4 or fields[0] != "rgnn_hal":
        raise TransportError(
            f"{link.name} is no macro controller, it says that it is {answer[:80]!r}; "
            "correct the address"
        )
    if fields[3].split(".")[0] != _DIALECT:
        raise DeviceError(
            f"{link.name} speaks dialect {fields[3]}, this driver {_DIALECT}; update the older one"
        )
