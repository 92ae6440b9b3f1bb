"""What the workers of a scheduler share among them adds up to what one process does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import read, write
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rgnn_hal import open_macro
from rgnn_hal.macro import ConfigurationError, TransportError
from rgnn_hal.tasks.forces import (
    ForcesModel,
    ForcesRecipe,
    branches,
    collection,
    committee,
    evaluate_forces,
    train_forces,
)
from rgnn_hal.tasks.forces.cluster import Cluster, connected
from rgnn_hal.tasks.forces.collection import Collected, Job
from rgnn_hal.tasks.forces.sweep import Sweep, Swept
from rgnn_hal.tasks.forces.workers import InProcess

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
RECIPE = ForcesRecipe(channels=6, cutoff=4.0, lmax=2, radial=6, reads=4)
URI = "emulator://?seed=4"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", ":12"), format="extxyz")
    return path


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Two workers in threads of this process."""
    distributed = pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as workers:
        yield workers.scheduler_address


@pytest.fixture(scope="module")
def connection(scheduler: str) -> Iterator[Cluster]:
    with connected(scheduler) as workers:
        yield workers


@pytest.fixture(scope="module")
def job(data: Path) -> Job:
    """What training would share."""
    caught: list[Job] = []

    collect = InProcess.collect

    def catch(worker: InProcess, job: Job, *_: Any) -> Collected:
        caught.append(job)
        return collect(worker, job)

    with pytest.MonkeyPatch.context() as patch, open_macro(URI) as macro:
        patch.setattr(InProcess, "collect", catch)
        train_forces(data, macro, RECIPE)
    return caught[0]


@pytest.fixture
def small_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two frames, with branches of as many."""
    monkeypatch.setattr(collection, "_LEAF_ATOMS", 64)
    monkeypatch.setattr(branches, "_FEWEST_ATOMS", 64)


def assert_equal(one: Collected, other: Collected) -> None:
    for mine, its in ((one.training, other.training), (one.validation, other.validation)):
        assert mine.rows == its.rows
        scale = np.abs(mine.gram).max()
        np.testing.assert_allclose(np.triu(its.gram), np.triu(mine.gram), atol=1e-14 * scale)
        np.testing.assert_allclose(its.moment, mine.moment, atol=1e-13 * abs(mine.moment).max())
        assert its.square == pytest.approx(mine.square, rel=1e-14)


def assert_same_sweep(one: Swept, other: Swept) -> None:
    assert one.rows == other.rows
    np.testing.assert_array_equal(other.moment, one.moment)
    np.testing.assert_array_equal(other.unseen, one.unseen)


def assert_same_model(one: ForcesModel, other: ForcesModel, data: Path, within: float) -> None:
    """What it predicts (eV/angstrom): features that matter little may have another readout."""
    mine, its = (evaluate_forces(model.on_twin(), data).predicted for model in (one, other))
    np.testing.assert_allclose(its, mine, rtol=0.0, atol=within)


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],  # an example takes a second
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    leaf=st.integers(1, 400),
    branch=st.integers(1, 400),
    mask=st.lists(st.booleans(), min_size=12, max_size=12),
    labels=st.booleans(),
    seed=st.integers(0, 9),
)
def test_however_a_file_is_cut_its_workers_sum_up_what_one_process_does(
    job: Job,
    connection: Cluster,
    leaf: int,
    branch: int,
    mask: list[bool],
    labels: bool,
    seed: int,
) -> None:
    job = replace(job, validates=np.array(mask))
    theta = np.random.default_rng(seed).normal(size=job.regression.reservoir.columns)
    sweep = Sweep(job, theta, ~job.validates, labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collection, "_LEAF_ATOMS", leaf)
        patch.setattr(branches, "_FEWEST_ATOMS", branch)
        assert_equal(InProcess().collect(job), connection.collect(job))
        alone, shared = InProcess().sweep(sweep), connection.sweep(sweep)
    assert_same_sweep(alone, shared)
    assert shared.work.macs == alone.work.macs


@pytest.mark.usefixtures("small_leaves")
def test_progress_and_work_are_those_of_every_frame(job: Job, connection: Cluster) -> None:
    seen: list[tuple[int, int, str]] = []
    found = connection.collect(job, lambda *step: seen.append(step))
    assert found.work.macs == pytest.approx(InProcess().collect(job).work.macs, rel=0.1)
    assert {(total, label) for _, total, label in seen} == {(12, "training")}
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)
    assert seen[-1][0] == 12


# Sweeps are in single precision, which steps on 12 frames at a strength of 1e-12 amplify.
@pytest.mark.parametrize(
    ("columns", "within"), [(9_300, 1e-5), (150, 1e-3)], ids=["one member", "two, refined"]
)
@pytest.mark.usefixtures("small_leaves")
def test_training_by_a_scheduler_gives_the_same_model(
    data: Path, scheduler: str, columns: int, within: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committee, "_MOST_COLUMNS", columns)
    models = []
    for address in (None, scheduler):
        with open_macro(URI) as macro:
            models.append(train_forces(data, macro, RECIPE, scheduler=address).model)
    one, shared = models
    assert_same_model(one, shared, data, within)


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


@pytest.mark.parametrize("shared", [{"scheduler": "tcp://127.0.0.1:8786"}, {"workers": 2}])
def test_without_the_extra_the_remedy_is_named_before_any_work(
    data: Path, shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with open_macro(URI) as macro:
        before = macro.clock()
        with pytest.raises(ConfigurationError, match=r"pip install 'rgnn-hal\[scale\]'"):
            train_forces(data, macro, RECIPE, **shared)
        assert macro.clock() == before


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
@pytest.mark.usefixtures("small_leaves")
def test_two_processes_give_the_same_and_one_may_be_lost(job: Job, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    # Thirty times the same file: long enough to lose a worker in the middle.
    path = tmp_path / "long.extxyz"
    path.write_text(job.path.read_text() * 30)
    job = Job(path, job.regression, np.tile(job.validates, 30))
    alone = InProcess().collect(job)
    with processes(2, tmp_path) as (address, workers), connected(address) as cluster:
        assert_equal(alone, cluster.collect(job))
        seen: list[int] = []

        def kill_at_a_third(done: int, total: int, label: str) -> None:
            seen.append(done)
            if done > total // 3 and workers[0].poll() is None:
                workers[0].send_signal(signal.SIGKILL)

        assert_equal(alone, cluster.collect(job, kill_at_a_third))
        assert workers[0].wait() == -signal.SIGKILL
        assert workers[1].poll() is None
        assert max(seen) > len(job.validates) // 3
