"""Rows of the forces: what they are in terms of the readout theta, F = -dE/dr.

With A_i the components of a centre and d_e the displacement of one of its edges,

    dB_i/dd_e = sum_lm dB_i/dA_lm  (R W_l grad Y_lm + R' W_l Y_lm u)_e,

which for all edges of a centre and all its invariants is one matrix product per channel: changes
of A, (3 * edges, (lmax+1)^2), times slopes of the invariants, ((lmax+1)^2, invariants). Centres are
worked on in tables of equal width. A may be noisy hardware outputs; its derivatives use the twin's
W_l.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.reservoir.cubic_forms import Room
from rgnn_hal.reservoir.expansion import EdgeBasis, in_slots
from rgnn_hal.reservoir.invariants import Invariants
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.structures import Graph, TypeWeights

_NUMBERS = 1 << 21
"""Of a table: 8 MB in single precision. A quarter of it takes 14 to 15.7 s instead of 11.5 to 12.1
for the statistics of 900 frames of ethanol (4,380 columns), twice as many 11.5 to 11.7."""
_ROW_BYTES = 1 << 27
"""Of one block of force rows."""


def force_rows(
    reservoir: Reservoir, graph: Graph, basis: EdgeBasis, components: Tensor
) -> Iterator[Tensor]:
    """Rows of the forces in blocks of atoms, (3 * some atoms, columns), in a bounded memory.

    All rows of 4,096 atoms take a gigabyte. An edge between two blocks is worked on twice.
    `components` ((lmax+1)^2, atoms, channels) are the mixed ones, whose precision is that of rows.
    """
    most = max(1, _ROW_BYTES // (3 * 8 * reservoir.columns))
    basis = basis.to(components.dtype)
    for start in range(0, graph.atoms, most):
        atoms = slice(start, min(start + most, graph.atoms))
        yield _force_rows(reservoir, graph, basis, components, atoms)


def _force_rows(
    reservoir: Reservoir, graph: Graph, basis: EdgeBasis, components: Tensor, atoms: slice
) -> Tensor:
    types = reservoir.types.weights(graph)
    weights = torch.stack(reservoir.twin_weights(), dim=1).to(components.dtype)
    count, kinds = atoms.stop - atoms.start, len(reservoir.types)
    features = (reservoir.channels, 3, reservoir.invariants.size)
    # One atom more than there are is told what nobody asked for.
    total = components.new_zeros(((count + 1) * kinds, *features))
    room = Room()
    for table in _tables(reservoir, graph, atoms):
        changes = _changes(weights, basis, types, table, room)
        slopes = _slopes(reservoir.invariants, components[:, table.centres], room)
        rises = _products(changes, slopes)
        places, kind = torch.nonzero(types.values[table.centres]).T
        share = types.values[table.centres[places], kind]
        if (share != 1.0).any() or len(places) > len(rises):
            rises = rises[places] * share[:, None, None].to(rises.dtype)
        ends = table.ends[places] * kinds + kind[:, None]
        total.flatten(1).index_add_(0, ends.flatten(), rises.flatten(0, 1))
    rows = total.new_zeros((count, 3, reservoir.columns))
    by_type = rows[:, :, :-kinds].unflatten(2, (kinds, features[2], features[0]))
    by_type.copy_(total[: count * kinds].unflatten(0, (count, kinds)).permute(0, 3, 1, 4, 2))
    if len(types.edges):
        _add_changing_types(rows, reservoir, graph, basis, components, types, atoms)
    return rows.flatten(0, 1)


@dataclass(frozen=True)
class _Table:
    """Edges of some centres in rows of equal width."""

    centres: Tensor
    """(centres,)."""
    edges: Tensor
    """(centres, width)."""
    real: Tensor
    """Which are not there to fill a row, (centres, width)."""
    neighbours: Tensor
    """At their other ends, (centres, width)."""
    ends: Tensor
    """Rows' places of the neighbours and of the centre itself, (centres, width + 1)."""


def _tables(reservoir: Reservoir, graph: Graph, atoms: slice) -> Iterator[_Table]:
    """All edges that begin or end at some atoms, sorted by centre."""
    everything = atoms.stop - atoms.start == graph.atoms
    touching = _within(graph.centre, atoms) | _within(graph.neighbour, atoms)
    edges = torch.nonzero(touching)[:, 0]
    centres, count = torch.unique_consecutive(graph.centre[edges], return_counts=True)
    first = count.cumsum(0) - count
    components, size = (reservoir.lmax + 1) ** 2, reservoir.invariants.size
    numbers = components * size + 3 * (int(count.max()) + 1) * (components + size)
    for some in torch.arange(len(centres)).split(
        max(1, _NUMBERS // (numbers * reservoir.channels))
    ):
        within = torch.arange(int(count[some].max()))
        real = within < count[some, None]
        chosen = edges[(first[some, None] + within).clamp(max=len(edges) - 1)]
        neighbours = graph.neighbour[chosen]
        ends = torch.cat([neighbours, centres[some, None]], dim=1) - atoms.start
        if not everything:
            ends[(ends < 0) | (ends >= atoms.stop - atoms.start)] = atoms.stop - atoms.start
        yield _Table(centres[some], chosen, real, neighbours, ends)


def _products(changes: Tensor, slopes: Tensor) -> Tensor:
    """-dB/dr of the centres' invariants by ends, (centres, width + 1, channels * 3 * size)."""
    product = torch.bmm(changes.flatten(0, 1).transpose(1, 2), slopes)
    by_end = product.view(*changes.shape[:2], -1, 3 * slopes.shape[2])
    return by_end.transpose(1, 2).flatten(2)


def _changes(
    weights: Tensor, basis: EdgeBasis, types: TypeWeights, table: _Table, room: Room
) -> Tensor:
    """-dA/dr by ends, (centres, channels, (lmax+1)^2, (width + 1) * 3).

    `weights` are W_l, (inputs, lmax + 1, channels).
    """
    edges, (_, degrees, channels) = table.edges, weights.shape
    count, width = edges.shape
    shares = types.values[table.neighbours] * table.real[:, :, None]
    functions = torch.stack([basis.radial, basis.radial_slope])[:, edges.flatten()]
    slots = in_slots(functions, shares.flatten(0, 1).to(functions.dtype))
    mixed = (slots @ weights.flatten(1)).view(2, count, width, degrees, channels)
    radial, steep = mixed.permute(0, 1, 4, 3, 2).repeat_interleave(3, dim=4)
    turn = basis.angular_gradient[edges].permute(0, 2, 1, 3).flatten(2)
    along = basis.angular[edges, :, None] * basis.direction[edges, None]
    along = along.permute(0, 2, 1, 3).flatten(2)
    changes = room.of(slots, count, channels, turn.shape[1], 3 * (width + 1))
    pushed, pulled = changes.split([3 * width, 3], dim=3)
    for degree in range(degrees):
        lm = slice(degree**2, (degree + 1) ** 2)
        part = pushed[:, :, lm]
        torch.mul(radial[:, :, degree, None], turn[:, None, lm], out=part)
        part.addcmul_(steep[:, :, degree, None], along[:, None, lm]).neg_()
    # The centre moves against all of them; torch is slow at sums over axes in between.
    pulled.copy_(pushed @ -torch.eye(3, dtype=slots.dtype).repeat(width, 1))
    return changes


def _slopes(invariants: Invariants, components: Tensor, room: Room) -> Tensor:
    """dB/dA of some atoms, (atoms * channels, (lmax+1)^2, size), the latter two transposed."""
    slopes = room.zeros(components, invariants.size, *components.shape)
    for degree, (part, places) in enumerate(
        zip(invariants.gradients(components), invariants.places, strict=True)
    ):
        slopes[places, degree**2 : (degree + 1) ** 2] = part
    flat = slopes.flatten(2).flatten(0, 1).T
    by_atom = room.of(flat, *flat.shape).copy_(flat)
    return by_atom.view(-1, invariants.size, len(components)).transpose(1, 2)


def _add_changing_types(
    rows: Tensor,
    reservoir: Reservoir,
    graph: Graph,
    basis: EdgeBasis,
    components: Tensor,
    types: TypeWeights,
    atoms: slice,
) -> None:
    """What forces owe to weights that change, dE/dw dw/dd; few atoms have any."""
    for atom in torch.unique(graph.centre[types.edges]).tolist():
        told = _told(reservoir, graph, basis, components, types, atom)
        for place in torch.nonzero(graph.centre[types.edges] == atom)[:, 0].tolist():
            push = types.slopes[place].T.to(told.dtype) @ told
            for end, sign in ((atom, 1.0), (int(graph.neighbour[types.edges[place]]), -1.0)):
                if atoms.start <= end < atoms.stop:
                    rows[end - atoms.start].add_(push, alpha=sign)


def _told(
    reservoir: Reservoir,
    graph: Graph,
    basis: EdgeBasis,
    components: Tensor,
    types: TypeWeights,
    atom: int,
) -> Tensor:
    """dE/dw of one atom as rows, (types, columns): its own energy and its neighbours'."""
    count, channels, invariants = len(reservoir.types), reservoir.channels, reservoir.invariants
    here = components[:, [atom]]
    own = invariants.values(here, invariants.gradients(here))[:, 0].flatten()
    told = torch.cat(
        [torch.block_diag(*[own[None]] * count), torch.eye(count, dtype=own.dtype)], dim=1
    )
    edges = torch.nonzero(graph.neighbour == atom)[:, 0]
    centres = graph.centre[edges]
    gradients = invariants.gradients(components[:, centres])
    change = own.new_zeros((len(edges), count, invariants.size, channels))
    for degree, places in enumerate(invariants.places):
        lm = slice(degree**2, (degree + 1) ** 2)
        slope = torch.einsum("fmek,em->efk", gradients[degree], basis.angular[edges, lm])
        weights = reservoir.twin_weights()[degree].to(own.dtype).unflatten(0, (count, -1))
        mixed = torch.einsum("en,tnk->etk", basis.radial[edges], weights)
        change.index_add_(2, places, slope[:, None] * mixed[:, :, None])
    learnt = told[:, :-count].unflatten(1, (count, -1))
    shares = types.values[centres].to(own.dtype)
    learnt += torch.einsum("ec,etx->tcx", shares, change.flatten(2))
    return told


def _within(atoms: Tensor, some: slice) -> Tensor:
    return torch.logical_and(atoms >= some.start, atoms < some.stop)
