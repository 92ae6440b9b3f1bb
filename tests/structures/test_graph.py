import ase
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.macro.errors import DataError
from rgnn_hal.structures import Graph, build_graph, check_elements


def edges_of(graph: Graph) -> np.ndarray:
    """Edges as sorted rows (centre, neighbour, displacement)."""
    rows = np.column_stack([graph.centre, graph.neighbour, graph.displacement.numpy().round(7)])
    return rows[np.lexsort(rows.T[::-1])] + 0.0


def edges_by_ase(atoms: ase.Atoms, cutoff: float) -> np.ndarray:
    i, j, displacement = neighbor_list("ijD", atoms, cutoff)
    rows = np.column_stack([i, j, displacement.round(7)])
    return rows[np.lexsort(rows.T[::-1])] + 0.0


@st.composite
def crystals(draw: st.DrawFn) -> ase.Atoms:
    """Skewed cells of any periodicity with atoms inside and outside of them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cell = np.diag(rng.uniform(2.5, 7.0, 3)) + np.tril(rng.uniform(-2.0, 2.0, (3, 3)), -1)
    count = draw(st.integers(2, 8))
    positions = rng.uniform(-1.5, 2.5, (count, 3)) @ cell
    pbc = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    return ase.Atoms(numbers=[14] * count, positions=positions, cell=cell, pbc=pbc)


@settings(max_examples=60, deadline=None)
@given(atoms=crystals())
def test_edges_are_those_of_ase_in_cells_of_any_shape(atoms: ase.Atoms) -> None:
    expected = edges_by_ase(atoms, 4.0)
    if len(set(expected[:, 0])) < len(atoms) or np.linalg.norm(expected[:, 2:], axis=1).min() < 0.2:
        return
    np.testing.assert_allclose(edges_of(build_graph(atoms, (14,), 4.0)), expected, atol=2e-7)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_lattice_vectors_added_to_atoms_change_no_edge(seed: int) -> None:
    rng = np.random.default_rng(seed)
    atoms = bulk("Si").repeat((2, 1, 1))
    atoms.rattle(0.1, rng=rng)
    moved = atoms.copy()
    moved.positions += rng.integers(-3, 4, (len(atoms), 3)) @ atoms.cell.array
    before, after = (edges_of(build_graph(a, (14,), 5.0)) for a in (atoms, moved))
    np.testing.assert_allclose(after, before, atol=2e-7)


def test_an_atom_alone_in_a_small_cell_neighbours_its_own_images() -> None:
    graph = build_graph(bulk("Cu"), (29,), 2.8)
    assert graph.atoms == 1
    assert len(graph.centre) == 12


def test_species_count_in_the_elements_given_in_any_order() -> None:
    graph = build_graph(molecule("H2O"), (8, 1), 4.0)
    assert graph.species.tolist() == [0, 1, 1]


def test_edges_are_sorted_by_centre() -> None:
    graph = build_graph(molecule("CH3CH2OH"), (1, 6, 8), 4.0)
    assert (graph.centre.diff() >= 0).all()


def test_an_isolated_atom_is_refused_by_frame_atom_and_cutoff() -> None:
    atoms = molecule("H2O") + ase.Atoms("He", positions=[(20, 0, 0)])
    with pytest.raises(DataError, match=r"frame 7 of x\.xyz: atom 3 \(He\).*4\.5 angstrom"):
        build_graph(atoms, (1, 2, 8), 4.5, where="frame 7 of x.xyz")


def test_elements_that_a_model_does_not_know_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="contains O, but the model knows only H, C"):
        build_graph(molecule("H2O"), (1, 6), 4.0)
    with pytest.raises(DataError, match="contains C, O"):
        check_elements([1, 6, 8], (1,))


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (ase.Atoms(), "has no atoms"),
        (ase.Atoms("HH", positions=[(0, 0, 0), (np.nan, 0, 0)]), "position of atom 1"),
        (ase.Atoms("HH", positions=[(0, 0, 0), (0, 0, 1e-3)]), "atoms 0 and 1 are 0.001"),
        (ase.Atoms("HH", positions=[(0, 0, 0), (0, 0, 1)], pbc=True), "lattice vectors"),
        (
            ase.Atoms("H", cell=[[1, 0, 0], [2, 0, 0], [0, 0, 1]], pbc=True),
            "lattice vectors",
        ),
    ],
)
def test_geometry_that_means_nothing_is_refused(atoms: ase.Atoms, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build_graph(atoms, (1,), 4.0)
