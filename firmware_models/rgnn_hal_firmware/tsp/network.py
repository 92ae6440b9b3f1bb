"""What relays and sources do to cells: potentials, currents and stress of a probed 1T1R array.

Row line r and column line c meet in cell (r, c), which conducts while gate line r is above the
threshold of its transistor. Lines that nothing holds float. Of those, a line with one conducting
cell carries no current and drops out; what is left obeys Kirchhoff,

    sum_c G[r, c] (V_r - V_c) = 0  on floating rows, and likewise on columns,

which one small dense solve answers: sneak paths are in it. Wires and contacts have no resistance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.chip import Chip, PulseKind
from rgnn_hal_firmware.window import Window

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

STRESS = 0.5
"""V over a cell from which time is a pulse; reads stay far below."""


@dataclass(frozen=True)
class Lines:
    """Potentials of all lines, V; NaN floats."""

    rows: Values
    cols: Values
    gates: Values


class Array:
    """A chip whose lines are probed."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.shape = chip.whole.shape
        self._threshold = chip.preset.parameters.switching.threshold_voltage

    def currents(self, lines: Lines, count: int) -> tuple[Values, Values]:
        """What flows into the array from every row and every column, `count` times, A.

        Shapes are (count, rows) and (count, columns); the cells' noise is fresh every time.
        """
        into_rows, into_cols = np.zeros((count, self.shape[0])), np.zeros((count, self.shape[1]))
        rows, cols = self._carrying(lines)
        if rows.size and cols.size:
            for time in range(count):
                conductance = self._conductance(rows, cols)
                over = _differences(lines.rows[rows], lines.cols[cols], conductance)
                flow = conductance * over
                into_rows[time, rows], into_cols[time, cols] = flow.sum(axis=1), -flow.sum(axis=0)
        return into_rows, into_cols

    def dwell(self, lines: Lines, seconds: float) -> None:
        """Hold everything for a while: cells under more than `STRESS` are pulsed by it."""
        if seconds <= 0.0 or not _may_stress(lines):
            return
        rows, cols = self._carrying(lines)
        if not (rows.size and cols.size):
            return
        floats = np.isnan(lines.rows[rows]).any() or np.isnan(lines.cols[cols]).any()
        conductance = self._conductance(rows, cols) if floats else np.ones((rows.size, cols.size))
        over = _differences(lines.rows[rows], lines.cols[cols], conductance)
        whole = np.zeros(self.shape)
        whole[np.ix_(rows, cols)] = over
        formed = self.chip.formed
        for kind, cells in (
            (PulseKind.RESET, whole <= -STRESS),
            (PulseKind.SET, (whole >= STRESS) & formed),
            (PulseKind.FORM, (whole >= STRESS) & ~formed),
        ):
            if cells.any():
                gate = np.broadcast_to(np.nan_to_num(lines.gates)[:, None], self.shape)
                self.chip.pulse(kind, cells, np.abs(whole), gate, seconds, 1, self.chip.whole)

    def _carrying(self, lines: Lines) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns that can carry current."""
        rows = np.nan_to_num(lines.gates, nan=-np.inf) > self._threshold
        cols = np.ones(self.shape[1], np.bool_)
        while True:
            kept_rows = rows & (~np.isnan(lines.rows) | (cols.sum() > 1))
            kept_cols = cols & (~np.isnan(lines.cols) | (kept_rows.sum() > 1))
            if kept_rows.sum() == rows.sum() and kept_cols.sum() == cols.sum():
                return np.flatnonzero(rows), np.flatnonzero(cols)
            rows, cols = kept_rows, kept_cols

    def _conductance(self, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> Values:
        """Of the crossings of some rows and columns, read now, S."""
        window = Window(int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1)
        read = self.chip.read_conductance(window)
        return read[np.ix_(rows - rows[0], cols - cols[0])]


def _may_stress(lines: Lines) -> bool:
    held = np.concatenate([lines.rows, lines.cols])
    held = held[~np.isnan(held)]
    return held.size > 1 and float(held.max() - held.min()) >= STRESS


def _differences(rows: Values, cols: Values, conductance: Values) -> Values:
    """V_row - V_col of every crossing, floating lines solved for."""
    potential = np.concatenate([rows, cols])
    floating = np.isnan(potential)
    if floating.any():
        size = len(rows)
        laplacian = np.zeros((potential.size, potential.size))
        laplacian[:size, size:] = -conductance
        laplacian[size:, :size] = -conductance.T
        np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
        inner, outer = np.ix_(floating, floating), np.ix_(floating, ~floating)
        # Least squares: lines that float together and touch nothing held may sit anywhere.
        solved = np.linalg.lstsq(laplacian[inner], -laplacian[outer] @ potential[~floating])[0]
        potential[floating] = solved
        rows, cols = potential[:size], potential[size:]
    return np.asarray(rows[:, None] - cols)
