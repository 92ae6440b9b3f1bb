"""What takes no rows says what rows say."""

import ase
import numpy as np
import pytest
import torch

from rgnn_hal.reservoir import DigitalMixing, Reservoir, energy_rows, force_rows
from rgnn_hal.reservoir.batch import Batch
from rgnn_hal.structures import Graph, RadialBasis, build_graph
from tests.reservoir.dense_rows import assert_products_are_those_of_dense_rows, dense_rows

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


@pytest.mark.parametrize("lmax", [0, 2, 4])
def test_both_products_are_those_of_the_design_matrix(structure: ase.Atoms, lmax: int) -> None:
    assert_products_are_those_of_dense_rows(reservoir_of(lmax), graphs_of(structure))


@pytest.mark.parametrize("lmax", [0, 2, 4])
def test_rows_of_a_batch_are_those_of_its_structures(structure: ase.Atoms, lmax: int) -> None:
    reservoir, graphs = reservoir_of(lmax), graphs_of(structure)
    batch = Batch.of(graphs)
    basis = reservoir.basis(batch.graph)
    components = reservoir.mix(reservoir.vectors(batch.graph, basis))
    found = (
        energy_rows(reservoir, batch, components),
        torch.cat(list(force_rows(reservoir, batch.graph, basis, components))),
    )
    for got, expected in zip(found, dense_rows(reservoir, graphs), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)
