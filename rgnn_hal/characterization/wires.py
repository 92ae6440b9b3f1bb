"""Wire resistance: the signal that long lines lose, against the same cells read one by one.

To first order in r G, the current of column j over V sum(G) of the driven rows D is

    y_j = gain_j (1 - r_col A_j - r_row B_j)
    A_j = sum_(i in all, k in D) G_ij G_kj min(s_i, s_k) / sum_(k in D) G_kj
    B_j = sum_(i in D, c in all) G_ij G_ic min(d_j, d_c) / sum_(i in D) G_ij

with s_i the segments between row i and where columns are sensed, d_j those between where rows are
driven and column j. A is current that piles up along the column: it lowers what driven cells see
and leaks away through grounded rows; B is the current of all columns along the row. With more
driven rows A grows while the gain of the converter stays: it drops out, column by column. B grows
with j; its slope over columns stands out of gains that scatter at random. Cells read one by one are
taken as free of loss.
"""

from dataclasses import dataclass, replace

import numpy as np

from rgnn_hal.characterization.drive import Drive
from rgnn_hal.characterization.quantity import Estimate, Findings, Series, Values
from rgnn_hal.macro import DataError, Macro, MacroSpec, Region
from rgnn_hal.progress import Progress

_SIZES = 6
_SAMPLES = 4
_ROUNDS = 3
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
        wires = _Lengths.of(macro.spec, self)
        place = drive.region
        crossing = _Crossing.read(macro, place)
        nearest = np.argsort(wires.rows[place.slices[0]])
        sizes = np.unique(np.geomspace(rows / 8, rows, _SIZES).astype(int))
        signal, column, row = [], [], []
        for index, size in enumerate(sizes):
            driven = np.zeros(rows)
            driven[nearest[:size]] = 1.0
            current = drive.currents(macro, drive.voltage * driven[None, :])[0]
            signal.append(current / (drive.voltage * (driven @ drive.conductance)))
            everywhere = np.zeros(macro.spec.rows)
            everywhere[place.slices[0]] = driven
            column.append(column_load(crossing.columns, wires.rows, everywhere))
            row.append(row_load(crossing.rows, wires.cols, driven)[place.slices[1]])
            progress(index + 1, len(sizes), "wires")
        return _findings(sizes, np.stack(signal), np.stack(column), np.stack(row))


@dataclass(frozen=True)
class _Lengths:
    """Segments from every row to the sensed end, from the driven end to every column."""

    rows: Values
    cols: Values

    @classmethod
    def of(cls, spec: MacroSpec, wires: Wires) -> "_Lengths":
        rows = np.arange(1.0, spec.rows + 1)
        cols = np.arange(1.0, spec.cols + 1)
        return cls(
            rows[::-1].copy() if wires.sensed_at_last_row else rows,
            cols if wires.driven_at_first_column else cols[::-1].copy(),
        )


@dataclass(frozen=True)
class _Crossing:
    """All cells of the lines that cross a region, S."""

    columns: Values
    """(all rows, the region's columns)."""
    rows: Values
    """(the region's rows, all columns)."""

    @classmethod
    def read(cls, macro: Macro, region: Region) -> "_Crossing":
        spec, samples = macro.spec, min(_SAMPLES, macro.spec.max_samples)
        whole_columns = Region(0, spec.rows, region.col_start, region.col_stop)
        whole_rows = Region(region.row_start, region.row_stop, 0, spec.cols)
        return cls(
            macro.read_conductance(whole_columns, samples),
            macro.read_conductance(whole_rows, samples),
        )


def column_load(conductance: Values, segments: Values, driven: Values) -> Values:
    """A_j, S, of whole columns (rows, columns) at `segments` (rows,); `driven` (rows,): 0, 1."""
    shared = np.minimum(segments[:, None], segments[None, :])
    signal = driven[:, None] * conductance
    load: Values = np.sum(conductance * (shared @ signal), axis=0)
    load /= signal.sum(axis=0)
    return load


def row_load(conductance: Values, segments: Values, driven: Values) -> Values:
    """B_j, S, of whole rows (rows, columns) at `segments` (columns,); `driven` (rows,): 0, 1."""
    shared = np.minimum(segments[:, None], segments[None, :])
    signal = driven[:, None] * conductance
    load: Values = np.sum(signal * (conductance @ shared), axis=0)
    load /= signal.sum(axis=0)
    return load


def _findings(sizes: Values, ratio: Values, column: Values, row: Values) -> Findings:
    row_loss = np.zeros_like(ratio)
    for _ in range(_ROUNDS):
        along_column = _from_growth(ratio * (1 + row_loss), column)
        along_row = _from_position(ratio * (1 + along_column.value * column), row)
        if not along_row.agrees_with(0.0):
            row_loss = along_row.value * row
    # B changes a little with n: what a row resistance that stays unknown looks like in a column's.
    mimicked = _from_growth(1 - row * along_row.standard_error, column).value
    along_column = replace(
        along_column, standard_error=float(np.hypot(along_column.standard_error, mimicked))
    )
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


def _from_growth(ratio: Values, load: Values) -> Estimate:
    """r_col, ohm, from `ratio` (sizes, columns): each column against its own mean."""
    relative = ratio / ratio.mean(axis=0) - 1
    deviation = load - load.mean(axis=0)
    found = -np.sum(deviation * relative, axis=0) / np.sum(deviation**2, axis=0)
    # A column's gain is the mean of signals that have lost something already.
    found /= 1 + found * load.mean(axis=0)
    error = float(found.std(ddof=1) / np.sqrt(found.size))
    return Estimate(float(found.mean()), error, "ohm", found.size)


def _from_position(ratio: Values, load: Values) -> Estimate:
    """r_row, ohm, from the tilt of `ratio` (sizes, columns) over columns."""
    signal, tilt = ratio.mean(axis=0), load.mean(axis=0)
    deviation = tilt - tilt.mean()
    power = float(deviation @ deviation)
    slope = -float(deviation @ signal) / power
    at_driver = float(signal.mean()) + slope * float(tilt.mean())
    residual = signal - signal.mean() + slope * deviation
    error = float(np.sqrt(residual @ residual / (tilt.size - 2) / power))
    return Estimate(slope / at_driver, error, "ohm", tilt.size)


def _limit(found: Estimate) -> Estimate:
    """Largest resistance that 95 % confidence leaves, ohm per segment."""
    top = max(found.value, 0.0) + _TWO_SIDED_95 * found.standard_error
    return Estimate(top, found.standard_error, "ohm", found.count)
