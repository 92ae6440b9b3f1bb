"""Rows of the linear regression: what energy and forces are in terms of the readout theta.

    E = sum_i theta[z_i] . B(A_i) + c[z_i],      F = -dE/dr,      both linear in (theta, c)

A row holds one number per (centre element, invariant, channel), then one constant per element.
Per edge the chain rule dB/dA . W_l^T . d(R Y)/dr factorises: the contraction of dB/dA over m needs
only Y_lm and grad Y_lm (four numbers), and the radial part enters through R W_l and R' W_l. The
components A may be noisy hardware outputs; their derivatives use the twin's W_l.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.reservoir.expansion import EdgeBasis, in_slots
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.structures import Graph

_EDGES_PER_BLOCK = 32  # 64 or more fall out of a 1 MB cache: 13 instead of 12 ms per ethanol frame
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
    everything = slice(0, graph.atoms)
    return DesignRows(
        energy=energy_row(reservoir, graph, components),
        forces=_force_rows(reservoir, graph, basis, components, everything),
    )


def energy_row(reservoir: Reservoir, graph: Graph, components: Tensor) -> Tensor:
    """The row of the energy, (columns,)."""
    elements, invariants = len(reservoir.elements), reservoir.invariants
    total = components.new_zeros((elements, invariants.size, reservoir.channels))
    for atoms in _slices(graph.atoms, _CENTRES):
        part = components[:, atoms]
        values = invariants.values(part, invariants.gradients(part))
        total.index_add_(0, graph.species[atoms], values.transpose(0, 1))
    constants = torch.bincount(graph.species, minlength=elements).to(total.dtype)
    return torch.cat([total.flatten(), constants])


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
    elements = len(reservoir.elements)
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
            rises = _edge_rises(reservoir, graph, basis, gradients, place, weights, edges)
            species = graph.species[graph.centre[edges]]
            for z in range(elements):
                learnt = rows[:, :, z * width : (z + 1) * width]
                for ends, within, sign in (
                    (graph.centre, pulled, 1.0),
                    (graph.neighbour, pushed, -1.0),
                ):
                    chosen = (species == z) & within[edges]
                    learnt.index_add_(
                        0, ends[edges[chosen]] - atoms.start, rises[chosen].flatten(2), alpha=sign
                    )
    return rows.flatten(0, 1)


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
    edges: Tensor,
) -> Tensor:
    """Derivatives of the centre's invariants by the displacement, (edges, 3, size, channels).

    `place` says where among `gradients` each edge's centre is.
    """
    direction = basis.direction[edges]
    count, channels = len(edges), reservoir.channels
    functions = in_slots(
        torch.stack([basis.radial[edges], basis.radial_slope[edges]]),
        graph.species[graph.neighbour[edges]],
        len(reservoir.elements),
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
