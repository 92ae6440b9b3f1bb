"""What a controller says that it is: identity, capabilities, and the dialect it speaks."""

import json
from dataclasses import dataclass

from rgnn_hal_firmware.chip import Chip
from rgnn_hal_firmware.description import describe, full_scale_of, serial_number
from rgnn_hal_firmware.parameters import ChipParameters

DIALECT = 1
"""Counts changes that a driver must know of."""
_REVISION = 0

_ROOM_FOR_TEXT = 1 << 12
_BYTES_PER_CELL = 1 + 8 + 8
"""Of a pulse: mask, voltage, gate."""


@dataclass(frozen=True)
class Identity:
    """One chip's controller."""

    idn: str
    """The answer to `*IDN?`."""
    capability: bytes
    """The answer to `SYSTem:CAPability?`: JSON."""
    name: str
    """The chip's: equal only for the same chip."""
    parameters: ChipParameters
    full_scale: float
    """Of a column converter, A."""
    max_message_bytes: int
    nonvolatile: bool
    """Whether the chip's cells outlive the controller."""
    watchdog: float
    """Seconds of silence after which the array is grounded, by default; 0: never."""

    @classmethod
    def of(cls, chip: Chip, watchdog: float) -> "Identity":
        """What the controller of `chip` says."""
        parameters = chip.preset.parameters
        rows, cols = parameters.array.rows, parameters.array.cols
        vectors = 8 * parameters.periphery.max_batch * max(rows, cols)
        longest = max(vectors, _BYTES_PER_CELL * rows * cols) + _ROOM_FOR_TEXT
        # Of a session, that is: whoever opens the chip next finds it as it was left.
        description = describe(chip, persistent=True)
        capability = {
            **description,
            "dialect": DIALECT,
            "max_message_bytes": longest,
            "clock": "virtual",
            "nonvolatile": chip.nonvolatile,
            "watchdog_s": watchdog,
        }
        preset = "".join(c if c.isalnum() and c.isascii() else "-" for c in chip.preset.name)
        return cls(
            idn=f"rgnn_hal,{preset},{serial_number(chip)},{DIALECT}.{_REVISION}",
            capability=json.dumps(capability).encode("ascii"),
            name=description["identity"],
            parameters=parameters,
            full_scale=full_scale_of(chip),
            max_message_bytes=longest,
            nonvolatile=chip.nonvolatile,
            watchdog=watchdog,
        )
