"""The rival of the frozen wavefunction: the same psi, and it does learn."""

import pytest
import torch

from rgnn_hal.benchmarks.fully_trained import FullyTrained
from rgnn_hal.tasks.wavefunction import WavefunctionRecipe, parse_molecule

HELIUM = parse_molecule("He 0 0 0")
RECIPE = WavefunctionRecipe(widths=(16, 8), walkers=400, sweeps=3, seed=2)


def test_the_traced_logarithm_is_that_of_the_ansatz() -> None:
    rival = FullyTrained.begin(HELIUM, RECIPE)
    with torch.no_grad():
        rival.weights[-1] += 0.1
    positions = rival.walkers.positions[:20]
    traced, _ = rival._evaluate(positions)
    layers = len(RECIPE.gains)
    weights = [weight.detach() for weight in rival.weights[: 2 * layers]]
    hidden = rival.network.inputs.jets(positions).value
    for standard, matrix, bias in zip(
        rival.network.standards, weights[:layers], weights[layers:], strict=True
    ):
        hidden = torch.tanh((hidden - standard.mean) * standard.scale @ matrix + bias)
    scene = rival.ansatz.scene(positions, None)
    digital = rival.ansatz.digital_features
    few = rival.parameters.head[:digital]
    known = type(rival.parameters)(rival.parameters.coefficients, rival.parameters.orbitals, few)
    expected = rival.ansatz.local(scene, known).logarithm + hidden @ rival.parameters.head[digital:]
    assert torch.allclose(traced, expected, atol=1e-10)


def test_every_weight_moves_and_the_energy_falls() -> None:
    rival = FullyTrained.begin(HELIUM, RECIPE)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        rival.weights[-1] += 0.3 * torch.randn(rival.weights[-1].shape, generator=generator)
    before = [weight.detach().clone() for weight in rival.weights]
    start = rival.train(target=-10.0, seconds=0.0)
    assert not start.reached
    end = rival.train(target=-2.85, seconds=60.0)
    assert end.reached
    assert end.energy < start.energy - 3 * start.standard_error
    assert end.energy > -2.903724 - 4 * end.standard_error
    coefficient = len(before) - 3  # one determinant: its coefficient is a norm, pulled nowhere
    moved = [not torch.equal(a, b) for a, b in zip(before, rival.weights, strict=True)]
    assert all(moved[:coefficient] + moved[coefficient + 1 :])


def test_a_budget_ends_the_training_honestly() -> None:
    assert FullyTrained.begin(HELIUM, RECIPE).train(-99.0, 0.0).energy == pytest.approx(
        -2.8, abs=0.2
    )
