"""Molecules are what their names say."""

import numpy as np
from ase.neighborlist import natural_cutoffs, neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.reproduction.molecules import alkane, graphene_flake, water_cluster

small = st.integers(1, 6)


@given(st.integers(1, 12), st.integers(0, 99))
@settings(max_examples=20)
def test_water_clusters_are_whole_molecules_apart(size: int, seed: int) -> None:
    atoms = water_cluster(size, seed)
    assert atoms.get_chemical_formula("hill") == (f"H{2 * size}O{size}" if size > 1 else "H2O")
    distance = atoms.get_all_distances().reshape(size, 3, size, 3)
    for one in range(size):
        np.testing.assert_allclose(distance[one, 0, one, 1:], 0.9572, atol=1e-9)
        distance[one, :, one, :] = np.inf
    assert size == 1 or distance.min() > 1.1


@given(small)
def test_alkanes_have_four_bonds_per_carbon(size: int) -> None:
    atoms = alkane(size)
    carbon, length = neighbor_list("id", atoms, natural_cutoffs(atoms, mult=1.2))
    degree = np.bincount(carbon, minlength=len(atoms))
    assert len(atoms) == 3 * size + 2
    assert (degree[atoms.numbers == 6] == 4).all() and (degree[atoms.numbers == 1] == 1).all()
    assert length.min() > 1.0


@given(small, small)
def test_flakes_have_three_bonds_per_carbon_and_closed_shells(rows: int, columns: int) -> None:
    atoms = graphene_flake(rows, columns)
    first, length = neighbor_list("id", atoms, 1.6)
    degree = np.bincount(first, minlength=len(atoms))
    carbons = 2 * (rows * columns + rows + columns)
    assert (atoms.numbers == 6).sum() == carbons
    assert (atoms.numbers == 1).sum() == 2 * (rows + columns + 1)
    assert (degree[atoms.numbers == 6] == 3).all() and (degree[atoms.numbers == 1] == 1).all()
    assert atoms.numbers.sum() % 2 == 0
    assert length.min() > 1.0
