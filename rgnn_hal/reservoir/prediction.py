"""Energy and forces of a trained readout in one reverse sweep, without the design matrix.

    dE/dA = theta . dB/dA  (`forms`),   dE/dV_l = dE/dA_l W_l^T  (`gradients`),
    dE/dd = dE/dV . d(R Y)/dd  (`neighbourhoods`),   F = the sum of both ends' shares

and, for an atom between types of weights w, sum_t E_t dw_t/dd (`rgnn_hal.structures.AtomTypes`).

With d_e the displacement of edge e, the virial is dE/d(strain) = sum_e dE/dd_e d_e^T. Cost and
memory are linear in the number of atoms. As in `design`, A may come from hardware. The readout's
precision is that of edges and slopes too; energies and forces are summed in float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.reservoir.channel_components import ChannelComponents, Given, Multiplied
from rgnn_hal.reservoir.forms import ChannelForms, Slopes
from rgnn_hal.reservoir.gradients import TWIN, Gradients
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.reservoir.mixing import DigitalMixing
from rgnn_hal.structures import Graph

_ATOMS = 256
"""Whose components are in memory at a time."""


@dataclass(frozen=True)
class Prediction:
    """What a readout says about one structure."""

    atom_energies: Tensor
    """Shares of the energy, (atoms,) eV."""
    forces: Tensor
    """(atoms, 3), eV/angstrom."""
    virial: Tensor
    """dE/d(strain), (3, 3), eV; over the volume it is the stress."""

    @property
    def energy(self) -> float:
        """Sum over the atoms, eV."""
        return float(self.atom_energies.sum())


@dataclass(frozen=True)
class Readout:
    """Trained numbers, ready to be applied."""

    forms: ChannelForms
    constants: Tensor
    """(types,), eV."""

    @classmethod
    def of(
        cls, reservoir: Reservoir, columns: Tensor, dtype: torch.dtype = torch.float64
    ) -> Readout:
        """From numbers in the order of `design_rows`, (columns,); `dtype` as in `ChannelForms`."""
        types = len(reservoir.types)
        shape = (types, reservoir.invariants.size, reservoir.channels)
        return cls(
            ChannelForms(reservoir.invariants, columns[:-types].reshape(shape), dtype),
            columns[-types:],
        )


def predict(
    reservoir: Reservoir, graph: Graph, readout: Readout, gradients: Gradients = TWIN
) -> Prediction:
    """Send a graph through the reservoir and apply a readout."""
    around = reservoir.neighbourhoods(graph, readout.forms.dtype)
    vectors = reservoir.rows(graph, around.densities())
    weights = around.types.values
    by_type = torch.empty_like(weights)

    def slopes() -> Iterator[Slopes]:
        for some, components in _components(reservoir, vectors, graph.atoms):
            for energies, found in readout.forms.sweep(components, weights[some]):
                atoms = found.atoms + some.start
                by_type[atoms] = energies + readout.constants
                yield replace(found, atoms=atoms)

    rise = gradients.rises(reservoir, around, slopes()).double()
    if len(around.types.edges):
        rise += around.types.rises(graph, by_type)
    forces = rise.new_zeros((graph.atoms, 3))
    forces.index_add_(0, graph.centre, rise)
    forces.index_add_(0, graph.neighbour, rise, alpha=-1.0)
    return Prediction(
        atom_energies=(weights * by_type).sum(dim=1),
        forces=forces,
        virial=rise.T @ graph.displacement,
    )


def _components(
    reservoir: Reservoir, vectors: Sequence[NDArray[np.float64]], atoms: int
) -> Iterator[tuple[slice, ChannelComponents]]:
    """A of all atoms, some in a row at a time: the order of products on a macro."""
    if all(isinstance(mixing, DigitalMixing) for mixing in reservoir.mixings):
        yield slice(0, atoms), Multiplied.of_rows(vectors, reservoir.twin_weights())
        return
    for start in range(0, atoms, _ATOMS):
        some = slice(start, min(start + _ATOMS, atoms))
        yield some, Given(_products(reservoir, vectors, some))


def _products(
    reservoir: Reservoir, vectors: Sequence[NDArray[np.float64]], atoms: slice
) -> list[Tensor]:
    """A by component, (atoms, channels) each."""
    components: list[Tensor] = []
    for degree, (mixing, x) in enumerate(zip(reservoir.mixings, vectors, strict=True)):
        count = 2 * degree + 1
        some = x[atoms.start * count : atoms.stop * count]
        product = np.asarray(mixing.product(some), dtype=np.float64)
        components.extend(torch.from_numpy(product).unflatten(0, (-1, count)).unbind(1))
    return components
