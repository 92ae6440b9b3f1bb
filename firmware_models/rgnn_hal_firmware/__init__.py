"""The far side of the wire: an emulated resistive-memory chip, down to its cells.

`chip` is the whole; `forming`, `switching`, `endurance`, `disturb` and `defects` are what pulses do
to cells, `relaxation` what cells do afterwards, `conduction` and `thermal` how they conduct;
`noise`, `telegraph` and `flicker` are what reading adds, `converters` and `readout` how voltages
become currents, `chipfile` how a chip survives the process, `description` what it tells of itself.
Parameters are data: `parameters` and `presets/*.toml`. `scpi` puts a chip behind a socket.
"""

from rgnn_hal_firmware.chip import Chip, PulseKind, new_chip
from rgnn_hal_firmware.description import describe
from rgnn_hal_firmware.errors import (
    ChipFileError,
    ChipStorageError,
    FirmwareError,
    PresetError,
    ServeError,
)
from rgnn_hal_firmware.parameters import ChipParameters, Preset, load_preset, preset_names
from rgnn_hal_firmware.window import Side, Window

__all__ = [
    "Chip",
    "ChipFileError",
    "ChipParameters",
    "ChipStorageError",
    "FirmwareError",
    "Preset",
    "PresetError",
    "PulseKind",
    "ServeError",
    "Side",
    "Window",
    "describe",
    "load_preset",
    "new_chip",
    "preset_names",
]
