"""How much of a cell is seen through the wires: the gain of its noise.

A cell whose conductance changes by dG moves the current of column c by e a dG, to first order, with
e the voltage across the cell and a the same for one volt on column c's contact alone (reciprocity).
From row i's own volt to column c's own current that is, exactly, g[i, c] = dT[i, c] / dG[i, c], and

    var(I_c) = sum_i (V_i g[i, c])^2 var(G[i, c])

is the matrix product it was, with g^2 var(G) for var(G). Neglected: what rows do to each other's
cells by lifting the columns, and columns to each other's currents.

g comes from ladders. Row i alone is a chain of segments with a shunt at each crossing: the cell in
series with column c as it looks from there, itself a ladder whose other cells end on rows at 0 V.

Against brute force over all cells and contacts (64 x 64, log-uniform 0.1-100 uS, one contact per
line), by signal loss of the full read:

    loss                                     4 %      14 %     39 %     70 %
    g, largest relative error                2e-6     1e-4     3e-3     2e-2
    sd(I), inputs of both signs, rms error   0.1 %    0.2 %    0.6 %    1.7 %
    sd(I), equal inputs, too large by        1.9 %    6.8 %    18 %     25 %
    correlation of columns, largest          0.002    0.008    0.024    0.06

Inputs of both signs lift columns little, and less the more rows there are (128 x 128, 39 %: 0.4 %).
Equal inputs lift them together; cells see less voltage than g says, and noise is overstated.
"""

import numpy as np

from rgnn_hal_firmware.topology import Plane, Values


def noise_gain(conductance: Values, rows: Plane, cols: Plane) -> Values:
    """dT / dG of each cell, (rows, columns), 0 ... 1; floating lines count as grounded."""
    row_side = _impedance(conductance, rows)
    col_side = _impedance(conductance.T, cols).T
    across_col = 1.0 / (1.0 + conductance * col_side)
    across_row = 1.0 / (1.0 + conductance * row_side)
    from_row = _attenuation(conductance * across_col, rows)
    from_col = _attenuation((conductance * across_row).T, cols).T
    gain: Values = from_row * across_col * from_col * across_row
    return gain


def _impedance(shunts: Values, plane: Plane) -> Values:
    """Of each line to 0 V at each crossing, without that crossing's own shunt, ohm."""
    if _is_one_node(shunts, plane):
        others = shunts.sum(axis=1, keepdims=True) - shunts
        admittance = others + _contact_conductance(plane)
    else:
        admittance = (
            _toward_start(shunts, plane) + _toward_start(*_reversed(shunts, plane))[:, ::-1]
        )
    with np.errstate(divide="ignore"):
        impedance: Values = np.minimum(1.0 / admittance, np.finfo(np.float64).max)
    return impedance


def _attenuation(shunts: Values, plane: Plane) -> Values:
    """Voltage of each crossing per volt on the line's contacts."""
    if _is_one_node(shunts, plane):
        contact = _contact_conductance(plane)
        load = np.divide(
            shunts.sum(axis=1, keepdims=True),
            contact,
            out=np.full_like(contact, np.inf),
            where=contact > 0,
        )
        return np.broadcast_to(1.0 / (1.0 + load), shunts.shape)
    backward = _reversed(shunts, plane)
    return _from_start(shunts, plane) + _from_start(*backward)[:, ::-1]


def _is_one_node(shunts: Values, plane: Plane) -> bool:
    return plane.segment == 0.0 or shunts.shape[1] == 1


def _contact_conductance(plane: Plane) -> Values:
    with np.errstate(divide="ignore"):
        conductance: Values = (1.0 / plane.leads).sum(axis=1, keepdims=True)
    return conductance


def _reversed(shunts: Values, plane: Plane) -> tuple[Values, Plane]:
    return shunts[:, ::-1], Plane(plane.segment, plane.leads[:, ::-1])


def _toward_start(shunts: Values, plane: Plane) -> Values:
    """Admittance of each line from each crossing toward its first cell, S."""
    admittance = np.empty_like(shunts)
    with np.errstate(divide="ignore"):
        admittance[:, 0] = 1.0 / plane.leads[:, 0]
        for crossing in range(1, shunts.shape[1]):
            beyond = admittance[:, crossing - 1] + shunts[:, crossing - 1]
            admittance[:, crossing] = 1.0 / (plane.segment + 1.0 / beyond)
    return admittance


def _from_start(shunts: Values, plane: Plane) -> Values:
    """Voltage of each crossing per volt on the contact at the first cell, the other at 0 V."""
    load = shunts + _toward_start(*_reversed(shunts, plane))[:, ::-1]
    lead, voltage = plane.leads[:, 0], np.zeros_like(shunts)
    contacted = np.isfinite(lead)
    voltage[contacted, 0] = 1.0 / (1.0 + lead[contacted] * load[contacted, 0])
    for crossing in range(1, shunts.shape[1]):
        voltage[:, crossing] = voltage[:, crossing - 1] / (1.0 + plane.segment * load[:, crossing])
    return voltage
