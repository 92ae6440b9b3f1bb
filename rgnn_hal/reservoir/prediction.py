"""Energy and forces of a trained readout in one reverse sweep, without the design matrix.

    dE/dA = theta . dB/dA  (`forms`),   dE/dV_l = dE/dA_l W_l^T  (`gradients`),
    dE/dd = dE/dV . d(R Y)/dd  (`neighbourhoods`),   F = the sum of both ends' shares

With d_e the displacement of edge e, the virial is dE/d(strain) = sum_e dE/dd_e d_e^T. Cost and
memory are linear in the number of atoms. As in `design`, A may come from hardware.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from rgnn_hal.reservoir.forms import ChannelForms
from rgnn_hal.reservoir.gradients import TWIN, Gradients
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.structures import Graph


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
    def of(cls, reservoir: Reservoir, columns: Tensor) -> Readout:
        """From numbers in the order of `design_rows`, (columns,)."""
        elements = len(reservoir.elements)
        shape = (elements, reservoir.invariants.size, reservoir.channels)
        return cls(
            ChannelForms(reservoir.invariants, columns[:-elements].reshape(shape)),
            columns[-elements:],
        )


def predict(
    reservoir: Reservoir, graph: Graph, readout: Readout, gradients: Gradients = TWIN
) -> Prediction:
    """Send a graph through the reservoir and apply a readout."""
    around = reservoir.neighbourhoods(graph)
    components = reservoir.mix(reservoir.rows(graph, around.densities()))
    energies, slopes = readout.forms.sweep(components, graph.species)
    rise = gradients.rises(reservoir, around, slopes)
    forces = rise.new_zeros((graph.atoms, 3))
    forces.index_add_(0, graph.centre, rise)
    forces.index_add_(0, graph.neighbour, rise, alpha=-1.0)
    return Prediction(
        atom_energies=energies + readout.constants[graph.species],
        forces=forces,
        virial=rise.T @ graph.displacement,
    )
