import numpy as np
import pytest

from rgnn_hal.readout import CompositionStatistics


def collect(counts: list[list[float]], energies: list[float]) -> CompositionStatistics:
    statistics = CompositionStatistics.empty(len(counts[0]))
    for count, energy in zip(counts, energies, strict=True):
        statistics = statistics.with_frame(np.array(count), energy)
    return statistics


def test_energies_of_elements_are_recovered_from_varied_compositions() -> None:
    counts = [[2.0, 1.0], [1.0, 3.0], [4.0, 0.0]]
    energies = [2 * -13.0 - 400.0, -13.0 - 1200.0, 4 * -13.0]
    np.testing.assert_allclose(collect(counts, energies).fit().energies, [-13.0, -400.0])


def test_one_composition_gives_its_mean_energy() -> None:
    counts = [[6.0, 2.0, 1.0]] * 3
    baseline = collect(counts, [-4209.0, -4210.0, -4211.0]).fit()
    assert baseline.energy(np.array(counts[0])) == pytest.approx(-4210.0, rel=1e-12)


def test_an_element_that_never_occurs_gets_no_energy() -> None:
    baseline = collect([[2.0, 0.0], [4.0, 0.0]], [-2.0, -4.0]).fit()
    np.testing.assert_allclose(baseline.energies, [-1.0, 0.0], atol=1e-12)


def test_shards_add() -> None:
    counts, energies = [[2.0, 1.0], [1.0, 3.0], [4.0, 2.0]], [-5.0, -8.0, -11.0]
    merged = collect(counts[:1], energies[:1]) + collect(counts[1:], energies[1:])
    whole = collect(counts, energies)
    np.testing.assert_allclose(merged.fit().energies, whole.fit().energies)
    assert merged.frames == 3
