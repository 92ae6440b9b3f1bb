"""Types of atoms: every road says the same while a bond breaks, and forces are slopes."""

from dataclasses import replace

import ase
import numpy as np
import pytest
import torch
from ase.build import molecule

from rgnn_hal.reservoir import (
    GRADIENTS,
    DigitalMixing,
    Gradients,
    Readout,
    Reservoir,
    design_forces,
    force_rows,
    predict,
)
from rgnn_hal.structures import AtomTypes, Graph, RadialBasis, TypeCensus, build_graph
from tests.reservoir.dense_rows import assert_products_are_those_of_dense_rows, dense_rows

ELEMENTS, CUTOFF = (1, 6), 4.0
every_length = pytest.mark.parametrize("length", [1.1, 1.4, 1.47, 1.55, 2.0])


def ethane(length: float) -> ase.Atoms:
    """With one C-H of some length, angstrom; 1.34 to 1.61 is between bonded and not."""
    atoms: ase.Atoms = molecule("C2H6")
    atoms.rattle(0.03, seed=1)
    atoms.set_distance(0, 2, length, fix=0)
    return atoms


def graph_of(atoms: ase.Atoms) -> Graph:
    return build_graph(atoms, ELEMENTS, CUTOFF)


@pytest.fixture(scope="module")
def reservoir() -> Reservoir:
    census = TypeCensus(ELEMENTS)
    for length in (1.1, 2.0):
        census.add(graph_of(ethane(length)))
    types = census.types(99)
    assert len(types) == 4
    return reservoir_of(types)


def reservoir_of(types: AtomTypes | None) -> Reservoir:
    rng = np.random.default_rng(0)
    inputs = 4 * (2 if types is None else len(types))
    mixings = tuple(DigitalMixing(rng.standard_normal((inputs, 5))) for _ in range(4))
    radial = RadialBasis(CUTOFF, size=4, focus=3.0)
    return Reservoir(ELEMENTS, radial, mixings, rng.standard_normal((2, inputs)), types)


def columns_of(reservoir: Reservoir) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).standard_normal(reservoir.columns))


@every_length
@pytest.mark.parametrize("way", GRADIENTS.values(), ids=GRADIENTS.keys())
def test_predictions_are_the_design_matrix_times_the_readout(
    reservoir: Reservoir, length: float, way: Gradients
) -> None:
    graph, columns = graph_of(ethane(length)), columns_of(reservoir)
    (energy,), forces = dense_rows(reservoir, [graph])
    found = predict(reservoir, graph, Readout.of(reservoir, columns), way)
    assert found.energy == pytest.approx(float(energy @ columns), rel=1e-11)
    expected = (forces @ columns).reshape(-1, 3)
    assert (found.forces - expected).abs().max() < 1e-11 * expected.abs().max()


@every_length
def test_forces_are_slopes_of_the_energy(reservoir: Reservoir, length: float) -> None:
    readout, step = Readout.of(reservoir, columns_of(reservoir)), 1e-5
    atoms = ethane(length)
    forces = predict(reservoir, graph_of(atoms), readout).forces
    for atom, axis in ((0, 0), (2, 1), (2, 2), (5, 0)):
        energies = []
        for way in (-1, 1):
            moved = atoms.copy()
            moved.positions[atom, axis] += way * step
            energies.append(predict(reservoir, graph_of(moved), readout).energy)
        slope = (energies[1] - energies[0]) / (2 * step)
        assert float(forces[atom, axis]) == pytest.approx(-slope, rel=1e-6, abs=1e-4)


def test_both_products_with_the_design_matrix_need_no_rows(reservoir: Reservoir) -> None:
    graphs = [graph_of(ethane(length)) for length in (1.1, 1.47, 1.55)]
    assert_products_are_those_of_dense_rows(reservoir, graphs)


def test_blocks_of_rows_are_those_of_the_whole(
    reservoir: Reservoir, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graph_of(ethane(1.47))
    _, whole = dense_rows(reservoir, [graph])
    monkeypatch.setattr(design_forces, "_ROW_BYTES", 3 * 8 * reservoir.columns * 3)
    basis = reservoir.basis(graph)
    components = reservoir.mix(reservoir.vectors(graph, basis))
    blocks = list(force_rows(reservoir, graph, basis, components))
    assert len(blocks) > 1
    torch.testing.assert_close(torch.cat(blocks), whole, rtol=1e-12, atol=1e-12)


def test_types_that_are_all_alike_are_no_types(reservoir: Reservoir) -> None:
    """What elements say is within reach of types, also between them."""
    plain = replace(reservoir_of(None), centre=None)
    columns = columns_of(plain)
    learnt, constants = columns[:-2].reshape(2, -1), columns[-2:]
    element = list(reservoir.types.element)
    shared = torch.cat([learnt[element].flatten(), constants[element]])
    alike = tuple(
        DigitalMixing(mixing.weights.reshape(2, 4, 5)[element].reshape(-1, 5))
        for mixing in plain.mixings
    )
    reservoir = replace(reservoir, mixings=alike, centre=None)
    for length in (1.1, 1.47):
        graph = graph_of(ethane(length))
        one = predict(plain, graph, Readout.of(plain, columns))
        other = predict(reservoir, graph, Readout.of(reservoir, shared))
        torch.testing.assert_close(other.atom_energies, one.atom_energies, rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(other.forces, one.forces, rtol=1e-9, atol=1e-9)
