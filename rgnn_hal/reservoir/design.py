"""Rows of the linear regression: what energy and forces are in terms of the readout theta.

    E = sum_it w_it (theta_t . B(A_i) + c_t),      F = -dE/dr,      both linear in (theta, c)

with w the weights of the centre's types (`rgnn_hal.structures.AtomTypes`), which by default are
elements. A row holds one number per (type, invariant, channel), then one constant per type.
Per edge the chain rule dB/dA . W_l^T . d(R Y)/dr factorises: the contraction of dB/dA over m needs
only Y_lm and grad Y_lm (four numbers), and the radial part enters through R W_l and R' W_l. The
components A may be noisy hardware outputs; their derivatives use the twin's W_l.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.reservoir.batch import Batch
from rgnn_hal.reservoir.expansion import EdgeBasis, in_slots
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.structures import Graph, TypeWeights

_EDGES_PER_BLOCK = 64  # of 26 channels; of 256, which fall out of a cache, 32 take a tenth less
_CENTRES = 64
"""Atoms whose dB/dA are in memory: 30 MB of them at 160 channels and degree 4."""
_ROW_BYTES = 1 << 27
"""Of one block of force rows."""


@dataclass(frozen=True)
class DesignRows:
    """One frame's rows: `energy` (columns,) and `forces` (3 * atoms, columns), by atom, then xyz.

    Times a readout they give eV and eV/angstrom.
    """

    energy: Tensor
    forces: Tensor


def design_rows(
    reservoir: Reservoir, graph: Graph, basis: EdgeBasis, components: Tensor
) -> DesignRows:
    """Rows of a graph whose mixed components A are ((lmax+1)^2, atoms, channels)."""
    (energy,) = energy_rows(reservoir, Batch.of([graph]), components)
    everything = slice(0, graph.atoms)
    return DesignRows(energy, _force_rows(reservoir, graph, basis, components, everything))


def energy_rows(reservoir: Reservoir, batch: Batch, components: Tensor) -> Tensor:
    """The rows of the structures' energies, (structures, columns)."""
    atoms, types = batch.graph.atoms, len(reservoir.types)
    shares = components.new_zeros((batch.structures, types, atoms))
    shares[batch.structure, :, torch.arange(atoms)] = reservoir.types.weights(batch.graph).values
    width = reservoir.invariants.size * reservoir.channels
    total = components.new_zeros((batch.structures * types, width))
    for some in _slices(atoms, _CENTRES):
        total.addmm_(shares[:, :, some].flatten(0, 1), _values(reservoir, components[:, some]))
    return torch.cat([total.reshape(batch.structures, -1), shares.sum(dim=2)], dim=1)


def _values(reservoir: Reservoir, components: Tensor) -> Tensor:
    """Invariants of some atoms, (atoms, features * channels)."""
    invariants = reservoir.invariants
    values = invariants.values(components, invariants.gradients(components))
    return values.transpose(0, 1).flatten(1)


def force_rows(
    reservoir: Reservoir, graph: Graph, basis: EdgeBasis, components: Tensor
) -> Iterator[Tensor]:
    """Rows of the forces in blocks of atoms, (3 * some atoms, columns), in a bounded memory.

    All rows of 4,096 atoms take a gigabyte. An edge between two blocks is worked on twice.
    """
    most = max(1, _ROW_BYTES // (3 * 8 * reservoir.columns))
    for atoms in _slices(graph.atoms, most):
        yield _force_rows(reservoir, graph, basis, components, atoms)


def _force_rows(
    reservoir: Reservoir, graph: Graph, basis: EdgeBasis, components: Tensor, atoms: slice
) -> Tensor:
    types = reservoir.types.weights(graph)
    width = reservoir.invariants.size * reservoir.channels
    rows = basis.radial.new_zeros((atoms.stop - atoms.start, 3, reservoir.columns))
    weights = reservoir.twin_weights()
    pulled = _within(graph.centre, atoms)
    pushed = _within(graph.neighbour, atoms)
    for centres, touching in _sweeps(graph, pulled | pushed):
        gradients = [
            gradient.permute(2, 1, 0, 3).contiguous()
            for gradient in reservoir.invariants.gradients(components[:, centres])
        ]
        for edges in touching.split(_EDGES_PER_BLOCK):
            place = torch.searchsorted(centres, graph.centre[edges])
            rises = _edge_rises(
                reservoir, graph, basis, gradients, place, weights, types.values, edges
            )
            shares = types.values[graph.centre[edges]]
            for kind in torch.nonzero(shares.any(dim=0))[:, 0].tolist():
                share = shares[:, kind]
                learnt = rows[:, :, kind * width : (kind + 1) * width]
                for ends, within, sign in (
                    (graph.centre, pulled, 1.0),
                    (graph.neighbour, pushed, -1.0),
                ):
                    chosen = (share > 0.0) & within[edges]
                    part = rises[chosen].flatten(2)
                    if (share[chosen] < 1.0).any():
                        part *= share[chosen, None, None]
                    learnt.index_add_(0, ends[edges[chosen]] - atoms.start, part, alpha=sign)
    if len(types.edges):
        _add_changing_types(rows, reservoir, graph, basis, components, types, atoms)
    return rows.flatten(0, 1)


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
            push = types.slopes[place].T @ told
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
    count, channels = len(reservoir.types), reservoir.channels
    (own,) = _values(reservoir, components[:, [atom]])
    told = torch.cat(
        [torch.block_diag(*[own[None]] * count), torch.eye(count, dtype=own.dtype)], dim=1
    )
    edges = torch.nonzero(graph.neighbour == atom)[:, 0]
    centres = graph.centre[edges]
    gradients = reservoir.invariants.gradients(components[:, centres])
    change = own.new_zeros((len(edges), count, reservoir.invariants.size, channels))
    for degree, places in enumerate(reservoir.invariants.places):
        lm = slice(degree**2, (degree + 1) ** 2)
        slope = torch.einsum("fmek,em->efk", gradients[degree], basis.angular[edges, lm])
        weights = reservoir.twin_weights()[degree].unflatten(0, (count, -1))
        mixed = torch.einsum("en,tnk->etk", basis.radial[edges], weights)
        change.index_add_(2, places, slope[:, None] * mixed[:, :, None])
    learnt = told[:, :-count].unflatten(1, (count, -1))
    learnt += torch.einsum("ec,etx->tcx", types.values[centres], change.flatten(2))
    return told


def _within(atoms: Tensor, some: slice) -> Tensor:
    return torch.logical_and(atoms >= some.start, atoms < some.stop)


def _sweeps(graph: Graph, touching: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """A few centres at a time, ascending, and their edges among those of `touching` (edges,)."""
    edges = torch.nonzero(touching)[:, 0]
    centre = graph.centre[edges]
    for centres in torch.unique(centre).split(_CENTRES):
        ends = torch.searchsorted(centre, torch.stack([centres[0], centres[-1] + 1]))
        yield centres, edges[int(ends[0]) : int(ends[1])]


def _edge_rises(
    reservoir: Reservoir,
    graph: Graph,
    basis: EdgeBasis,
    gradients: list[Tensor],
    place: Tensor,
    weights: Sequence[Tensor],
    shares: Tensor,
    edges: Tensor,
) -> Tensor:
    """Derivatives of the centre's invariants by the displacement, (edges, 3, size, channels).

    `place` says where among `gradients` each edge's centre is.
    """
    direction = basis.direction[edges]
    count, channels = len(edges), reservoir.channels
    functions = in_slots(
        torch.stack([basis.radial[edges], basis.radial_slope[edges]]),
        shares[graph.neighbour[edges]],
    )
    rises = basis.radial.new_zeros((count, 3, reservoir.invariants.size, channels))
    angles, slopes = basis.angular[edges], basis.angular_gradient[edges]
    for degree, places in enumerate(reservoir.invariants.places):
        lm = slice(degree**2, (degree + 1) ** 2)
        angular = torch.cat([slopes[:, lm], angles[:, lm, None]], dim=2)
        contracted = torch.bmm(
            angular.transpose(1, 2), gradients[degree][place].flatten(2)
        ).reshape(count, 4, len(places), channels)
        radial, slope = functions @ weights[degree]
        along = contracted[:, 3:] * slope[:, None, None]
        rise = contracted[:, :3] * radial[:, None, None]
        rise.addcmul_(along, direction[:, :, None, None])
        rises.index_add_(2, places, rise)
    return rises


def _slices(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
