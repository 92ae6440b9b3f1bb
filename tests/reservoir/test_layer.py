import ase
import numpy as np
import pytest
import torch
from ase.build import molecule

from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.reservoir import DigitalMixing, Reservoir, design_rows, predict
from rgnn_hal.structures import RadialBasis, build_graph


def test_design_rows_times_a_readout_are_the_prediction(
    reservoir: Reservoir, structure: ase.Atoms
) -> None:
    graph = build_graph(structure, reservoir.elements, 4.0)
    basis = reservoir.basis(graph)
    components = reservoir.mix(reservoir.vectors(graph, basis))
    # Components that no weights would give, as a noisy chip returns them.
    components = components + 0.1 * torch.randn_like(components)
    readout = torch.from_numpy(np.random.default_rng(1).standard_normal(reservoir.columns))
    rows = design_rows(reservoir, graph, basis, components)
    prediction = predict(reservoir, graph, basis, components, readout)
    assert float(rows.energy @ readout) == pytest.approx(prediction.energy, rel=1e-12)
    torch.testing.assert_close(rows.forces @ readout, prediction.forces.flatten())


def test_vectors_run_by_atom_and_then_by_component(reservoir: Reservoir) -> None:
    """Noise is drawn per vector in order, so the order may not depend on the batch."""
    graph = build_graph(molecule("H2O"), reservoir.elements, 4.0)
    vectors = reservoir.vectors(graph, reservoir.basis(graph))
    assert [len(x) for x in vectors] == [3, 9, 15, 21]
    components = reservoir.mix(vectors)
    weights = reservoir.mixings[2].weights
    np.testing.assert_allclose(components[4:9, 1].numpy(), vectors[2][5:10] @ weights)


def test_the_constants_of_a_readout_count_atoms_of_every_element(
    reservoir: Reservoir,
) -> None:
    graph = build_graph(molecule("CH3CH2OH"), reservoir.elements, 4.0)
    basis = reservoir.basis(graph)
    rows = design_rows(reservoir, graph, basis, reservoir.mix(reservoir.vectors(graph, basis)))
    assert rows.energy[-3:].tolist() == [6.0, 2.0, 1.0]
    assert rows.forces[:, -3:].abs().max() == 0.0


def test_a_large_cell_equals_its_primitive_cell_atom_by_atom(
    reservoir: Reservoir,
) -> None:
    """More than one block of atoms and edges: the blocks leave no seam."""
    small = ase.Atoms("CO", positions=[(0, 0, 0), (1.5, 1.1, 0.2)], cell=[3.0, 3.2, 2.9], pbc=True)
    readout = torch.from_numpy(np.random.default_rng(2).standard_normal(reservoir.columns))
    predictions = []
    for atoms in (small, small.repeat((4, 4, 4))):
        graph = build_graph(atoms, reservoir.elements, 4.0)
        basis = reservoir.basis(graph)
        components = reservoir.mix(reservoir.vectors(graph, basis))
        predictions.append(predict(reservoir, graph, basis, components, readout))
    assert predictions[1].energy == pytest.approx(64 * predictions[0].energy, rel=1e-12)
    torch.testing.assert_close(predictions[1].forces, predictions[0].forces.repeat(64, 1))


def test_mixings_of_the_wrong_shape_are_refused() -> None:
    mixings = (DigitalMixing(np.ones((8, 5))), DigitalMixing(np.ones((6, 5))))
    with pytest.raises(ConfigurationError, match=r"needs the same \(8, channels\)"):
        Reservoir((1, 8), RadialBasis(cutoff=4.0, size=4), mixings)
