"""What a program message of IEEE 488.2 consists of once it is read: units with their arguments."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.scpi.errors import ScpiError


class String(str):
    """An argument that was quoted."""


Block = NDArray[np.uint8]
Argument = str | String | Block
"""Plain text that was not quoted, a quoted string, or the bytes of a block."""


@dataclass(frozen=True)
class Unit:
    """One command with its arguments."""

    header: str
    """In capitals, without the leading colon, with the question mark of a query."""
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Fault:
    """A command that cannot be read."""

    error: ScpiError
    fatal: bool = False
    """What follows cannot be told from data any more."""


@dataclass(frozen=True)
class End:
    """The line feed that ends a message."""


Event = Unit | Fault | End
