"""A macro that is a model in this process can be put behind a socket, as a board would be.

Only its driver knows how, so a driver may offer, beside what `Macro` asks for,

    @classmethod
    @contextmanager
    def serve(cls, uri, *, host, port, watchdog) -> Iterator[Served]

which opens what is at `uri`, serves it while the block runs, and then grounds and closes it. Real
hardware has a controller of its own and offers nothing.
"""

import ipaddress
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.macro.registry import driver_class
from rgnn_hal.macro.uri import MacroUri


@dataclass(frozen=True)
class Served:
    """Where a macro can be reached while it is served."""

    host: str
    port: int
    scheme: str
    """Of the driver that speaks to it."""
    identity: str
    nonvolatile: bool
    """Whether its conductances are there when it is served again."""

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def uri(self) -> str:
        """What `open_macro` takes."""
        return f"{self.scheme}://{self.address}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback


@runtime_checkable
class Servable(Protocol):
    """A driver class that can serve what it opens."""

    def serve(
        self, uri: MacroUri, *, host: str, port: int, watchdog: float | None
    ) -> AbstractContextManager[Served]:
        """Serve what is at `uri` while the block runs."""


def serve_macro(
    uri: str, *, host: str = "127.0.0.1", port: int = 5025, watchdog: float | None = None
) -> AbstractContextManager[Served]:
    """Serve the macro at `uri` to other processes, while the block of the `with` runs.

    Args:
        uri: as `open_macro` takes it; its driver must be able to serve.
        host: to listen at. Whoever reaches it can drive the macro: there are no passwords.
        port: 0 for a free one.
        watchdog: seconds of silence after which the array is grounded; 0: never; None: the
            controller's default.

    Raises:
        ConfigurationError: no such macro, one that cannot be served, or an address in use.
        DeviceError: another process owns the macro.
    """
    parsed = MacroUri.parse(uri)
    driver = driver_class(parsed.scheme)
    if not isinstance(driver, Servable):
        raise ConfigurationError(
            f"{parsed.scheme}:// cannot be served: what it drives has a controller of its own, or "
            "none that is modelled here; serve an emulated chip, e.g. emulator://?seed=7"
        )
    return driver.serve(parsed, host=host, port=port, watchdog=watchdog)
