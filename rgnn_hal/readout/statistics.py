"""All a ridge regression needs of its rows X and targets y: X^T X, X^T y, y^T y and their number.

The sums are as large as one Gram matrix however many rows went in, and those of two shards, chips
or machines add. They are kept in float64: ridge parameters of 1e-10 must survive the summation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dsyrk

from rgnn_hal.cost import products, record

_ROWS_PER_UPDATE = 512  # below a few hundred rows dsyrk is bound by reading the Gram matrix


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
        self._pending: list[np.ndarray] = []
        self._pending_rows = 0

    def add(self, rows: np.ndarray) -> None:
        """Take rows (count, columns), which are neither kept nor changed."""
        self.rows += len(rows)
        if len(rows) >= _ROWS_PER_UPDATE:
            self._update(np.ascontiguousarray(rows, dtype=np.float64))
            return
        self._pending.append(np.array(rows, dtype=np.float64))
        self._pending_rows += len(rows)
        if self._pending_rows >= _ROWS_PER_UPDATE:
            self._flush()

    def finish(self) -> np.ndarray:
        """X^T X, upper triangle, Fortran order; the builder may not be used afterwards."""
        self._flush()
        return self._gram

    def _flush(self) -> None:
        if not self._pending:
            return
        block = np.concatenate(self._pending)
        self._pending, self._pending_rows = [], 0
        self._update(block)

    def _update(self, block: np.ndarray) -> None:
        # The transpose of a C-ordered block is Fortran-ordered: BLAS updates in place, no copies.
        record(products(len(block) * block.shape[1] * (block.shape[1] + 1) // 2))
        self._gram = dsyrk(1.0, block.T, beta=1.0, c=self._gram, overwrite_c=1)
