"""The design matrix written out: what everything that needs no rows is held against."""

from collections.abc import Sequence

import torch

from rgnn_hal.reservoir import Reservoir, design_rows
from rgnn_hal.reservoir.adjoint import apply_rows, apply_transpose
from rgnn_hal.reservoir.batch import Batch, Outputs
from rgnn_hal.structures import Graph


def dense_rows(reservoir: Reservoir, graphs: Sequence[Graph]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of energies (structures, columns) and of forces (3 atoms, columns), one by one."""
    found = []
    for graph in graphs:
        basis = reservoir.basis(graph)
        components = reservoir.mix(reservoir.vectors(graph, basis))
        found.append(design_rows(reservoir, graph, basis, components))
    return torch.stack([one.energy for one in found]), torch.cat([one.forces for one in found])


def assert_products_are_those_of_dense_rows(reservoir: Reservoir, graphs: Sequence[Graph]) -> None:
    energy, forces = dense_rows(reservoir, graphs)
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
