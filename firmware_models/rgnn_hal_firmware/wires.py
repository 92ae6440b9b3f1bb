"""Wire resistance: what a product multiplies with instead of the conductances.

Cells are ohmic at read, so a crossbar between its contacts is a linear network, whatever drops
along its wires:

    I (batch, columns) = V (batch, rows) @ T,    T[r, c] = dI_c / dV_r,

with every contact that is not driven at 0 V. T is computed once for a conductance state, exactly
(`dissection`); a product afterwards is the same single matrix product as without wires. Without
resistance T is G. With it, N x N cells with one contact per line lose about the share
N^2 G (r_row + r_col) / 3 of their current while that is small, and far cells more than near ones.
Networks of resistors are reciprocal: driven columns and sensed rows see T.T.

`ladder` adds the noise of cells seen through wires.
"""

import warnings
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rgnn_hal_firmware.dissection import admittance
from rgnn_hal_firmware.topology import Plane, Values

WORTH_A_WARNING = 0.1
"""Signal loss above which a read is hardly the product that was asked for."""


def transfer_matrix(conductance: Values, rows: Plane, cols: Plane) -> Values:
    """Transfer conductance from each row's contact to each column's, (rows, columns), S.

    Contacts of one line are one node. A line without any floats; its row or column of T is zero.
    """
    count = conductance.shape[0]
    transfer: Values = -admittance(*_tied(conductance, rows, cols))[:count, count:]
    return transfer


def signal_loss(transfer: Values, conductance: Values) -> float:
    """Share of the current that wires take from a read with one voltage on all rows, 0 ... 1."""
    return float(1.0 - transfer.sum() / conductance.sum())


def warn_of_signal_loss(transfer: Values, conductance: Values, *, stacklevel: int = 2) -> None:
    """Warn if wires take more than `WORTH_A_WARNING` of the signal; call once per state.

    Args:
        transfer: of the lines that are in use, (rows, columns), S.
        conductance: of the same lines, S.
        stacklevel: of `warnings.warn`, as seen from here.
    """
    loss = signal_loss(transfer, conductance)
    if loss > WORTH_A_WARNING:
        rows, cols = conductance.shape
        warnings.warn(
            f"wires take {loss:.0%} of the current when all {rows} x {cols} cells are read at "
            f"once, more than {WORTH_A_WARNING:.0%}: activate fewer rows at a time, program lower "
            "conductances, or give lines wider metal or contacts at both ends",
            RuntimeWarning,
            stacklevel=stacklevel + 1,
        )


def _tied(conductance: Values, rows: Plane, cols: Plane) -> tuple[Values, Plane, Plane]:
    """With lines that float freely tied down, each by itself: they carry no current."""
    leads = np.concatenate([rows.leads, cols.leads])
    contacted = np.isfinite(leads).any(axis=1)
    if contacted.all():
        return conductance, rows, cols
    count = conductance.shape[0]
    row, col = np.nonzero(conductance)
    crossings = coo_array((np.ones(row.size), (row, col + count)), (contacted.size,) * 2)
    _, group = connected_components(crossings, directed=False)
    free = ~np.isin(group, group[contacted])
    leads[free] = 1.0
    tied = np.where(free[:count, None], 0.0, conductance)
    return tied, replace(rows, leads=leads[:count]), replace(cols, leads=leads[count:])
