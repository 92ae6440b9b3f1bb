"""What freezing saves is counted on the terms of the claim, and from what was seen."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.cost import Ledger, Operations, Work
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.backpropagation import Goal, Point, Training
from rgnn_hal.reproduction.cell import Measured, Quoted, watching
from rgnn_hal.reproduction.freezing import add_freezing
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.tasks.xu2025 import (
    ForceNetwork,
    HamiltonianNetwork,
    WavefunctionNetwork,
    random_layer,
)

GOAL = Goal(0.0, "meV", cpu_seconds=1.0, work=Operations())
H2 = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]])


def training(label: str, errors: list[float], host: int, macro: int) -> Training:
    once = Work(Ledger(multiplications=macro), Operations(macs=host))
    points = [Point(k, 2.0 * k, once * k, error) for k, error in enumerate(errors, start=1)]
    return Training(label, tuple(points), GOAL)


def rows(whole: Training, frozen: Training) -> list[Measured]:
    draft = Draft()
    with watching("training") as watch:
        pass
    network = ForceNetwork(random_layer(0), (3, 8, 15))
    add_freezing(draft, watch, network, paper.FORCE_UNTRAINED, whole, frozen)
    found = [row.ours for row in draft.rows if isinstance(row.ours, Measured)]
    assert len(found) == len(draft.rows) == 4
    return found


def test_the_host_is_spared_what_the_macro_does_and_what_nobody_differentiates() -> None:
    whole, frozen = training("whole", [9.0], 100, 0), training("frozen", [9.0], 8, 30)
    share, step, *_ = rows(whole, frozen)
    assert share.value == pytest.approx(paper.FORCE_UNTRAINED.value, abs=0.005)
    assert step.value == pytest.approx(92.0)


@given(st.lists(st.floats(1, 100), min_size=1, max_size=9), st.lists(st.floats(1, 100), min_size=1))
def test_equal_error_is_one_that_both_have_reached(one: list[float], other: list[float]) -> None:
    whole, frozen = training("whole", one, 100, 0), training("frozen", other, 10, 30)
    *_, operations, seconds = rows(whole, frozen)
    error = max(min(one), min(other))
    epochs = [
        next(k for k, e in enumerate(errors, start=1) if e <= error) for errors in (one, other)
    ]
    assert operations.value == pytest.approx(100 * (1 - 10 * epochs[1] / (100 * epochs[0])))
    assert seconds.value == pytest.approx(100 * (1 - epochs[1] / epochs[0]))
    for cell in (operations, seconds):
        assert cell.interval is not None
        assert cell.interval[0] <= cell.value <= cell.interval[1]


@pytest.mark.parametrize(
    ("network", "claim"),
    [
        (HamiltonianNetwork(random_layer(0)), paper.HAMILTONIAN_UNTRAINED),
        (WavefunctionNetwork(random_layer(0), H2, (1, 1)), paper.WAVEFUNCTION_UNTRAINED),
    ],
)
def test_the_share_left_untrained_is_the_papers(network: torch.nn.Module, claim: Quoted) -> None:
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    everything = sum(p.numel() for p in network.parameters())
    share = 100 * (1 - trained / everything)
    assert share == pytest.approx(claim.value, abs=0.04)  # 28 numbers the paper never uses
