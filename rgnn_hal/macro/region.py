"""A region is a rectangle of cells: half-open ranges of rows and columns, `r0:r1,c0:c1`."""

import re
from dataclasses import dataclass
from typing import Self

import numpy as np

from rgnn_hal.macro.errors import LimitError

_TEXT = re.compile(r"\s*(\d{1,9})\s*:\s*(\d{1,9})\s*,\s*(\d{1,9})\s*:\s*(\d{1,9})\s*")


@dataclass(frozen=True, order=True)
class Region:
    """Cells of rows `row_start <= r < row_stop` and columns `col_start <= c < col_stop`.

    Raises:
        LimitError: negative or empty ranges, bounds that are no integers.
    """

    row_start: int
    row_stop: int
    col_start: int
    col_stop: int

    def __post_init__(self) -> None:
        bounds = (self.row_start, self.row_stop, self.col_start, self.col_stop)
        if not all(isinstance(bound, int | np.integer) for bound in bounds):
            raise LimitError(f"region {bounds} has bounds that are no integers")
        if not (0 <= self.row_start < self.row_stop and 0 <= self.col_start < self.col_stop):
            raise LimitError(
                f"region {self} is empty or starts below zero; "
                "give r0:r1,c0:c1 with r0 < r1 and c0 < c1"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `"r0:r1,c0:c1"`, the form that `str(region)` writes."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise LimitError(f"region {text!r} is not of the form r0:r1,c0:c1, e.g. 0:64,0:128")
        return cls(*(int(group) for group in match.groups()))

    @classmethod
    def of_shape(cls, shape: tuple[int, int], origin: tuple[int, int] = (0, 0)) -> Self:
        """The region of `shape` (rows, columns) whose first cell is `origin`."""
        (rows, cols), (row, col) = shape, origin
        return cls(row, row + rows, col, col + cols)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.row_stop - self.row_start, self.col_stop - self.col_start

    @property
    def cells(self) -> int:
        """Number of cells."""
        rows, cols = self.shape
        return rows * cols

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the region in an array of the whole macro."""
        return slice(self.row_start, self.row_stop), slice(self.col_start, self.col_stop)

    def contains(self, other: "Region") -> bool:
        """Whether every cell of `other` lies in this region."""
        return (
            self.row_start <= other.row_start
            and other.row_stop <= self.row_stop
            and self.col_start <= other.col_start
            and other.col_stop <= self.col_stop
        )

    def overlaps(self, other: "Region") -> bool:
        """Whether the two share a cell."""
        return (
            self.row_start < other.row_stop
            and other.row_start < self.row_stop
            and self.col_start < other.col_stop
            and other.col_start < self.col_stop
        )

    def __str__(self) -> str:
        return f"{self.row_start}:{self.row_stop},{self.col_start}:{self.col_stop}"
