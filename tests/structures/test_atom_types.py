"""Types of atoms follow from bonded neighbours, and change over smoothly."""

from itertools import pairwise

import ase
import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.structures import AtomTypes, Graph, TypeCensus, build_graph

CUTOFF = 5.0


def types_of(*structures: ase.Atoms, most: int = 99) -> AtomTypes:
    census = TypeCensus(tuple(range(1, 119)))
    for atoms in structures:
        census.add(build_graph(atoms, census.elements, CUTOFF))
    return census.types(most)


def graph_of(types: AtomTypes, atoms: ase.Atoms) -> Graph:
    return build_graph(atoms, types.elements, CUTOFF)


def test_atoms_of_a_molecule_are_told_apart_by_their_neighbours() -> None:
    ethanol = molecule("CH3CH2OH")
    types = types_of(ethanol)
    weights = types.weights(graph_of(types, ethanol))
    kinds = weights.values.argmax(dim=1)
    assert ((weights.values == 0.0) | (weights.values == 1.0)).all()
    names: dict[str, set[int]] = {}
    for symbol, kind in zip(ethanol.symbols, kinds.tolist(), strict=True):
        names.setdefault(symbol, set()).add(kind)
    assert {symbol: len(kinds) for symbol, kinds in names.items()} == {"H": 2, "C": 2, "O": 1}
    assert len(types) == 5
    assert len(weights.edges) == 0


def test_elements_whose_neighbours_do_not_differ_have_one_type() -> None:
    types = types_of(bulk("Si", cubic=True))
    assert types == AtomTypes.of_elements((14,))


def test_neighbours_that_are_no_whole_number_are_not_counted() -> None:
    """An O-H of many lengths between bonded and not, as in a liquid or a fast conductor."""
    water = molecule("H2O")
    stretched = []
    for length in np.linspace(0.95, 1.5, 12):
        moved = water.copy()
        moved.set_distance(0, 1, length, fix=0)
        stretched.append(moved)
    types = types_of(*stretched)
    assert types == AtomTypes.of_elements((1, 8))


def test_rare_coordinations_are_no_type_of_their_own() -> None:
    usual, rare = molecule("CH4"), molecule("CH3")
    assert len(types_of(*[usual] * 30, rare)) == 3
    assert len(types_of(*[usual] * 200, rare)) == 2


def test_the_most_common_are_kept_where_there_is_room_for_few() -> None:
    structures = [molecule("CH3CH2OH"), *[molecule("CH4")] * 3]
    every = types_of(*structures)
    assert len(every) == 6
    assert len(types_of(*structures, most=5)) == 5
    least = types_of(*structures, most=0)
    assert least == AtomTypes.of_elements((1, 6, 8))


def breaking(length: float) -> ase.Atoms:
    """Ethane with one C-H of some length, angstrom."""
    atoms: ase.Atoms = molecule("C2H6")
    atoms.set_distance(0, 2, length, fix=0)
    return atoms


def radical_and_molecule() -> AtomTypes:
    return types_of(*[breaking(length) for length in (1.0, 1.1, 1.2, 2.0, 2.2)])


@given(length=st.floats(1.0, 2.2))
def test_weights_are_shares_and_their_slopes_those_of_finite_differences(length: float) -> None:
    types, step = radical_and_molecule(), 1e-5
    graph = graph_of(types, breaking(length))
    weights = types.weights(graph)
    assert (weights.values >= 0.0).all()
    torch.testing.assert_close(weights.values.sum(dim=1), torch.ones(graph.atoms).double())
    rest, moved = (breaking(length + way * step).positions for way in (-1, 1))
    velocity = torch.from_numpy(moved - rest) / (2 * step)
    before, after = (
        types.weights(graph_of(types, breaking(length + way * step))).values for way in (-1, 1)
    )
    expected = (after - before) / (2 * step)
    found = weights.motion(graph, velocity)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_bond_that_breaks_takes_its_atoms_from_one_type_to_another() -> None:
    types = radical_and_molecule()
    lengths = np.linspace(1.1, 2.0, 200)
    values = [types.weights(graph_of(types, breaking(length))).values for length in lengths]
    first, last = values[0], values[-1]
    changed = torch.nonzero((first != last).any(dim=1))[:, 0].tolist()
    assert changed == [0, 2]
    assert all((one - other).abs().max() < 0.1 for one, other in pairwise(values))


@pytest.mark.parametrize("name", ["CH3CH2OH", "C6H6", "CH3COOH"])
def test_turning_a_molecule_changes_no_type(name: str) -> None:
    atoms = molecule(name)
    types = types_of(atoms)
    turned = atoms.copy()
    turned.rotate(37.0, (1.0, 2.0, 3.0))
    values = [types.weights(graph_of(types, one)).values for one in (atoms, turned)]
    assert (values[0] == values[1]).all()
