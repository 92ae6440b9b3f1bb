"""What takes no rows says what rows say."""

import ase
import numpy as np
import pytest
import torch

from rgnn_hal.reservoir import DigitalMixing, Reservoir, design_rows
from rgnn_hal.reservoir.adjoint import Batch, Outputs, apply_rows, apply_transpose
from rgnn_hal.structures import Graph, RadialBasis, build_graph

ELEMENTS = (1, 6, 8)


def reservoir_of(lmax: int) -> Reservoir:
    rng = np.random.default_rng(lmax)
    radial = RadialBasis(cutoff=4.0, size=4, focus=3.0)
    mixings = tuple(DigitalMixing(rng.standard_normal((12, 5))) for _ in range(lmax + 1))
    return Reservoir(ELEMENTS, radial, mixings, rng.standard_normal((3, 12)))


def graphs_of(structure: ase.Atoms) -> list[Graph]:
    graphs = []
    for seed in range(3):
        moved = structure.copy()
        moved.rattle(0.1, seed=seed)
        graphs.append(build_graph(moved, ELEMENTS, 4.0))
    return graphs


def rows_of(reservoir: Reservoir, graphs: list[Graph]) -> tuple[torch.Tensor, torch.Tensor]:
    found = []
    for graph in graphs:
        basis = reservoir.basis(graph)
        components = reservoir.mix(reservoir.vectors(graph, basis))
        found.append(design_rows(reservoir, graph, basis, components))
    return torch.stack([one.energy for one in found]), torch.cat([one.forces for one in found])


@pytest.mark.parametrize("lmax", [0, 2, 4])
def test_both_products_are_those_of_the_design_matrix(structure: ase.Atoms, lmax: int) -> None:
    reservoir, graphs = reservoir_of(lmax), graphs_of(structure)
    energy, forces = rows_of(reservoir, graphs)
    batch, draw = Batch.of(graphs), torch.Generator().manual_seed(0)
    columns = torch.randn(reservoir.columns, generator=draw, dtype=torch.float64)
    found = apply_rows(reservoir, batch, columns)
    for got, expected in (
        (found.energies, energy @ columns),
        (found.forces.flatten(), forces @ columns),
    ):
        assert (got - expected).abs().max() < 3e-6 * expected.abs().max()
    weights = Outputs(
        torch.randn(len(graphs), generator=draw, dtype=torch.float64),
        torch.randn((batch.graph.atoms, 3), generator=draw, dtype=torch.float64),
    )
    expected = energy.T @ weights.energies + forces.T @ weights.forces.flatten()
    error = (apply_transpose(reservoir, batch, weights) - expected).abs().max()
    assert error < 3e-6 * expected.abs().max()
