"""The paper's force network has the paper's dimensions, and is what it says it is."""

import ase.build
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rgnn_hal import open_macro
from rgnn_hal.cost.digital import count_digital
from rgnn_hal.macro import ConfigurationError
from rgnn_hal.mapping import NEIGHBOUR
from rgnn_hal.reservoir.frozen import freeze
from rgnn_hal.structures import Graph, build_graph
from rgnn_hal.tasks.xu2025 import ForceNetwork, frozen_layers, random_layer, trained_layer
from rgnn_hal.tasks.xu2025.force import CUTOFF


def rattled(seed: int = 0) -> ase.Atoms:
    atoms: ase.Atoms = ase.build.bulk("Si", cubic=True) * (2, 1, 1)
    atoms.rattle(0.1, seed=seed)
    return atoms


def graph_of(atoms: ase.Atoms) -> Graph:
    return build_graph(atoms, (14,), CUTOFF)


def trainable(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def test_it_has_the_papers_numbers_of_weights() -> None:
    frozen = ForceNetwork(random_layer(0), (14,))
    assert trainable(frozen) == 8_839
    assert sum(p.numel() for p in frozen.parameters() if not p.requires_grad) == 86_832
    assert sum(a * b for a, b in ForceNetwork.frozen_shapes) == 86_832
    assert trainable(ForceNetwork(trained_layer(0), (14,))) == 86_832 + 8_839


def test_its_multiplications_are_those_counted_by_hand() -> None:
    graph = graph_of(rattled())
    network = ForceNetwork(random_layer(0), (14,))
    degree = np.bincount(graph.centre.numpy())
    edges, triples = len(graph.centre), int(degree[graph.neighbour.numpy()].sum())
    with count_digital() as work, torch.no_grad():
        network(graph)
    # reference: 20,736 per edge and 22,680 per triple and reservoir layer; trained layer 3,564
    # per edge and 4,536 per triple; head 171 per edge.
    assert work.macs == 2 * (20_736 * edges + 22_680 * triples) + (
        3_564 * edges + 4_536 * triples + 171 * edges
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_forces_turn_with_the_structure(seed: int) -> None:
    atoms = rattled(seed % 100)
    rotation = Rotation.random(random_state=seed).as_matrix()
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ rotation.T)
    turned.set_positions(atoms.positions @ rotation.T)
    network = ForceNetwork(random_layer(0), (14,)).eval()
    with torch.no_grad():
        forces, others = network(graph_of(atoms)), network(graph_of(turned))
    expected = forces.numpy() @ rotation.T
    np.testing.assert_allclose(others.numpy(), expected, atol=1e-4 * np.abs(expected).max())


def test_triples_are_the_neighbours_of_the_neighbour() -> None:
    # The force on an atom of a chain of three feels the far end only through the triple.
    def force(far: float) -> torch.Tensor:
        atoms = ase.Atoms("Si3", positions=[(0, 0, 0), (2.5, 0, 0), (2.5 + far, 0, 0)])
        network = ForceNetwork(random_layer(0), (14,)).eval()
        with torch.no_grad():
            result: torch.Tensor = network(graph_of(atoms))[0]
        return result

    assert not torch.allclose(force(2.5), force(2.6), rtol=1e-4)


def test_the_frozen_network_runs_and_trains_on_a_macro() -> None:
    graph = graph_of(rattled())
    with open_macro("emulator://?seed=1") as macro:
        weights = freeze(macro, ForceNetwork.frozen_shapes, scheme=NEIGHBOUR)  # as the paper
        matrices = weights.thaw(macro)
        network = ForceNetwork(frozen_layers(matrices), (14,))
        assert trainable(network) == 8_839
        before = [p.detach().clone() for p in network.parameters()]
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
        network(graph).pow(2).mean().backward()
        optimiser.step()
        edges = len(graph.centre)
        assert matrices[0].ledger.products == edges
        assert matrices[0].ledger.macs >= 36 * 144 * edges
        moved = [not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)]
        assert all(moved)  # down to the edge embedding: gradients pass through the macro's twin


def test_matrices_in_the_wrong_order_are_refused() -> None:
    with open_macro("emulator://?seed=1") as macro:
        matrices = freeze(macro, [(144, 36), (36, 144)]).thaw(macro)
        with pytest.raises(ConfigurationError, match="asks for a matrix"):
            ForceNetwork(frozen_layers(matrices), (14,))
