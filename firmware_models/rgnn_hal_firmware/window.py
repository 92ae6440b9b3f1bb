"""A window is the rectangle of cells that one operation touches."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Side = Literal["rows", "cols"]
"""Which lines are driven; the others are sensed."""


class Window(NamedTuple):
    """Rows `row_start <= r < row_stop`, columns `col_start <= c < col_stop`."""

    row_start: int
    row_stop: int
    col_start: int
    col_stop: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.row_stop - self.row_start, self.col_stop - self.col_start

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the window in an array of the whole chip."""
        return slice(self.row_start, self.row_stop), slice(self.col_start, self.col_stop)

    def flat(self, inside: NDArray[np.int64], cols: int) -> NDArray[np.int64]:
        """Flat index on a chip of `cols` columns of cells with flat index `inside` the window."""
        own_cols = self.col_stop - self.col_start
        if own_cols == cols:
            return inside + self.row_start * cols
        rows, columns = np.divmod(inside, own_cols)
        return (rows + self.row_start) * cols + columns + self.col_start

    def cells(self, cols: int) -> NDArray[np.int64]:
        """Flat index of each cell on a chip of `cols` columns, shape (rows, columns)."""
        if self.col_stop - self.col_start == cols:
            flat = np.arange(self.row_start * cols, self.row_stop * cols, dtype=np.int64)
            return flat.reshape(self.shape)
        rows = np.arange(self.row_start, self.row_stop, dtype=np.int64)
        return rows[:, None] * cols + np.arange(self.col_start, self.col_stop, dtype=np.int64)
