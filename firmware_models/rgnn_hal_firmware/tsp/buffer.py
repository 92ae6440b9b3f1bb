"""Reading buffers, and the blocks that `printbuffer` makes of them.

`format.REAL32` makes an IEEE 488.2 *indefinite* block, `#0`, the bytes, LF: how long it is must be
known beforehand, because LF may stand among the bytes.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal_firmware.tsp.errors import ILLEGAL_VALUE, Complaint, RuntimeFault
from rgnn_hal_firmware.tsp.tables import Attribute, Commands, Value, whole

CAPACITY = 60_000
"""Readings that a dedicated buffer holds at least: 2600B data sheet, with all options on."""
ASCII, REAL32, REAL64 = 1, 2, 3
BIG_ENDIAN, LITTLE_ENDIAN = 0, 1


@dataclass(frozen=True)
class Column:
    """`buffer.readings` or `buffer.statuses`: one number per reading."""

    numbers: list[float]

    def read(self, key: Value) -> Value:
        """Entry `key`, from 1."""
        if isinstance(key, float) and key.is_integer() and 1 <= key <= len(self.numbers):
            return self.numbers[int(key) - 1]
        return None

    def write(self, key: Value, value: Value) -> None:
        """Columns are written by measuring only."""
        raise RuntimeFault("reading buffers are read-only")


class ReadingBuffer(Commands):
    """Readings with their statuses."""

    def __init__(self) -> None:
        self.append = False
        self._readings: list[float] = []
        self._statuses: list[float] = []
        super().__init__(
            {
                "n": Attribute(lambda: float(len(self._readings))),
                "appendmode": Attribute(lambda: float(self.append), self._set_append),
                "clear": self._clear,
                "readings": Column(self._readings),
                "statuses": Column(self._statuses),
            }
        )

    def add(self, readings: list[float], statuses: list[float]) -> None:
        """Keep readings."""
        if len(self._readings) + len(readings) > CAPACITY:
            raise Complaint(ILLEGAL_VALUE, "Reading buffer is full")
        self._readings += readings
        self._statuses += statuses

    def clear(self) -> None:
        """Forget all readings."""
        self._readings.clear()
        self._statuses.clear()

    def reset(self) -> None:
        """Back to how the instrument wakes up."""
        self.append = False
        self.clear()

    def _clear(self, *_: Value) -> tuple[Value, ...]:
        self.clear()
        return ()

    def _set_append(self, value: Value) -> None:
        self.append = whole(value, 0, 1, "appendmode") == 1


class Format:
    """The table `format`, and what it does to numbers."""

    def __init__(self) -> None:
        self._data, self._order = ASCII, BIG_ENDIAN
        self.commands = Commands(
            {
                "data": Attribute(lambda: float(self._data), self._set_data),
                "byteorder": Attribute(lambda: float(self._order), self._set_order),
                "ASCII": float(ASCII),
                "REAL32": float(REAL32),
                "REAL64": float(REAL64),
                "BIGENDIAN": float(BIG_ENDIAN),
                "LITTLEENDIAN": float(LITTLE_ENDIAN),
            }
        )

    def reset(self) -> None:
        """Back to how the instrument wakes up."""
        self._data, self._order = ASCII, BIG_ENDIAN

    def answer(self, given: tuple[Value, ...]) -> bytes:
        """What `printbuffer(first, last, column)` answers."""
        if len(given) != 3 or not isinstance(given[2], Column):
            raise Complaint(ILLEGAL_VALUE, "printbuffer needs first, last and one column here")
        numbers = given[2].numbers
        first = whole(given[0], 1, CAPACITY, "first")
        last = whole(given[1], first, CAPACITY, "last")
        if last > len(numbers):
            raise Complaint(
                ILLEGAL_VALUE, f"Illegal parameter value: {last} of {len(numbers)} readings"
            )
        picked = numbers[first - 1 : last]
        if self._data == ASCII:
            return ", ".join(f"{one:.5e}" for one in picked).encode() + b"\n"
        sign = "<" if self._order == LITTLE_ENDIAN else ">"
        packed = np.array(picked, f"{sign}f{4 if self._data == REAL32 else 8}")
        return b"#0" + packed.tobytes() + b"\n"

    def _set_data(self, value: Value) -> None:
        self._data = whole(value, ASCII, REAL64, "format.data")

    def _set_order(self, value: Value) -> None:
        self._order = whole(value, BIG_ENDIAN, LITTLE_ENDIAN, "format.byteorder")
