"""What physics demands of energy and forces, whatever the random weights are."""

import ase
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.reservoir import DigitalMixing, Prediction, Readout, Reservoir, predict
from rgnn_hal.structures import RadialBasis, build_graph


def predicted(reservoir: Reservoir, atoms: ase.Atoms) -> Prediction:
    graph = build_graph(atoms, reservoir.elements, reservoir.radial.cutoff)
    readout = torch.from_numpy(np.random.default_rng(5).standard_normal(reservoir.columns))
    return predict(reservoir, graph, Readout.of(reservoir, readout))


def test_forces_are_the_negative_slope_of_the_energy(
    reservoir: Reservoir, structure: ase.Atoms
) -> None:
    forces = predicted(reservoir, structure).forces
    scale = float(forces.abs().max())
    for atom, axis in [(0, 0), (1, 2), (3, 1)]:
        energies = []
        for step in (-2e-4, -1e-4, 1e-4, 2e-4):
            moved = structure.copy()
            moved.positions[atom, axis] += step
            energies.append(predicted(reservoir, moved).energy)
        slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / 12e-4
        assert abs(slope + float(forces[atom, axis])) < 1e-6 * scale


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_moving_turning_and_renaming_atoms_moves_turns_and_renames_forces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    radial = RadialBasis(cutoff=4.0, size=4)
    mixings = tuple(DigitalMixing(rng.standard_normal((8, 6))) for _ in range(4))
    reservoir = Reservoir((6, 8), radial, mixings)
    cell = np.diag(rng.uniform(3.0, 5.0, 3)) + np.tril(rng.uniform(-1, 1, (3, 3)), -1)
    positions = (np.indices((2, 2, 1)).reshape(3, -1).T + rng.uniform(0, 0.3, (4, 3))) / 2 @ cell
    periodic = bool(rng.integers(2))
    atoms = ase.Atoms("C2O2", positions=positions, cell=cell, pbc=periodic)
    reference = predicted(reservoir, atoms)

    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]  # proper or improper
    order = rng.permutation(4)
    wraps = rng.integers(-2, 3, (4, 3)) @ cell if periodic else np.zeros((4, 3))
    moved = ase.Atoms(
        numbers=atoms.numbers[order],
        positions=((positions + wraps) @ rotation.T + rng.uniform(-9, 9, 3))[order],
        cell=cell @ rotation.T,
        pbc=periodic,
    )
    got = predicted(reservoir, moved)
    assert abs(got.energy - reference.energy) < 1e-9 * abs(reference.energy)
    expected = (reference.forces.numpy() @ rotation.T)[order]
    assert np.abs(got.forces.numpy() - expected).max() < 1e-8 * max(1.0, np.abs(expected).max())


def test_forces_of_a_structure_sum_to_zero(reservoir: Reservoir, structure: ase.Atoms) -> None:
    forces = predicted(reservoir, structure).forces
    assert forces.sum(dim=0).abs().max() < 1e-10 * forces.abs().max()
