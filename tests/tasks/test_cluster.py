"""Statistics shared by the workers of a scheduler are those of one process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import read, write

from rgnn_hal import open_macro
from rgnn_hal.macro import ConfigurationError, TransportError
from rgnn_hal.tasks.forces import ForcesRecipe, collection, train_forces
from rgnn_hal.tasks.forces.cluster import _branches, collect_on
from rgnn_hal.tasks.forces.collection import Collected, Job, collect

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
RECIPE = ForcesRecipe(channels=6, cutoff=4.0, lmax=2, radial=6, reads=4)
URI = "emulator://?seed=4"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", ":12"), format="extxyz")
    return path


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Two workers in threads of this process."""
    distributed = pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def job(data: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """What training would share, in leaves of two frames."""
    caught: list[Job] = []

    def catch(job: Job, *_: Any) -> Collected:
        caught.append(job)
        return collect(job, 1)

    monkeypatch.setattr(collection, "_LEAF_ATOMS", 64)
    with monkeypatch.context() as patch, open_macro(URI) as macro:
        patch.setattr("rgnn_hal.tasks.forces.training.collect", catch)
        train_forces(data, macro, RECIPE)
    return caught[0]


def assert_equal(one: Collected, other: Collected) -> None:
    for mine, its in ((one.training, other.training), (one.validation, other.validation)):
        assert mine.rows == its.rows
        scale = np.abs(mine.gram).max()
        np.testing.assert_allclose(np.triu(its.gram), np.triu(mine.gram), atol=1e-14 * scale)
        np.testing.assert_allclose(its.moment, mine.moment, atol=1e-13 * abs(mine.moment).max())
        assert its.square == pytest.approx(mine.square, rel=1e-14)


def test_workers_of_a_scheduler_sum_up_what_one_process_does(job: Job, scheduler: str) -> None:
    seen: list[tuple[int, int, str]] = []
    found = collect_on(scheduler, job, lambda *step: seen.append(step))
    assert_equal(collect(job, 1), found)
    assert_equal(collect(job, 3), found)
    assert found.work.macs == pytest.approx(collect(job, 1).work.macs, rel=0.1)
    assert {label for _, _, label in seen} <= {"training"}


def test_branches_hold_every_leaf_once_and_do_not_depend_on_the_workers(job: Job) -> None:
    leaves = job.leaves()
    assert len(leaves) == 6
    for branches in (_branches(leaves), _branches(leaves * 50)):
        assert len(branches) == min(64, sum(map(len, branches)))
        assert max(map(len, branches)) - min(map(len, branches)) <= 1
    assert [leaf for branch in _branches(leaves) for leaf in branch] == leaves


def test_training_by_a_scheduler_gives_the_same_model(data: Path, scheduler: str) -> None:
    models = []
    for address in (None, scheduler):
        with open_macro(URI) as macro:
            models.append(train_forces(data, macro, RECIPE, scheduler=address).model)
    one, shared = models
    np.testing.assert_allclose(
        shared.readout, one.readout, rtol=1e-6, atol=1e-8 * np.abs(one.readout).max()
    )


def test_a_scheduler_that_is_not_there_leaves_the_macro_alone(data: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    with (
        open_macro(URI) as macro,
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(TransportError, match="dask scheduler"),
    ):
        patch.setattr("rgnn_hal.tasks.forces.cluster._PATIENCE", 0.5)
        before = macro.clock()
        try:
            train_forces(data, macro, RECIPE, scheduler="tcp://127.0.0.1:9")
        finally:
            assert macro.clock() == before


def test_without_the_extra_the_remedy_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        open_macro(URI) as macro,
        pytest.raises(ConfigurationError, match=r"pip install 'rgnn-hal\[scale\]'"),
    ):
        train_forces(data, macro, RECIPE, scheduler="tcp://127.0.0.1:8786")


def test_dask_is_loaded_only_where_it_is_used() -> None:
    code = (
        "import sys, rgnn_hal.tasks.forces; assert not {'dask', 'distributed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@contextmanager
def processes(workers: int, folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers as a user starts them."""
    running: list[subprocess.Popen[bytes]] = []
    file = folder / "scheduler.json"

    def start(*command: str) -> None:
        line = [sys.executable, "-m", "dask", *command, "--scheduler-file", str(file)]
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        running.append(subprocess.Popen(line, stderr=subprocess.DEVNULL, env=env))

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        deadline = time.monotonic() + 60
        while not (file.exists() and file.read_text().strip()):
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.1)
        for _ in range(workers):
            start(
                *("worker", "--no-nanny", "--nthreads", "1", "--no-dashboard"),
                *("--local-directory", str(folder)),
            )
        yield json.loads(file.read_text())["address"], running[1:]
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_two_processes_give_the_same_and_one_may_be_lost(job: Job, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    # Thirty times the same file: long enough to lose a worker in the middle.
    text = job.path.read_text()
    job.path.write_text(text * 30)
    job = Job(job.path, job.regression, np.tile(job.validates, 30))
    alone = collect(job, 1)
    with processes(2, tmp_path) as (address, workers):
        assert_equal(alone, collect_on(address, job))
        seen: list[int] = []

        def kill_at_a_third(done: int, total: int, label: str) -> None:
            seen.append(done)
            if done > total // 3 and workers[0].poll() is None:
                workers[0].send_signal(signal.SIGKILL)

        assert_equal(alone, collect_on(address, job, kill_at_a_third))
        assert workers[0].wait() == -signal.SIGKILL
        assert workers[1].poll() is None
        assert max(seen) > len(job.validates) // 3


def test_ctrl_c_ends_threads_after_the_frame_they_are_at(job: Job) -> None:
    def interrupt(done: int, total: int, label: str) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        collect(job, 2, interrupt)
    assert threading.active_count() == before
