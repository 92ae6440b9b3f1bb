"""Drivers are found through entry points: group `rgnn_hal.drivers`, name = URI scheme.

    [project.entry-points."rgnn_hal.drivers"]
    emulator = "rgnn_hal_drivers.emulator:EmulatorDriver"

A driver is loaded only when its scheme is opened. Two distributions that claim one scheme are an
error for that scheme, because silently preferring one of them could drive the wrong hardware.
"""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from rgnn_hal.macro.base import Macro
from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.macro.uri import MacroUri

_GROUP = "rgnn_hal.drivers"


@dataclass(frozen=True)
class DriverEntry:
    """One installed driver, not loaded yet."""

    scheme: str
    qualified_class: str
    distribution: str


def open_macro(uri: str) -> Macro:
    """Open the macro at `uri`; use it as a context manager so that it is always left safe.

    Raises:
        ConfigurationError: unknown scheme, unknown or ill-typed query key, no such chip.
        DeviceError: the hardware is there but refuses, or another process owns it.
        TransportError: nothing answers at the address.
    """
    parsed = MacroUri.parse(uri)
    return driver_class(parsed.scheme).open(parsed)


def installed_drivers() -> list[DriverEntry]:
    """Every installed driver by scheme."""
    return sorted(
        (_describe(entry) for entry in entry_points(group=_GROUP)), key=lambda entry: entry.scheme
    )


def driver_class(scheme: str) -> type[Macro]:
    """The class that drives `scheme`.

    Raises:
        ConfigurationError: there is none, or more than one, or it cannot be loaded.
    """
    claims = list(entry_points(group=_GROUP, name=scheme))
    if not claims:
        known = ", ".join(sorted({entry.scheme for entry in installed_drivers()})) or "none"
        raise ConfigurationError(
            f"no driver for scheme {scheme!r}; installed: {known}. "
            "Install the distribution that provides it, or correct the address"
        )
    if len({entry.value for entry in claims}) > 1:
        owners = ", ".join(_describe(entry).distribution for entry in claims)
        raise ConfigurationError(f"scheme {scheme!r} is claimed by {owners}; uninstall all but one")
    try:
        driver = claims[0].load()
    except Exception as error:  # whatever a foreign module does on import, the message names it
        raise ConfigurationError(
            f"driver {claims[0].value} of scheme {scheme!r} cannot be imported: {error!r}. "
            f"Install what it needs, e.g. pip install '{_describe(claims[0]).distribution}[all]'"
        ) from error
    if not (isinstance(driver, type) and issubclass(driver, Macro)):
        raise ConfigurationError(
            f"driver {claims[0].value} of scheme {scheme!r} is not a Macro class"
        )
    return driver


def _describe(entry: EntryPoint) -> DriverEntry:
    return DriverEntry(entry.name, entry.value, entry.dist.name if entry.dist else "unknown")
