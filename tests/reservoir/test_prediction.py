"""One sweep forwards and one backwards give what the design matrix gives."""

from dataclasses import dataclass

import ase
import numpy as np
import pytest
import torch
from ase.build import molecule

from rgnn_hal.macro import NotSupportedError
from rgnn_hal.reservoir import (
    GRADIENTS,
    TANGENTS,
    TRANSPOSED,
    TWIN,
    DigitalMixing,
    Gradients,
    Readout,
    Reservoir,
    design_rows,
    neighbourhoods,
    predict,
)
from rgnn_hal.structures import Graph, RadialBasis, build_graph

CUTOFF = 4.0
every_way = pytest.mark.parametrize("way", GRADIENTS.values(), ids=GRADIENTS.keys())


@dataclass(frozen=True)
class Stale:
    """A mixing whose hardware has moved on since its twin was read."""

    weights: np.ndarray
    now: np.ndarray

    def product(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x @ self.now)

    def transposed(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(y @ self.now.T)


def stale(reservoir: Reservoir, change: float = 0.1) -> Reservoir:
    rng = np.random.default_rng(5)
    mixings = tuple(
        Stale(mixing.weights, mixing.weights + change * rng.standard_normal(mixing.weights.shape))
        for mixing in reservoir.mixings
    )
    return Reservoir(reservoir.elements, reservoir.radial, mixings)


def readout_of(reservoir: Reservoir) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).standard_normal(reservoir.columns))


@pytest.mark.parametrize("lmax", [0, 1, 4])
@every_way
def test_every_way_gives_the_design_matrix_times_the_readout(
    structure: ase.Atoms, lmax: int, way: Gradients
) -> None:
    rng = np.random.default_rng(0)
    mixings = tuple(DigitalMixing(rng.standard_normal((12, 5))) for _ in range(lmax + 1))
    centre = rng.standard_normal((3, 12))
    reservoir = Reservoir((1, 6, 8), RadialBasis(CUTOFF, size=4), mixings, centre)
    graph, columns = build_graph(structure, reservoir.elements, CUTOFF), readout_of(reservoir)
    basis = reservoir.basis(graph)
    rows = design_rows(reservoir, graph, basis, reservoir.mix(reservoir.vectors(graph, basis)))
    found = predict(reservoir, graph, Readout.of(reservoir, columns), way)
    assert float(rows.energy @ columns) == pytest.approx(found.energy, rel=1e-11)
    expected = rows.forces @ columns
    error = (found.forces.flatten() - expected).abs().max() / expected.abs().max()
    assert error < 1e-11


def test_the_twin_differentiates_as_read_back_at_components_of_the_hardware(
    reservoir: Reservoir, structure: ase.Atoms
) -> None:
    moved, columns = stale(reservoir), readout_of(reservoir)
    graph = build_graph(structure, reservoir.elements, CUTOFF)
    basis = moved.basis(graph)
    rows = design_rows(moved, graph, basis, moved.mix(moved.vectors(graph, basis)))
    found = predict(moved, graph, Readout.of(moved, columns), TWIN)
    assert float(rows.energy @ columns) == pytest.approx(found.energy, rel=1e-11)
    torch.testing.assert_close(found.forces.flatten(), rows.forces @ columns, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("way", [TRANSPOSED, TANGENTS], ids=lambda way: way.name)
def test_gradients_through_the_hardware_need_no_twin(reservoir: Reservoir, way: Gradients) -> None:
    """They are the slope of the energy that the hardware gives, whatever was read back once."""
    moved = stale(reservoir, change=1.0)
    readout = Readout.of(moved, readout_of(moved))

    def at(shift: float) -> tuple[float, float]:
        atoms = molecule("CH3CH2OH")
        atoms.positions[2, 1] += shift
        graph = build_graph(atoms, moved.elements, CUTOFF)
        found = predict(moved, graph, readout, way)
        return found.energy, float(found.forces[2, 1])

    slope = (at(1e-4)[0] - at(-1e-4)[0]) / 2e-4
    assert at(0.0)[1] == pytest.approx(-slope, rel=1e-6)


def test_a_mixing_that_does_not_multiply_backwards_is_named(reservoir: Reservoir) -> None:
    class Forwards:
        weights = reservoir.mixings[0].weights

        def product(self, x: np.ndarray) -> np.ndarray:
            return np.asarray(x @ self.weights)

    forwards = Reservoir(reservoir.elements, reservoir.radial, (Forwards(),) * 4)
    graph = build_graph(molecule("H2O"), reservoir.elements, CUTOFF)
    with pytest.raises(NotSupportedError, match="Forwards does not multiply backwards"):
        predict(forwards, graph, Readout.of(forwards, readout_of(forwards)), TRANSPOSED)


def test_densities_in_tables_are_those_of_the_edges_one_by_one(
    reservoir: Reservoir, structure: ase.Atoms, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = build_graph(structure, reservoir.elements, CUTOFF)
    expected = reservoir.vectors(graph, reservoir.basis(graph))
    for edges in (1, 40, 2048):
        monkeypatch.setattr(neighbourhoods, "_EDGES", edges)
        density = reservoir.neighbourhoods(graph).densities()
        for one, other in zip(reservoir.rows(graph, density), expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-13)


def test_a_large_cell_equals_its_primitive_cell_atom_by_atom(reservoir: Reservoir) -> None:
    """More than one block of atoms and edges: the blocks leave no seam."""
    small = ase.Atoms("CO", positions=[(0, 0, 0), (1.5, 1.1, 0.2)], cell=[3.0, 3.2, 2.9], pbc=True)
    readout = Readout.of(reservoir, readout_of(reservoir))
    graphs = [
        build_graph(atoms, reservoir.elements, CUTOFF) for atoms in (small, small.repeat((8, 8, 8)))
    ]
    one, many = (predict(reservoir, graph, readout) for graph in graphs)
    assert many.energy == pytest.approx(512 * one.energy, rel=1e-12)
    torch.testing.assert_close(many.forces, one.forces.repeat(512, 1))


def test_the_virial_is_the_slope_of_the_energy_by_strain(reservoir: Reservoir) -> None:
    atoms = molecule("CH3CH2OH")
    graph = build_graph(atoms, reservoir.elements, CUTOFF)
    readout = Readout.of(reservoir, readout_of(reservoir))
    strain = torch.from_numpy(np.random.default_rng(3).standard_normal((3, 3)))

    def energy(size: float) -> float:
        moved = graph.displacement @ (torch.eye(3) + size * strain).T
        strained = Graph(graph.species, graph.centre, graph.neighbour, moved)
        return predict(reservoir, strained, readout).energy

    slope = (energy(1e-5) - energy(-1e-5)) / 2e-5
    virial = predict(reservoir, graph, readout).virial
    assert float((virial * strain).sum()) == pytest.approx(slope, rel=1e-6)
