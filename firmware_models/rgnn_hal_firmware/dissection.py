"""Nested dissection: what a crossbar is between its contacts, without ever solving for a voltage.

Cut the array into halves, and halves into halves. A tile is all resistors that begin in a rectangle
of cells; seen from outside it is only a Laplacian Y over its *ports*, the nodes it shares with
other tiles and its contacts: current into the ports = Y @ port voltages. Two tiles side by side
add up, and the nodes that were shared by them alone are eliminated,

    Y_kk - Y_ke Y_ee^-1 Y_ek .

A cut crosses one wire per line, so an n x n tile has 4 n ports and the whole costs O(n^3)
operations (George, SIAM J. Numer. Anal. 10, 345 (1973)); eliminating column by column costs n^4.

Off-diagonal elements are sums of terms of one sign. Diagonals lose digits where a pristine cell
(1e-7 S) hangs on a wire (1 S), so they are restored from the rest: the rows of a Laplacian sum to
zero. Each single element is then good to 1e-14 of itself. (SuperLU on the same nodes: 1e-9 for a
line that floats on 1e-9 S cells, and 1e-3 if its segments have 1e-4 ohm.)
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from rgnn_hal_firmware.topology import Plane, Values

Nodes = NDArray[np.int64]

_LEAF_CELLS = 64


def admittance(conductance: Values, rows: Plane, cols: Plane) -> Values:
    """The Laplacian over all contacts, those of rows first: (rows + cols, rows + cols), S.

    No part of the array may float freely: each line needs a way to a contact.
    """
    network = _Network.of(conductance, rows, cols)
    whole = _reduce(network, _Tile(0, conductance.shape[0], 0, conductance.shape[1]))
    contacts = np.zeros((network.contacts, network.contacts))
    contacts[np.ix_(whole.ports, whole.ports)] = whole.laplacian
    return contacts


class _Tile(NamedTuple):
    row_start: int
    row_stop: int
    col_start: int
    col_stop: int

    @property
    def cells(self) -> tuple[slice, slice]:
        """Index of its cells in the array."""
        return slice(self.row_start, self.row_stop), slice(self.col_start, self.col_stop)

    def halves(self) -> tuple["_Tile", "_Tile"]:
        """Across the longer side."""
        row_start, row_stop, col_start, col_stop = self
        if row_stop - row_start >= col_stop - col_start:
            middle = (row_start + row_stop) // 2
            return self._replace(row_stop=middle), self._replace(row_start=middle)
        middle = (col_start + col_stop) // 2
        return self._replace(col_stop=middle), self._replace(col_start=middle)


@dataclass(frozen=True)
class _Lines:
    """One plane as a graph; arrays are (lines, cells of a line), ends are (lines, 2)."""

    nodes: Nodes
    contacts: Nodes
    along: float
    """Conductance of a segment, S; 0 where neighbours are one node already."""
    ends: Values
    """Conductance of the leads, S; 0 where there is none or cell and contact are one node."""

    @classmethod
    def of(cls, plane: Plane, crossings: int, contact: int, node: int) -> Self:
        """Contacts are numbered from `contact`, nodes from `node`."""
        lines = plane.leads.shape[0]
        contacts = contact + np.arange(lines)
        at_contact = plane.leads == 0.0
        if plane.segment == 0.0:
            each = np.where(at_contact.any(axis=1), contacts, node + np.arange(lines))
            nodes = np.repeat(each[:, None], crossings, axis=1)
        else:
            nodes = node + np.arange(lines * crossings).reshape(lines, crossings)
            for end in (0, -1):
                nodes[at_contact[:, end], end] = contacts[at_contact[:, end]]
        joined = at_contact | (nodes[:, [0, -1]] == contacts[:, None])
        ends = np.divide(1.0, plane.leads, out=np.zeros_like(plane.leads), where=~joined)
        return cls(nodes, contacts, 1.0 / plane.segment if plane.segment else 0.0, ends)

    def resistors(self, lines: slice, cells: slice) -> tuple[Nodes, Nodes, Values]:
        """Both nodes and the conductance of each resistor that begins at these cells."""
        crossings = self.nodes.shape[1]
        start = cells.start
        stop = min(cells.stop, crossings - 1) if self.along else start
        here = [self.nodes[lines, start:stop].ravel()]
        there = [self.nodes[lines, start + 1 : stop + 1].ravel()]
        siemens = [np.full(here[0].size, self.along)]
        for end, present in ((0, start == 0), (-1, cells.stop == crossings)):
            if present:
                here.append(self.contacts[lines])
                there.append(self.nodes[lines, end])
                siemens.append(self.ends[lines, end])
        return np.concatenate(here), np.concatenate(there), np.concatenate(siemens)

    def shared(self, lines: slice, cells: slice) -> list[Nodes]:
        """Nodes at which resistors of other tiles end too."""
        crossings = self.nodes.shape[1]
        borders = [cells.start] if cells.start > 0 else []
        borders += [cells.stop] if cells.stop < crossings else []
        return [self.nodes[lines, border] for border in borders]


@dataclass(frozen=True)
class _Network:
    """The whole array: contacts are numbered first, rows' before columns', then all nodes."""

    conductance: Values
    rows: _Lines
    cols: _Lines
    contacts: int

    @classmethod
    def of(cls, conductance: Values, rows: Plane, cols: Plane) -> Self:
        """Cells of `conductance` (rows, columns), S, between two planes."""
        lines, crossings = conductance.shape
        contacts = lines + crossings
        return cls(
            conductance,
            _Lines.of(rows, crossings, 0, contacts),
            _Lines.of(cols, lines, lines, contacts + conductance.size),
            contacts,
        )

    def resistors(self, tile: _Tile) -> tuple[Nodes, Nodes, Values]:
        """Both nodes and the conductance of each resistor that begins in `tile`."""
        rows, cols = tile.cells
        row_nodes = self.rows.nodes[tile.cells].ravel()
        col_nodes = self.cols.nodes[cols, rows].T.ravel()
        cells = row_nodes, col_nodes, self.conductance[tile.cells].ravel()
        parts = cells, self.rows.resistors(rows, cols), self.cols.resistors(cols, rows)
        here, there, siemens = zip(*parts, strict=True)
        return np.concatenate(here), np.concatenate(there), np.concatenate(siemens)

    def kept(self, ports: Nodes, tile: _Tile) -> NDArray[np.bool_]:
        """Which of the sorted `ports` are contacts or shared with other tiles."""
        rows, cols = tile.cells
        kept = ports < self.contacts
        for nodes in (*self.rows.shared(rows, cols), *self.cols.shared(cols, rows)):
            kept[np.searchsorted(ports, nodes)] = True
        return kept


@dataclass(frozen=True)
class _Front:
    """A tile as seen from outside."""

    ports: Nodes
    """Sorted."""
    laplacian: Values


def _reduce(network: _Network, tile: _Tile) -> _Front:
    rows, cols = tile.cells
    if (rows.stop - rows.start) * (cols.stop - cols.start) <= _LEAF_CELLS:
        front = _leaf(*network.resistors(tile))
    else:
        front = _sum(*(_reduce(network, half) for half in tile.halves()))
    return _eliminate(front, network.kept(front.ports, tile))


def _leaf(here: Nodes, there: Nodes, siemens: Values) -> _Front:
    ports, index = np.unique(np.concatenate([here, there]), return_inverse=True)
    size, (start, stop) = ports.size, np.split(index, 2)
    entry = np.concatenate([start * size + stop, stop * size + start])
    # NumPy's stub of bincount forgets that weights make it floating.
    flat = np.bincount(entry, np.tile(-siemens, 2), size**2).astype(np.float64, copy=False)
    return _Front(ports, _balanced(flat.reshape(size, size)))


def _sum(first: _Front, second: _Front) -> _Front:
    ports = np.union1d(first.ports, second.ports)
    laplacian = np.zeros((ports.size, ports.size))
    for front in (first, second):
        index = np.searchsorted(ports, front.ports)
        laplacian[np.ix_(index, index)] += front.laplacian
    return _Front(ports, laplacian)


def _eliminate(front: _Front, kept: NDArray[np.bool_]) -> _Front:
    keep, drop = np.flatnonzero(kept), np.flatnonzero(~kept)
    laplacian = front.laplacian[np.ix_(keep, keep)]
    if drop.size:
        # Transposed views are in Fortran's order: LAPACK works in place.
        factor, failed = lapack.dpotrf(
            front.laplacian[np.ix_(drop, drop)].T, lower=1, overwrite_a=1
        )
        if failed:
            raise np.linalg.LinAlgError("part of the array has no way to a contact")
        # OpenBLAS wakes all its threads for any dtrsm, however small: 20 ms instead of 20 us on
        # two busy cores. The inverse of an M-matrix's factor is as good: it has no cancellation.
        inverse, _ = lapack.dtrtri(factor, lower=1, overwrite_c=1)
        across = inverse @ front.laplacian[np.ix_(drop, keep)]
        laplacian -= across.T @ across
    return _Front(front.ports[keep], _balanced(laplacian))


def _balanced(laplacian: Values) -> Values:
    """Each diagonal element such that its row sums to zero, in place."""
    np.einsum("ii->i", laplacian)[:] -= laplacian.sum(axis=1)
    return laplacian
