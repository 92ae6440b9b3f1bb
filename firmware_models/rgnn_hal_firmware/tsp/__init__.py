"""Keithley instruments that a probed array hangs on, simulated down to their command language.

`syntax`, `tree` and `interpreter` are the language, `tables` how names become commands;
`sourcemeter` with `buffer` and `datasheet`, `matrix` and `instruments` are the instruments;
`network` is what they do to an array, `bench` their wiring, `server` their LAN ports. README.md
lists what is understood.
"""

from rgnn_hal_firmware.tsp.bench import Bench, Incident, matrix_columns, small_preset
from rgnn_hal_firmware.tsp.server import Disconnect, ServedBench, example_bench, serve

__all__ = [
    "Bench",
    "Disconnect",
    "Incident",
    "ServedBench",
    "example_bench",
    "matrix_columns",
    "serve",
    "small_preset",
]
