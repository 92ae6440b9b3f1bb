"""A probed array on a bench: two 2602B, 707B mainframes, and the chip that their terminals meet in.

    smu1.smua -> matrix row A      smu1.smub -> B      smu2.smua -> C      smu2.smub -> D

Where one mainframe has too few columns there are more, whose rows are joined: row A of one is row A
of all. Columns go to the array's row lines, then to its column lines, then to its gate lines, one
per row. What a channel measures is worked out from relays and sources (`network`) with errors from
the data sheet (`datasheet`). Chip time passes as the chip is read and pulsed. `incidents` keeps
what a real bench would not tell and would not survive: relays that moved under voltage, and two
sources on one line.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.chip import Chip
from rgnn_hal_firmware.parameters import Preset, load_preset
from rgnn_hal_firmware.tsp.datasheet import Ammeter
from rgnn_hal_firmware.tsp.errors import CONTENTION, HOT_SWITCHING
from rgnn_hal_firmware.tsp.instruments import Instrument, MatrixInstrument, SourceMeter
from rgnn_hal_firmware.tsp.matrix import COLUMNS, SLOTS, Relays
from rgnn_hal_firmware.tsp.network import Array, Lines
from rgnn_hal_firmware.tsp.sourcemeter import Channel

Values = NDArray[np.float64]

_TERMINALS = {
    "A": ("smu1", "smua"),
    "B": ("smu1", "smub"),
    "C": ("smu2", "smua"),
    "D": ("smu2", "smub"),
}
_MAINFRAME_COLUMNS = len(SLOTS) * len(COLUMNS)
_MOST_MAINFRAMES = 9
_LIVE = 1e-3
"""V from which a terminal counts as under voltage."""


@dataclass(frozen=True)
class Incident:
    """Something that no bench should do."""

    what: str
    """`hot switching` or `two sources`."""
    matrix: str
    relays: tuple[str, ...]


def matrix_columns(mainframes: int) -> tuple[str, ...]:
    """All columns of so many 707B, as `matrix2:1-07`; one alone is called `matrix`."""
    names = [f"matrix{number}" for number in range(1, mainframes + 1)]
    return tuple(
        f"{name}:{slot}-{column:02d}"
        for name in (names if mainframes > 1 else ["matrix"])
        for slot, column in product(SLOTS, COLUMNS)
    )


def small_preset(base: str, rows: int, cols: int) -> Preset:
    """Preset `base` with another number of rows and columns."""
    document = json.loads(load_preset(base).document)
    for name, lines in (("rows", rows), ("cols", cols)):
        document["array"][name] |= {"value": lines, "source": "array on a bench", "guess": False}
    document["name"] = f"{document['name']}-{rows}x{cols}"
    return Preset.from_document(document)


class Bench:
    """Instruments, wires and a chip. Not for several threads at a time.

    Args:
        chip: whatever is probed.
        seed: which individual instruments these are.
        columns: of the mainframes, one for each row line, column line and gate line; by default the
            first ones of as many mainframes as it takes, one for 72 lines.
    """

    def __init__(self, chip: Chip, seed: int = 0, *, columns: Sequence[str] | None = None) -> None:
        self.array = Array(chip)
        self.incidents: list[Incident] = []
        rows, cols = chip.whole.shape
        lines = [("rows", line) for line in range(rows)]
        lines += [("cols", line) for line in range(cols)]
        lines += [("gates", line) for line in range(rows)]
        if columns is None:
            mainframes = -(-len(lines) // _MAINFRAME_COLUMNS)
            columns = matrix_columns(mainframes)[: len(lines)]
        self._wired = dict(zip(columns, lines, strict=True))
        names = sorted({column.partition(":")[0] for column in columns})
        if len(names) > _MOST_MAINFRAMES:
            raise ValueError(f"{len(names)} mainframes; at most {_MOST_MAINFRAMES} are simulated")
        self.matrices = {
            name: MatrixInstrument(f"0600100{number}", 2 + number, partial(self._moved, name))
            for number, name in enumerate(names, 1)
        }
        meters = {
            name: SourceMeter(f"400000{node}", node, self, [Ammeter(seed, node, n) for n in (0, 1)])
            for node, name in ((1, "smu1"), (2, "smu2"))
        }
        self.channels = {
            letter: meters[name].channels[channel] for letter, (name, channel) in _TERMINALS.items()
        }
        self.instruments: Mapping[str, Instrument] = {**meters, **self.matrices}
        for instrument in self.instruments.values():
            instrument.link(self.instruments.values())

    @property
    def wiring(self) -> dict[str, list[str]]:
        """Columns that `rows`, `cols` and `gates` of the array are plugged into, by line."""
        wiring: dict[str, list[str]] = {"rows": [], "cols": [], "gates": []}
        for column, (kind, _) in self._wired.items():
            wiring[kind].append(column)
        return wiring

    @property
    def grounded(self) -> bool:
        """Whether all outputs are off and all relays open."""
        closed = any(matrix.relays.closed for matrix in self.matrices.values())
        return not closed and not any(channel.output for channel in self.channels.values())

    def currents(self, channel: Channel, count: int) -> Values:
        """What flows out of a channel into the array, `count` times, A."""
        letter = next(name for name, one in self.channels.items() if one is channel)
        into_rows, into_cols = self.array.currents(self._lines(), count)
        into: dict[str, Values] = {"rows": into_rows, "cols": into_cols}
        total = np.zeros(count)
        for row, column in self._closed():
            kind, line = self._wired.get(column, ("", 0))
            if row == letter and kind in into:
                total += into[kind][:, line]
        return total

    def dwell(self, seconds: float) -> None:
        """Everything stays as it is for a while."""
        self.array.dwell(self._lines(), seconds)

    def _lines(self) -> Lines:
        rows, cols = self.array.shape
        held = {"rows": np.full(rows, np.nan), "cols": np.full(cols, np.nan)}
        held["gates"] = held["rows"].copy()
        for letter, column in self._closed():
            if letter in self.channels and column in self._wired:
                kind, line = self._wired[column]
                held[kind][line] = self.channels[letter].voltage
        return Lines(**held)

    def _closed(self) -> Iterator[tuple[str, str]]:
        """Matrix row and column of every closed relay."""
        for matrix, instrument in self.matrices.items():
            for name in sorted(instrument.relays.closed):
                yield name[1], f"{matrix}:{name[0]}-{name[2:]}"

    def _moved(self, matrix: str, before: Relays, after: Relays) -> None:
        hot = sorted(
            relay
            for relay in before ^ after
            if (channel := self.channels.get(relay[1])) and abs(channel.voltage) > _LIVE
        )
        if hot:
            self._report(HOT_SWITCHING, "hot switching", matrix, hot)
        by_column: dict[str, list[str]] = {}
        for relay in sorted(after):
            if relay[1] in self.channels:
                by_column.setdefault(relay[0] + relay[2:], []).append(relay)
        for relays in by_column.values():
            if len(relays) > 1:
                self._report(CONTENTION, "two sources", matrix, relays)

    def _report(self, code: int, what: str, matrix: str, relays: list[str]) -> None:
        self.incidents.append(Incident(what, matrix, tuple(relays)))
        del self.incidents[:-1000]
        self.matrices[matrix].complain(code, f"{what}: {','.join(relays)[:200]}")
