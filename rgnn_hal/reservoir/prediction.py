"""Energy and forces of a trained readout in one reverse sweep, without the design matrix.

    dE/dA = theta . dB/dA  (`forms`),   dE/dV_l = dE/dA_l W_l^T  (`gradients`),
    dE/dd = dE/dV . d(R Y)/dd  (`neighbourhoods`),   F = the sum of both ends' shares

With d_e the displacement of edge e, the virial is dE/d(strain) = sum_e dE/dd_e d_e^T. Cost and
memory are linear in the number of atoms. As in `design`, A may come from hardware.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.reservoir.forms import ChannelForms, Slopes
from rgnn_hal.reservoir.gradients import TWIN, Gradients
from rgnn_hal.reservoir.layer import Reservoir
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
    """(elements,), eV."""

    @classmethod
    def of(
        cls, reservoir: Reservoir, columns: Tensor, dtype: torch.dtype = torch.float64
    ) -> Readout:
        """From numbers in the order of `design_rows`, (columns,); `dtype` as in `ChannelForms`."""
        elements = len(reservoir.elements)
        shape = (elements, reservoir.invariants.size, reservoir.channels)
        return cls(
            ChannelForms(reservoir.invariants, columns[:-elements].reshape(shape), dtype),
            columns[-elements:],
        )


def predict(
    reservoir: Reservoir, graph: Graph, readout: Readout, gradients: Gradients = TWIN
) -> Prediction:
    """Send a graph through the reservoir and apply a readout."""
    around = reservoir.neighbourhoods(graph)
    vectors = reservoir.rows(graph, around.densities())
    energies = around.graph.displacement.new_empty(graph.atoms)

    def slopes() -> Iterator[Slopes]:
        for start in range(0, graph.atoms, _ATOMS):
            atoms = torch.arange(start, min(start + _ATOMS, graph.atoms))
            components = _components(reservoir, vectors, atoms)
            energies[atoms], found = readout.forms.sweep(components, graph.species[atoms])
            yield from (replace(some, atoms=atoms[some.atoms]) for some in found)

    rise = gradients.rises(reservoir, around, slopes())
    forces = rise.new_zeros((graph.atoms, 3))
    forces.index_add_(0, graph.centre, rise)
    forces.index_add_(0, graph.neighbour, rise, alpha=-1.0)
    return Prediction(
        atom_energies=energies + readout.constants[graph.species],
        forces=forces,
        virial=rise.T @ graph.displacement,
    )


def _components(
    reservoir: Reservoir, vectors: Sequence[NDArray[np.float64]], atoms: Tensor
) -> list[Tensor]:
    """A of some atoms in a row, by component, (atoms, channels) each."""
    components: list[Tensor] = []
    for degree, (mixing, x) in enumerate(zip(reservoir.mixings, vectors, strict=True)):
        count = 2 * degree + 1
        some = x[int(atoms[0]) * count : int(atoms[-1] + 1) * count]
        product = np.asarray(mixing.product(some), dtype=np.float64)
        components.extend(torch.from_numpy(product).unflatten(0, (-1, count)).unbind(1))
    return components
