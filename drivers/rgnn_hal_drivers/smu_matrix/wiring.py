"""Where the array's lines are plugged in: matrix columns, of one mainframe or several.

A 707B has six slots of twelve columns. In `bench.toml` a column is "slot-column", as "1-07"; where
there are several mainframes, whose rows A to H are joined by cables, it is "NAME:slot-column", as
"matrix2:1-07". "1-01..3-12" are all columns from one to the other, slot by slot.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from rgnn_hal_drivers.smu_matrix.tables import WiringConfig

_COLUMN = re.compile(r"([1-6])-(0[1-9]|1[0-2])")
_COLUMNS = 12
"""Of a slot."""


@dataclass(frozen=True)
class Column:
    """One column of a mainframe, that is the line which is plugged in there."""

    matrix: str
    slot: int
    number: int

    def relay(self, row: str) -> str:
        """Name of the relay that joins it to a matrix row."""
        return f"{self.slot}{row}{self.number:02d}"

    def __str__(self) -> str:
        return f"{self.matrix}:{self.slot}-{self.number:02d}"


@dataclass(frozen=True)
class Wiring:
    """Columns of the array's lines, first line first."""

    rows: tuple[Column, ...]
    cols: tuple[Column, ...]
    gates: tuple[Column, ...]

    @classmethod
    def of(cls, config: WiringConfig, matrices: Sequence[str]) -> Self:
        """What a file says, whose switching matrices are `matrices`.

        Raises:
            ValueError: a column that does not exist, or that might be any mainframe's.
        """
        rows, cols, gates = (
            tuple(column for entry in entries for column in _columns(name, entry, matrices))
            for name, entries in config
        )
        return cls(rows, cols, gates)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Of all lines."""
        return self.rows + self.cols + self.gates

    @property
    def slots(self) -> list[tuple[str, int]]:
        """Mainframes and slots that need a card."""
        return sorted({(column.matrix, column.slot) for column in self.columns})


def _columns(where: str, entry: str, matrices: Sequence[str]) -> Iterator[Column]:
    name, colon, place = entry.rpartition(":")
    if colon and name not in matrices:
        raise ValueError(
            f"wiring.{where}: {entry!r} is of {name!r}, which is no switching matrix; "
            f"there are {', '.join(matrices)}"
        )
    if not colon and len(matrices) > 1:
        raise ValueError(
            f"wiring.{where}: {entry!r} may be of {' or '.join(matrices)}; "
            f"write {matrices[0] + ':' + entry!r}"
        )
    first, dots, last = place.partition("..")
    start, stop = (_position(where, text) for text in (first, last if dots else first))
    if start > stop:
        raise ValueError(f"wiring.{where}: {entry!r} runs backwards")
    for position in range(start, stop + 1):
        slot, number = divmod(position, _COLUMNS)
        yield Column(name or matrices[0], slot + 1, number + 1)


def _position(where: str, text: str) -> int:
    match = _COLUMN.fullmatch(text)
    if match is None:
        raise ValueError(f"wiring.{where}: {text!r} is no matrix column; they are '1-01' to '6-12'")
    return (int(match[1]) - 1) * _COLUMNS + int(match[2]) - 1
