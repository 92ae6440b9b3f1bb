"""All a ridge regression needs of its rows X and targets y: X^T X, X^T y, y^T y and their number.

The sums are as large as one Gram matrix however many rows went in, and those of two shards, chips
or machines add. They are kept in float64: ridge parameters of 1e-10 must survive the summation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rgnn_hal.cost import products, record
from rgnn_hal.readout.rank_update import add_gram

_ROWS_PER_UPDATE = 1024
"""With fewer dsyrk is bound by reading the Gram matrix: 4,380 columns get 65 GF/s, 46 to 58 in
blocks of 512 rows."""


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of weighted least squares in `columns` unknowns; `a + b` merges."""

    gram: np.ndarray
    """X^T X, (columns, columns), Fortran order; only the upper triangle is filled."""
    moment: np.ndarray
    """X^T y, (columns,)."""
    square: float
    """y^T y."""
    rows: int

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            self.gram + other.gram,
            self.moment + other.moment,
            self.square + other.square,
            self.rows + other.rows,
        )

    def mean_square_error(self, readout: np.ndarray) -> float:
        """Mean over the rows of (X theta - y)^2 for a readout theta (columns,)."""
        product = self.gram @ readout + readout @ self.gram - self.gram.diagonal() * readout
        return float(readout @ product - 2.0 * readout @ self.moment + self.square) / self.rows


class StatisticsBuilder:
    """Collects rows into `Statistics`, in blocks, within the memory of one Gram matrix."""

    def __init__(self, columns: int) -> None:
        self._gram = GramBuilder(columns)
        self._moment = np.zeros(columns)
        self._square = 0.0

    def add(self, rows: np.ndarray, targets: np.ndarray) -> None:
        """Take rows (count, columns) with targets (count,); neither is kept or changed."""
        self._moment += targets @ rows
        record(products(rows.size))
        self._square += float(targets @ targets)
        self._gram.add(rows)

    def finish(self) -> Statistics:
        """The statistics of all rows so far; the builder may not be used afterwards."""
        return Statistics(self._gram.finish(), self._moment, self._square, self._gram.rows)


class GramBuilder:
    """Sums X^T X over blocks of rows."""

    def __init__(self, columns: int) -> None:
        self.rows = 0
        """Rows taken so far."""
        self._gram = np.zeros((columns, columns), order="F")
        self._block = np.empty((_ROWS_PER_UPDATE, columns))
        self._filled = 0

    def add(self, rows: np.ndarray) -> None:
        """Take rows (count, columns), which are neither kept nor changed."""
        self.rows += len(rows)
        while len(rows):
            some = rows[: _ROWS_PER_UPDATE - self._filled]
            self._block[self._filled : self._filled + len(some)] = some
            self._filled += len(some)
            if self._filled == _ROWS_PER_UPDATE:
                self._update()
            rows = rows[len(some) :]

    def finish(self) -> np.ndarray:
        """X^T X, upper triangle, Fortran order; the builder may not be used afterwards."""
        if self._filled:
            self._update()
        return self._gram

    def _update(self) -> None:
        block, self._filled = self._block[: self._filled], 0
        record(products(len(block) * block.shape[1] * (block.shape[1] + 1) // 2))
        add_gram(block, self._gram)
