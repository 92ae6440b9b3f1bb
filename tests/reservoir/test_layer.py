import numpy as np
import pytest
from ase.build import molecule

from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.reservoir import DigitalMixing, Reservoir, design_rows
from rgnn_hal.structures import RadialBasis, build_graph


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


def test_mixings_of_the_wrong_shape_are_refused() -> None:
    mixings = (DigitalMixing(np.ones((8, 5))), DigitalMixing(np.ones((6, 5))))
    with pytest.raises(ConfigurationError, match=r"needs the same \(8, channels\)"):
        Reservoir((1, 8), RadialBasis(cutoff=4.0, size=4), mixings)
