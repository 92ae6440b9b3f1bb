"""The paper's wavefunction network has the paper's dimensions, and is a wavefunction."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.cost.digital import count_digital
from rgnn_hal.tasks.xu2025 import WavefunctionNetwork, random_layer
from rgnn_hal.tasks.xu2025.wavefunction import frozen_shapes

H2 = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]])


def network(spins: tuple[int, int] = (1, 1)) -> WavefunctionNetwork:
    return WavefunctionNetwork(random_layer(0), H2.double(), spins).double()


def walkers(seed: int, electrons: int, count: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, electrons, 3, generator=generator, dtype=torch.float64)


def test_it_has_the_papers_numbers_of_weights() -> None:
    parameters = list(network().parameters())
    assert sum(p.numel() for p in parameters if not p.requires_grad) == 119_552
    assert sum(p.numel() for p in parameters if p.requires_grad) == 4_416
    single, pair = frozen_shapes(2)
    assert sum(a * b for a, b in single + pair) == 119_552


def test_its_multiplications_are_those_counted_by_hand() -> None:
    model, batch = network(), walkers(0, 2)
    with count_digital() as work, torch.no_grad():
        model(batch)
    # reference: 303,616 in the body and 4,096 in the orbitals of one walker; envelopes are a
    # product of 2 nuclei and 32 orbitals for each electron.
    assert work.macs == len(batch) * (303_616 + 4_096 + 2 * 2 * 32)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.permutations(range(3)))
def test_exchanging_electrons_of_one_spin_changes_at_most_the_sign(
    seed: int, order: list[int]
) -> None:
    model, batch = network((3, 1)), walkers(seed, 4)
    sign, log = model(batch)
    other_sign, other_log = model(batch[:, [*order, 3]])
    parity = torch.linalg.det(torch.eye(3, dtype=torch.float64)[list(order)])
    torch.testing.assert_close(other_log, log, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(other_sign, sign * parity)


def test_far_electrons_are_bound() -> None:
    model = network()
    near = model(torch.zeros(1, 2, 3, dtype=torch.float64) + 0.3)[1]
    far = model(torch.full((1, 2, 3), 20.0, dtype=torch.float64))[1]
    assert far < near - 20
