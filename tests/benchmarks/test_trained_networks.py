"""Networks that we are measured against are what their papers say: invariant; and they learn."""

from collections.abc import Callable

import ase
import numpy as np
import pytest
import torch
from ase.build import molecule
from scipy.spatial.transform import Rotation

from rgnn_hal.benchmarks.network_training import train_energy_network
from rgnn_hal.benchmarks.trained_networks import PaiNN, SchNet, energy_and_forces
from rgnn_hal.structures import Graph, LabelledFrame, build_graph

ELEMENTS = (1, 6, 8)
CUTOFF = 4.0
Maker = Callable[..., torch.nn.Module]
every_network = pytest.mark.parametrize("maker", [SchNet, PaiNN])


def ethanol(shake: int = 0) -> ase.Atoms:
    atoms: ase.Atoms = molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=shake)
    return atoms


def graph_of(atoms: ase.Atoms) -> Graph:
    return build_graph(atoms, ELEMENTS, CUTOFF)


@every_network
def test_energies_are_invariant_and_forces_turn_with_the_structure(maker: Maker) -> None:
    network = maker(3, CUTOFF).double()
    atoms, turned = ethanol(), ethanol()
    turn = Rotation.random(random_state=1).as_matrix()
    turned.positions = atoms.positions @ turn.T + [1.0, -2.0, 3.0]
    energies, forces = energy_and_forces(network, graph_of(atoms), dtype=torch.float64)
    energies_turned, forces_turned = energy_and_forces(
        network, graph_of(turned), dtype=torch.float64
    )
    torch.testing.assert_close(energies_turned, energies, rtol=1e-10, atol=1e-12)
    expected = forces @ torch.from_numpy(turn).T
    torch.testing.assert_close(forces_turned, expected, rtol=1e-9, atol=1e-12)
    assert forces.abs().max() > 1e-6
    assert forces.sum(dim=0).abs().max() < 1e-12


@every_network
def test_equal_atoms_may_change_places(maker: Maker) -> None:
    network = maker(3, CUTOFF).double()
    order = np.random.default_rng(0).permutation(9)
    one, _ = energy_and_forces(network, graph_of(ethanol()), dtype=torch.float64)
    other, _ = energy_and_forces(network, graph_of(ethanol()[order]), dtype=torch.float64)
    torch.testing.assert_close(other, one[torch.from_numpy(order)], rtol=1e-10, atol=1e-12)


@every_network
def test_forces_are_the_negative_slope_of_the_energy(maker: Maker) -> None:
    network = maker(3, CUTOFF).double()

    def energy(shift: float) -> float:
        atoms = ethanol()
        atoms.positions[3, 2] += shift
        return float(energy_and_forces(network, graph_of(atoms), dtype=torch.float64)[0].sum())

    slope = (energy(1e-4) - energy(-1e-4)) / 2e-4
    _, forces = energy_and_forces(network, graph_of(ethanol()), dtype=torch.float64)
    assert float(forces[3, 2]) == pytest.approx(-slope, rel=1e-5)


@every_network
def test_distant_atoms_are_alone(maker: Maker) -> None:
    """Nothing happens at the cutoff, and nothing beyond it."""
    network = maker(3, CUTOFF).double()
    displacement = torch.tensor([[CUTOFF - 1e-9, 0.0, 0.0], [-(CUTOFF - 1e-9), 0.0, 0.0]])
    pair = Graph(
        torch.tensor([0, 2]), torch.tensor([0, 1]), torch.tensor([1, 0]), displacement.double()
    )
    energies, forces = energy_and_forces(network, pair, dtype=torch.float64)
    none = torch.zeros(0, dtype=torch.int64)
    apart = Graph(pair.species, none, none, torch.zeros((0, 3), dtype=torch.float64))
    alone, _ = energy_and_forces(network, apart, dtype=torch.float64)
    torch.testing.assert_close(energies, alone, rtol=1e-6, atol=1e-9)
    assert forces.abs().max() < 1e-6


@every_network
def test_training_lowers_the_error_of_frames_never_seen(maker: Maker) -> None:
    """Labels from springs between all neighbours: a network must find them from a few frames."""

    def labelled(shake: int) -> LabelledFrame:
        atoms = ethanol(shake)
        graph = graph_of(atoms)
        vector = graph.displacement.numpy()
        length = np.linalg.norm(vector, axis=1, keepdims=True)
        forces = np.zeros((9, 3))
        np.add.at(forces, graph.centre.numpy(), 2.0 * (length - 2.0) * vector / length)
        energy = float(0.5 * ((length - 2.0) ** 2).sum())
        return LabelledFrame(atoms, energy, forces, f"frame {shake}")

    frames = [labelled(shake) for shake in range(8)]
    training = train_energy_network(maker(3, CUTOFF), ELEMENTS, CUTOFF, frames[:6], frames[6:])
    epochs = [next(training) for _ in range(12)]
    assert epochs[-1].force_mae < 0.7 * epochs[0].force_mae
    assert epochs[-1].work.digital.macs == 12 * epochs[0].work.digital.macs
    assert epochs[-1].cpu_seconds > epochs[0].cpu_seconds
