"""The rival is given the right labels, and is stopped fairly."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rgnn_hal.bundled import bundled
from rgnn_hal.cost import Ledger, Operations, Work
from rgnn_hal.macro import DataError
from rgnn_hal.reproduction.backpropagation import (
    Goal,
    Point,
    add_trainings,
    is_judged,
    run_down,
)
from rgnn_hal.reproduction.cell import Measured, watching
from rgnn_hal.reproduction.hamiltonian_training import edge_blocks, train_hamiltonian_networks
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.tasks.hamiltonian import HamiltonianFile, HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV

GOAL = Goal(10.0, "meV", cpu_seconds=2.0, work=Operations(macs=100))


@pytest.fixture(scope="module")
def frame() -> HamiltonianFrame:
    with HamiltonianFile(bundled("graphene_4x4_s2p1.h5")) as file:
        return next(iter(file))


def test_every_labelled_pair_within_reach_is_an_edge_twice(frame: HamiltonianFrame) -> None:
    found = edge_blocks(frame, (6,))
    length = np.linalg.norm(frame.pairs.displacement(frame.atoms), axis=1)
    near = ~frame.pairs.on_site & (length < 6.0)
    assert len(found.edges) == 2 * near.sum()
    size = HARTREE_EV * np.linalg.norm(frame.hamiltonian[near])
    assert found.blocks.norm().item() == pytest.approx(np.sqrt(2) * size, rel=1e-5)


def test_labels_do_not_turn_with_the_crystal(frame: HamiltonianFrame) -> None:
    turn = Rotation.from_rotvec([0.3, -0.5, 0.7]).as_matrix()
    orbitals = np.eye(5)
    orbitals[2:, 2:] = turn
    atoms = frame.atoms.copy()
    atoms.set_cell(atoms.cell.array @ turn.T, scale_atoms=True)
    turned = replace(frame, atoms=atoms, hamiltonian=orbitals @ frame.hamiltonian @ orbitals.T)
    here, there = edge_blocks(frame, (6,)), edge_blocks(turned, (6,))

    # Edges may come in another order, but along an edge its frame decides.
    for row in range(5):
        for column in range(5):
            torch.testing.assert_close(
                here.blocks[:, row, column].sort().values,
                there.blocks[:, row, column].sort().values,
                atol=2e-4,
                rtol=0,
            )


def test_other_orbitals_are_refused(frame: HamiltonianFrame) -> None:
    wider = replace(frame, hamiltonian=np.zeros((len(frame.pairs), 13, 13)))
    with pytest.raises(DataError, match="13 orbitals"):
        edge_blocks(wider, (6,))


def test_networks_learn_graphene(frame: HamiltonianFrame) -> None:
    found = train_hamiltonian_networks([frame], [frame], (6,), replace(GOAL, error=1.0), seconds=1)
    assert [one.label for one in found] == ["all layers trained", "reservoir frozen"]
    for one in found:
        assert not one.reached and one.last.cpu_seconds >= 1
        assert one.last.error < one.points[0].error
        assert one.last.work == one.points[0].work * one.last.epoch
        assert (one.last.work.analog.multiplications > 1e6) == (one.label == "reservoir frozen")


@given(st.integers(1, 100_000))
def test_no_more_than_a_tenth_of_a_training_passes_unjudged(epoch: int) -> None:
    following = next(k for k in range(epoch + 1, 2 * epoch + 20) if is_judged(k))
    assert following <= max(11, 1.11 * epoch + 1)


def falling(start: float) -> Iterator[Point]:
    epoch = 0
    while True:
        epoch += 1
        work = Work(Ledger(multiplications=900 * epoch), Operations(macs=100 * epoch))
        yield Point(epoch, float(epoch), work, start / epoch)


@given(st.floats(11, 1000), st.integers(1, 200))
def test_a_training_ends_at_our_error_or_when_time_is_over(start: float, seconds: int) -> None:
    one = run_down("network", falling(start), GOAL, seconds)
    assert one.reached == (one.last.error <= 10.0)
    assert one.reached or one.last.cpu_seconds >= seconds
    assert all(point.error > 10.0 for point in one.points[:-1])


@pytest.mark.parametrize(("seconds", "bound"), [(100, ""), (5, "at least")])
def test_what_is_saved_is_a_bound_where_the_network_was_not_done(seconds: int, bound: str) -> None:
    draft = Draft()
    with watching("training") as watch:
        one = run_down("network", falling(100.0), GOAL, seconds)
    add_trainings(draft, watch, [one], "Training", "error (meV)")
    time, operations = (row.ours for row in draft.rows)
    assert isinstance(time, Measured) and isinstance(operations, Measured)
    assert time.bound == operations.bound == bound
    assert time.value == pytest.approx(100 * (1 - 2.0 / one.last.cpu_seconds))
    everything = one.last.work.all_digital.macs
    assert operations.value == pytest.approx(100 * (1 - 100 / everything))
    if one.reached:  # somewhere in the last epoch
        assert time.interval == pytest.approx((100 * (1 - 2.0 / 9), time.value))


@given(st.floats(11, 1000), st.floats(0.1, 0.9))
def test_an_error_is_passed_between_two_looks(start: float, share: float) -> None:
    one = run_down("network", falling(start), GOAL, 50)
    error = one.last.error + share * (one.points[0].error - one.last.error)
    before, there = one.passage(error)
    assert there.error <= error < before.error
    assert there.epoch - before.epoch == 1
