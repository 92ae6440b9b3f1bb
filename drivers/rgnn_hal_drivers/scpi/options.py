"""What the address of `scpi://` says: where the device is, and how much patience to have."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rgnn_hal.macro import ConfigurationError, MacroUri

_PORT = 5025
_ADDRESS = re.compile(r"([A-Za-z0-9._-]+)(?::(\d{1,5}))?/?")


class ScpiOptions(BaseModel):
    """Query keys of `scpi://`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: Annotated[str, Field(min_length=1)] | None = None
    """VISA resource, in place of host and port."""
    backend: str = "@py"
    """VISA backend: `@py`, `@ivi` or a path."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
    """Time-out of what takes the device no time, and the margin of every other, s."""
    watchdog_s: Annotated[float, Field(ge=0, le=86400)] = 10.0
    """Silence after which the device grounds the array, s; 0: never."""
    lock_wait_s: Annotated[float, Field(ge=0, le=3600)] = 0.5
    """How long to wait for an array that another connection owns, s."""
    identity: str | None = None
    """The chip that must be there."""


def visa_resource(uri: MacroUri, options: ScpiOptions) -> str:
    """The VISA resource that an address means."""
    if bool(uri.address) == bool(options.resource):
        raise ConfigurationError(
            f"scpi:// needs an address or a resource, one of them, got {uri.address!r} and "
            f"{options.resource!r}; write scpi://HOST:PORT or scpi://?resource=VISA-STRING"
        )
    if options.resource:
        return options.resource
    match = _ADDRESS.fullmatch(uri.address)
    if match is None or not 0 < int(match[2] or _PORT) < 1 << 16:
        raise ConfigurationError(
            f"{uri.address!r} is no HOST[:PORT]; HOST is a name or an IPv4 address, as pyvisa-py "
            "reaches no other"
        )
    return f"TCPIP::{match[1]}::{match[2] or _PORT}::SOCKET"
