"""The one worker of this process: threads that end together."""

import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase.io import read, write

from rgnn_hal.macro import DataError, open_macro
from rgnn_hal.structures import FilePart
from rgnn_hal.tasks.forces import collection, train_forces, workers
from rgnn_hal.tasks.forces.collection import Job
from rgnn_hal.tasks.forces.recipe import ForcesRecipe
from rgnn_hal.tasks.forces.workers import InProcess

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
RECIPE = ForcesRecipe(cutoff=4.0, channels=4, radial=4, lmax=2)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """24 leaves of a frame."""
    path = tmp_path / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", ":24"), format="extxyz")
    caught: list[Job] = []
    collect = InProcess.collect

    def catch(worker: InProcess, job: Job, *_: Any) -> object:
        caught.append(job)
        return collect(worker, job)

    with monkeypatch.context() as patch, open_macro("emulator://?seed=1&exact=true") as macro:
        patch.setattr(InProcess, "collect", catch)
        train_forces(path, macro, RECIPE)
    monkeypatch.setattr(collection, "_LEAF_ATOMS", 1)
    assert len(caught[0].leaves()) == 24
    return caught[0]


@pytest.fixture(params=[1, 2, 5])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(workers, "_cores", lambda: request.param)
    return int(request.param)


def test_any_number_of_cores_forms_the_same_sums(job: Job, cores: int) -> None:
    seen: list[tuple[int, int, str]] = []
    found = InProcess().collect(job, lambda *step: seen.append(step))
    whole = job.collect(job.leaves())
    scale = np.abs(whole.training.gram).max()
    np.testing.assert_allclose(found.training.gram, whole.training.gram, atol=1e-13 * scale)
    assert found.training.rows == whole.training.rows
    assert found.validation.rows == whole.validation.rows
    assert seen[-1] == (24, 24, "training")
    assert all(before[0] <= after[0] for before, after in pairwise(seen))


def test_large_gram_matrices_are_formed_by_fewer_threads(
    job: Job, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_GRAM_BYTES", 8 * job.regression.reservoir.columns**2)
    names: set[str] = set()
    examples = Job.examples

    def listen(job: Job, leaf: FilePart) -> object:
        names.add(threading.current_thread().name)
        return examples(job, leaf)

    monkeypatch.setattr(Job, "examples", listen)
    InProcess().collect(job)
    assert len(names) == 1


@pytest.mark.usefixtures("cores")
def test_torch_has_as_many_threads_as_before(job: Job) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        InProcess().collect(job)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def interrupted(done: int, total: int, label: str) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("cores")
def test_an_interruption_ends_every_thread(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_REPORTS", 0.0)
    leaves = leaves_read(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        InProcess().collect(job, interrupted)
    assert leaves() < 24


@pytest.mark.usefixtures("cores")
def test_an_error_in_any_thread_is_that_of_all(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves_read(monkeypatch, broken=23)
    with pytest.raises(DataError, match="frame 23"):
        InProcess().collect(job)


def leaves_read(monkeypatch: pytest.MonkeyPatch, broken: int | None = None) -> Callable[[], int]:
    """Number of leaves that have been asked for since; one of them may be broken."""
    asked: list[int] = []
    examples = Job.examples

    def listen(job: Job, leaf: FilePart) -> object:
        asked.append(leaf.first)
        if leaf.first == broken:
            raise DataError(f"frame {broken} is gone")
        return examples(job, leaf)

    monkeypatch.setattr(Job, "examples", listen)
    return lambda: len(asked)
