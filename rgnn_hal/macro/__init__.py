"""The contract: a crossbar of resistive cells that is programmed, driven with voltages and read.

`base` states what a macro promises, `spec` what one macro is able to do, `region` which cells a
call touches, `errors` how a call fails, `uri` and `registry` how a macro is found and opened.
"""

from rgnn_hal.macro.base import Macro
from rgnn_hal.macro.errors import (
    ClosedError,
    ConfigurationError,
    DataError,
    DeviceError,
    HalError,
    LimitError,
    NotSupportedError,
    TransportError,
)
from rgnn_hal.macro.region import Region
from rgnn_hal.macro.registry import DriverEntry, installed_drivers, open_macro
from rgnn_hal.macro.serving import Served, serve_macro
from rgnn_hal.macro.spec import Capability, MacroSpec, PulseKind, PulseLimits, Range, Side
from rgnn_hal.macro.uri import MacroUri

__all__ = [
    "Capability",
    "ClosedError",
    "ConfigurationError",
    "DataError",
    "DeviceError",
    "DriverEntry",
    "HalError",
    "LimitError",
    "Macro",
    "MacroSpec",
    "MacroUri",
    "NotSupportedError",
    "PulseKind",
    "PulseLimits",
    "Range",
    "Region",
    "Served",
    "Side",
    "TransportError",
    "installed_drivers",
    "open_macro",
    "serve_macro",
]
