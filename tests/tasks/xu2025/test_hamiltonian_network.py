"""The paper's Hamiltonian network has the paper's dimensions, and is what it says it is."""

import ase
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rgnn_hal.cost.digital import count_digital
from rgnn_hal.structures import Graph, build_graph
from rgnn_hal.tasks.xu2025 import HamiltonianNetwork, random_layer, trained_layer
from rgnn_hal.tasks.xu2025.hamiltonian import RADIUS

BOND = 1.42


def graphene(seed: int, cells: int = 2) -> ase.Atoms:
    a = BOND * np.sqrt(3)
    atoms: ase.Atoms = ase.Atoms(
        "C2",
        cell=[(a, 0, 0), (-a / 2, a * np.sqrt(3) / 2, 0), (0, 0, 20)],
        scaled_positions=[(1 / 3, 2 / 3, 0.5), (2 / 3, 1 / 3, 0.5)],
        pbc=(True, True, False),
    ) * (cells, cells, 1)
    atoms.rattle(0.1, seed=seed)
    return atoms


def graph_of(atoms: ase.Atoms) -> Graph:
    return build_graph(atoms, (6,), RADIUS)


def test_it_has_the_papers_numbers_of_weights() -> None:
    network = HamiltonianNetwork(random_layer(0))
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert trained == 7_916 - 28  # a layer norm that the paper's code never calls
    assert sum(p.numel() for p in network.parameters() if not p.requires_grad) == 85_344
    assert sum(a * b for a, b in HamiltonianNetwork.frozen_shapes) == 85_344
    full = HamiltonianNetwork(trained_layer(0))
    assert sum(p.numel() for p in full.parameters()) == 85_344 + 7_888


def test_its_multiplications_are_those_counted_by_hand() -> None:
    graph = graph_of(graphene(0))
    edges, degree = len(graph.centre), np.bincount(graph.centre.numpy())
    pairs = int(degree[graph.centre.numpy()].sum() + degree[graph.neighbour.numpy()].sum())
    network = HamiltonianNetwork(random_layer(0))
    network(graph)  # the harmonics' coefficients are computed once and cached
    with count_digital() as full, torch.no_grad():
        network(graph)
    with count_digital() as harmonics, torch.no_grad():
        network.reservoir = torch.nn.ModuleList()
        network(graph)
    assert full.macs - harmonics.macs == 85_344 * edges
    # Trained layer 1,568 + 826; head 1,568 for each edge around either end, 3,456 for the block.
    by_hand = (2 * 56 * 14 + 56 * 14 + 14 * 3) * edges + 2 * 56 * 14 * pairs
    by_hand += (31 * 16 + 16 * 16 + 16 * 169) * edges
    geometry = harmonics.macs - by_hand  # frames and harmonics, which the paper has from files
    assert 0 <= geometry < 0.5 * by_hand


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_blocks_in_their_own_frames_do_not_turn(seed: int) -> None:
    atoms = graphene(seed % 50)
    rotation = Rotation.random(random_state=seed).as_matrix()
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ rotation.T)
    turned.set_positions(atoms.positions @ rotation.T)
    network = HamiltonianNetwork(random_layer(0)).eval()
    with torch.no_grad():
        ours, theirs = network(graph_of(atoms)), network(graph_of(turned))
    order = [np.lexsort(np.round(block.numpy(), 4).T[:3]) for block in (ours, theirs)]
    np.testing.assert_allclose(ours.numpy()[order[0]], theirs.numpy()[order[1]], atol=1e-3)


def test_it_can_learn_a_block() -> None:
    graph = graph_of(graphene(1, cells=1))
    network = HamiltonianNetwork(random_layer(0))
    target = torch.randn(1, 169, generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = (network(graph) - target).pow(2).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
