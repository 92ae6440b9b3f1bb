"""Energy and forces of a trained readout in one reverse sweep, without the design matrix.

    dE/dA = theta . dB/dA,   dE/dV_l = dE/dA_l W_l^T,   F = -dE/dV . d(R Y)/dr

With d_e the displacement of edge e, the virial is dE/d(strain) = sum_e dE/dd_e d_e^T.

Cost and memory are linear in the number of atoms. As in `design`, A may come from hardware while
W_l^T is the twin's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.reservoir.expansion import EdgeBasis
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.structures import Graph

_ATOMS_PER_BLOCK = 16  # 116 us per atom of silicon, 160 channels; 135 with 64


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


def predict(
    reservoir: Reservoir, graph: Graph, basis: EdgeBasis, components: Tensor, readout: Tensor
) -> Prediction:
    """Apply a readout (columns,) to a graph whose mixed components are A."""
    elements = len(reservoir.elements)
    constants = readout[-elements:]
    theta = readout[:-elements].reshape(elements, -1, reservoir.channels).transpose(0, 1)
    energies, slopes = [], []
    for start in range(0, graph.atoms, _ATOMS_PER_BLOCK):
        atoms = slice(start, start + _ATOMS_PER_BLOCK)
        energy, slope = _sweep(reservoir, components[:, atoms], theta[:, graph.species[atoms]])
        energies.append(energy)
        slopes.append(slope)
    rise = _edge_rises(graph, basis, torch.cat(slopes, dim=1), elements)
    forces = rise.new_zeros((graph.atoms, 3))
    forces.index_add_(0, graph.centre, rise)
    forces.index_add_(0, graph.neighbour, rise, alpha=-1.0)
    return Prediction(
        atom_energies=torch.cat(energies) + constants[graph.species],
        forces=forces,
        virial=rise.T @ graph.displacement,
    )


def _sweep(reservoir: Reservoir, components: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Energies (atoms,) and dE/dV ((lmax+1)^2, atoms, inputs); theta (features, atoms, K)."""
    gradients = reservoir.invariants.gradients(components)
    values = reservoir.invariants.values(components, gradients)
    slopes = [
        (theta[list(terms), None] * gradient).sum(dim=0) @ weights.T
        for gradient, terms, weights in zip(
            gradients, reservoir.invariants.terms, reservoir.twin_weights(), strict=True
        )
    ]
    return (theta * values).sum(dim=(0, 2)), torch.cat(slopes)


def _edge_rises(graph: Graph, basis: EdgeBasis, slopes: Tensor, elements: int) -> Tensor:
    """dE/d(displacement) of every edge, (edges, 3), from dE/dV ((lmax+1)^2, atoms, inputs)."""
    by_element = slopes.reshape(*slopes.shape[:2], elements, -1).permute(1, 2, 0, 3)
    edge = by_element[graph.centre, graph.species[graph.neighbour]]
    along_angle = torch.einsum("emn,en->em", edge, basis.radial)
    along_radius = torch.einsum("emn,en,em->e", edge, basis.radial_slope, basis.angular)
    rise = torch.einsum("em,ema->ea", along_angle, basis.angular_gradient)
    rise += along_radius[:, None] * basis.direction
    return rise
