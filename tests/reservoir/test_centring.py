from dataclasses import replace

import numpy as np
import pytest
import torch
from ase.build import molecule

from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.reservoir import DensityStatistics, Readout, Reservoir, design_rows, predict
from rgnn_hal.structures import Graph, build_graph


def graphs_of(reservoir: Reservoir, count: int) -> list[Graph]:
    graphs = []
    for seed in range(count):
        atoms = molecule("CH3CH2OH")
        atoms.rattle(0.05, seed=seed)
        graphs.append(build_graph(atoms, reservoir.elements, reservoir.radial.cutoff))
    return graphs


def collect(reservoir: Reservoir, graphs: list[Graph]) -> DensityStatistics:
    statistics = DensityStatistics.empty(reservoir.types, reservoir.radial)
    for graph in graphs:
        statistics = statistics.with_graph(graph, reservoir.radial)
    return statistics


def test_centred_vectors_of_degree_zero_average_to_zero_for_every_element(
    reservoir: Reservoir,
) -> None:
    graphs = graphs_of(reservoir, 3)
    centred = replace(reservoir, centre=collect(reservoir, graphs).mean())
    vectors = np.concatenate([centred.vectors(g, centred.basis(g))[0] for g in graphs])
    species = torch.cat([graph.species for graph in graphs]).numpy()
    for element in range(3):
        assert np.abs(vectors[species == element].mean(axis=0)).max() < 1e-14


def test_centring_shortens_the_vectors_that_noise_grows_with(reservoir: Reservoir) -> None:
    graphs = graphs_of(reservoir, 3)
    centred = replace(reservoir, centre=collect(reservoir, graphs).mean())
    before, after = (
        np.mean([np.linalg.norm(r.vectors(g, r.basis(g))[0]) for g in graphs])
        for r in (reservoir, centred)
    )
    assert after < before / 4


def test_densities_of_shards_add(reservoir: Reservoir) -> None:
    graphs = graphs_of(reservoir, 4)
    merged = collect(reservoir, graphs[:1]) + collect(reservoir, graphs[1:])
    np.testing.assert_allclose(merged.mean(), collect(reservoir, graphs).mean(), atol=1e-15)


def test_forces_of_a_centred_reservoir_are_still_the_slope_of_its_energy(
    reservoir: Reservoir,
) -> None:
    centred = replace(reservoir, centre=collect(reservoir, graphs_of(reservoir, 2)).mean())
    readout = torch.from_numpy(np.random.default_rng(0).standard_normal(centred.columns))

    def at(shift: float) -> tuple[float, float]:
        atoms = molecule("CH3CH2OH")
        atoms.positions[2, 1] += shift
        graph = build_graph(atoms, centred.elements, centred.radial.cutoff)
        result = predict(centred, graph, Readout.of(centred, readout))
        return result.energy, float(result.forces[2, 1])

    slope = (at(1e-4)[0] - at(-1e-4)[0]) / 2e-4
    assert at(0.0)[1] == pytest.approx(-slope, rel=1e-6)


def test_a_mean_density_of_another_shape_is_refused(reservoir: Reservoir) -> None:
    with pytest.raises(ConfigurationError, match="mean density has shape"):
        replace(reservoir, centre=np.zeros((2, 12)))


def test_noise_of_one_channel_reaches_only_its_group_of_columns(reservoir: Reservoir) -> None:
    graph = graphs_of(reservoir, 1)[0]
    basis = reservoir.basis(graph)
    components = reservoir.mix(reservoir.vectors(graph, basis))
    disturbed = components.clone()
    disturbed[:, graph.species == 1, 2] += 0.1
    rows, other = (design_rows(reservoir, graph, basis, a) for a in (components, disturbed))
    changed = ((rows.forces - other.forces).abs().amax(dim=0) > 1e-12).nonzero()[:, 0]
    carbon_channel_2 = reservoir.channel_columns[1 * reservoir.channels + 2]
    assert set(changed.tolist()) <= set(carbon_channel_2.tolist())
    assert len(changed) == reservoir.invariants.size - 1  # A_00 itself is linear
