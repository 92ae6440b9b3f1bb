"""Wire resistance: the signal that long lines lose, against the same cells read one by one.

To first order in r G, a product of n rows over V sum(G) is

    y_j = gain_j (1 - r_col A_j(n) - r_row B_j(n))
    A_j = sum_ik G_ij G_kj min(s_i, s_k) / sum_i G_ij       current piling up along the column
    B_j = sum_ic G_ij G_ic min(d_j, d_c) / sum_i G_ij       current of all columns along the row

with s_i the segments between row i and where columns are sensed, d_j those between where rows are
driven and column j. Growing n at the sensed end makes A grow as n^2 / 3 while the gain of the
converter stays: it drops out, column by column. B grows with j but hardly with n; its slope over
columns stands out of gains that scatter at random. Cells read one by one are taken as free of loss.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.drive import Drive
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.macro import DataError, Macro, Region
from rgnn_hal.progress import Progress

_SIZES = 6
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class Wires:
    """Products of a growing number of rows next to where columns are sensed."""

    sensed_at_last_row: bool = True
    driven_at_first_column: bool = True
    name: str = "wires"
    wears: bool = False

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Measure the lines that cross `region`, from the chip's edges on."""
        drive = Drive.of(macro, region)
        rows, cols = drive.region.shape
        if rows < 2 * _SIZES or cols < 4:
            raise DataError(
                f"{rows} rows x {cols} columns lose too little on wires to measure; "
                f"choose a region of at least {2 * _SIZES} x 4"
            )
        spec = macro.spec
        row_segments = 1.0 + np.arange(
            drive.region.row_start, drive.region.row_stop, dtype=np.float64
        )
        if self.sensed_at_last_row:
            row_segments = spec.rows + 1.0 - row_segments
        col_segments = 1.0 + np.arange(
            drive.region.col_start, drive.region.col_stop, dtype=np.float64
        )
        if not self.driven_at_first_column:
            col_segments = spec.cols + 1.0 - col_segments
        nearest = np.argsort(row_segments)
        sizes = np.unique(np.geomspace(rows / 8, rows, _SIZES).astype(int))
        loads, signal = [], []
        for index, size in enumerate(sizes):
            chosen = np.sort(nearest[:size])
            voltage = np.zeros((1, rows))
            voltage[0, chosen] = drive.voltage
            cells: Values = drive.conductance[chosen]
            current = drive.currents(macro, voltage)[0]
            signal.append(current / (drive.voltage * cells.sum(axis=0)))
            loads.append((column_load(cells, row_segments[chosen]), row_load(cells, col_segments)))
            progress(index + 1, len(sizes), "wires")
        ratio = np.stack(signal)
        column = np.stack([load[0] for load in loads])
        row = np.stack([load[1] for load in loads])
        return _findings(sizes, ratio, column, row)


def column_load(conductance: Values, segments: Values) -> Values:
    """A_j, S, of `conductance` (rows, columns) at `segments` (rows,) from the sensed end."""
    shared = np.minimum(segments[:, None], segments[None, :])
    load: Values = np.einsum("ij,ik,kj->j", conductance, shared, conductance, optimize=True)
    load /= conductance.sum(axis=0)
    return load


def row_load(conductance: Values, segments: Values) -> Values:
    """B_j, S, of `conductance` (rows, columns) at `segments` (columns,) from the driven end."""
    shared = np.minimum(segments[:, None], segments[None, :])
    load: Values = np.sum(conductance * (conductance @ shared), axis=0)
    load /= conductance.sum(axis=0)
    return load


def _findings(sizes: Values, ratio: Values, column: Values, row: Values) -> Findings:
    gain = ratio.mean(axis=0)
    relative = ratio / gain - 1
    deviation = column - column.mean(axis=0)
    per_column = -np.sum(deviation * relative, axis=0) / np.sum(deviation**2, axis=0)
    along_column = _mean(per_column)
    load = row.mean(axis=0)
    tilt = load - load.mean()
    corrected = gain * (1 + along_column.value * column.mean(axis=0))
    corrected /= corrected.mean()
    slope = -float(tilt @ corrected) / float(tilt @ tilt)
    residual = corrected - 1 + slope * tilt
    error = float(np.sqrt(residual @ residual / (tilt.size - 2) / (tilt @ tilt)))
    along_row = Estimate(slope, error, "ohm", tilt.size)
    return Findings(
        {
            "column_resistance": along_column,
            "column_resistance_limit": _limit(along_column),
            "row_resistance": along_row,
            "row_resistance_limit": _limit(along_row),
        },
        {
            "driven_rows": Series(sizes, "1"),
            "signal": Series(ratio, "1"),
            "column_load": Series(column, "S"),
            "row_load": Series(row, "S"),
        },
    )


def _mean(values: Values) -> Estimate:
    error = float(values.std(ddof=1) / np.sqrt(values.size))
    return Estimate(float(values.mean()), error, "ohm", values.size)


def _limit(found: Estimate) -> Estimate:
    """Largest resistance that 95 % confidence leaves, ohm per segment."""
    top = max(found.value, 0.0) + _TWO_SIDED_95 * found.standard_error
    return Estimate(top, found.standard_error, "ohm", found.count)
