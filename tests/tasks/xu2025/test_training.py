"""The force network learns, frozen or whole, and says what that cost."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from ase.build import bulk
from ase.calculators.lj import LennardJones

from rgnn_hal.structures import LabelledFrame
from rgnn_hal.tasks.xu2025 import ForceNetwork, random_layer, severed_layer, trained_layer
from rgnn_hal.tasks.xu2025.training import Epoch, train_force_network


def frames(count: int) -> list[LabelledFrame]:
    made = []
    for seed in range(count):
        atoms = bulk("Ar", cubic=True, a=5.0)
        atoms.rattle(0.2, seed=seed)
        atoms.calc = LennardJones(sigma=3.4, epsilon=0.1, rc=8.0)
        forces = atoms.get_forces()
        made.append(LabelledFrame(atoms, atoms.get_potential_energy(), forces, f"frame {seed}"))
    return made


def trained(network: ForceNetwork, epochs: int = 12) -> list[Epoch]:
    data = frames(6)
    return list(
        train_force_network(network, (18,), data[:4], data[4:], epochs=epochs, learning_rate=5e-3)
    )


def test_training_lowers_the_error_and_costs_more_with_every_epoch() -> None:
    epochs = trained(ForceNetwork(random_layer(0), (18,)))
    guess = np.abs(np.concatenate([frame.forces for frame in frames(6)[4:]])).mean()
    assert epochs[-1].force_mae < guess  # better than no force at all
    macs = [epoch.work.digital.macs for epoch in epochs]
    assert macs[-1] == len(epochs) * macs[0] > 0
    assert all(b.cpu_seconds > a.cpu_seconds for a, b in pairwise(epochs))


def test_a_frozen_body_takes_less_work_to_train_than_a_trained_one() -> None:
    frozen, whole = (
        trained(ForceNetwork(maker(0), (18,)), epochs=1)[0].work.digital.macs
        for maker in (random_layer, trained_layer)
    )
    # Gradients of the frozen weights, a third of a training step, are never formed.
    assert 0.6 * whole < frozen < 0.75 * whole


def test_a_severed_body_leaves_the_host_a_tenth_of_the_work() -> None:
    frozen, whole = (
        trained(ForceNetwork(maker(0), (18,)), epochs=1)[0].work
        for maker in (severed_layer, trained_layer)
    )
    # What the macro multiplies is done three times, forward and backward, where it is trained.
    trained_parts = whole.digital.macs - 3 * frozen.analog.multiplications
    assert frozen.digital.macs == pytest.approx(trained_parts, rel=0.01)
    assert 0.07 < frozen.digital.macs / whole.digital.macs < 0.1  # 9.2 % of the weights
    assert whole.analog.multiplications == 0


def test_a_severed_layer_is_the_random_one_without_a_gradient() -> None:
    x = torch.randn(5, 36, requires_grad=True)
    severed, plain = severed_layer(3)(36, 144), random_layer(3)(36, 144)
    torch.testing.assert_close(severed(x), plain(x).detach())
    assert plain(x).requires_grad and not severed(x).requires_grad
    assert not any(parameter.requires_grad for parameter in severed.parameters())


def test_training_repeats_from_its_seed() -> None:
    one, two = (trained(ForceNetwork(random_layer(3), (18,)), epochs=2) for _ in range(2))
    assert [epoch.force_mae for epoch in one] == [epoch.force_mae for epoch in two]
    torch.testing.assert_close(one[-1].force_mae, two[-1].force_mae)
