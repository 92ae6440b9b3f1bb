"""The SCPI controller of the macro: a chip behind a socket, as a board would put it.

`README.md` beside this file is the dialect. Bytes become commands in `parser`, arguments values in
`parameters`; `instrument_commands` and `macro_commands` are the tables of what there is, `limits`
what the chip must not be given; `status` keeps errors and registers, `array` the chip, its owner
and the watchdog, `conversation` one connection's dialogue, `server` the sockets.
"""

from rgnn_hal_firmware.scpi.server import PORT, WATCHDOG, ScpiServer

__all__ = ["PORT", "WATCHDOG", "ScpiServer"]
