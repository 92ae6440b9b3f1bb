"""Workers on this machine give what one process does, and leave nothing behind however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import read, write

from rgnn_hal import open_macro
from rgnn_hal.macro import TransportError
from rgnn_hal.tasks.forces import (
    ForcesRecipe,
    branches,
    collection,
    committee,
    evaluate_forces,
    local_cluster,
    train_forces,
)
from rgnn_hal.tasks.forces.local_cluster import _Crew

psutil = pytest.importorskip("psutil", reason="the extra `scale` is not installed")
pytest.importorskip("distributed", reason="the extra `scale` is not installed")

LI3PO4 = Path(__file__).parents[2] / "examples" / "data" / "li3po4_train.extxyz"
RECIPE = ForcesRecipe(channels=6, cutoff=4.0, lmax=2, radial=6, reads=4)
URI = "emulator://?seed=4"
CLI = (sys.executable, "-c", "from rgnn_hal.cli import main; main()")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "frames.extxyz"
    write(path, read(LI3PO4, ":12"), format="extxyz")
    return path


def workers_of(pid: int) -> list[Any]:
    try:
        children = psutil.Process(pid).children()
        return [each for each in children if "worker_process" in " ".join(each.cmdline())]
    except psutil.NoSuchProcess:
        return []


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_worker_killed_in_the_middle_is_replaced_and_the_model_is_the_same(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "_LEAF_ATOMS", 64)
    monkeypatch.setattr(branches, "_FEWEST_ATOMS", 64)
    monkeypatch.setattr(committee, "_MOST_COLUMNS", 150)  # two members, which are then refined
    killed: list[int] = []

    def kill(done: int, total: int, label: str) -> None:
        if (label, len(killed)) in {("training", 0), ("refining", 1)} and done > total // 3:
            victim = workers_of(os.getpid())[0]
            killed.append(victim.pid)
            victim.kill()

    predicted = []
    for workers, progress in ((1, lambda *_: None), (2, kill)):
        with open_macro(URI) as macro:
            result = train_forces(data, macro, RECIPE, workers=workers, progress=progress)
        predicted.append(evaluate_forces(result.model.on_twin(), data).predicted)
    assert len(set(killed)) == 2
    one, two = predicted
    np.testing.assert_allclose(two, one, rtol=0.0, atol=1e-3)  # eV/angstrom, see test_cluster
    assert not workers_of(os.getpid())


@pytest.mark.slow
def test_workers_that_die_again_and_again_are_an_error(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_cluster, "_REPLACEMENTS", 0)

    def kill(done: int, total: int, label: str) -> None:
        for victim in workers_of(os.getpid()) if label == "training" else ():
            victim.kill()

    with open_macro(URI) as macro, pytest.raises(TransportError, match=r"by SIGKILL; give fewer"):
        train_forces(data, macro, RECIPE, workers=2, progress=kill)
    assert not workers_of(os.getpid())


def test_workers_that_cannot_start_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with (
        _Crew("tcp://127.0.0.1:9", str(tmp_path), 2) as crew,
        pytest.raises(TransportError, match="with status 1"),
    ):
        while True:
            crew.tend()


@pytest.mark.slow
def test_a_script_that_trains_runs_once_and_needs_no_guard(data: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import os
from pathlib import Path
from rgnn_hal import open_macro
from rgnn_hal.tasks.forces import ForcesRecipe, train_forces

print("run", flush=True)
with open_macro({URI!r}) as macro:
    recipe = ForcesRecipe(channels=6, cutoff=4.0, lmax=2, radial=6)
    train_forces(Path({str(data)!r}), macro, recipe, workers=2)
""")
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("run\n", "")


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import time; from rgnn_hal.tasks.forces.local_cluster import local_cluster\n"
        "with local_cluster(2) as two:\n"
        "    two._gather_workers(); print('ready', flush=True); time.sleep(99)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
        assert parent.stdout is not None and parent.stderr is not None
        assert parent.stdout.readline() == b"ready\n"
        workers = workers_of(parent.pid)
        assert len(workers) == 2
        parent.kill()
        until(lambda: not any(each.is_running() for each in workers), 20.0)
        assert parent.stderr.read() == b""


@pytest.mark.slow
def test_ctrl_c_of_a_terminal_leaves_a_sentence_and_no_process(data: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.extxyz"
    long.write_text(data.read_text() * 50)
    command = [*CLI, "train", "forces", long, "--out", tmp_path / "model", "--macro", URI]
    with subprocess.Popen(
        [*map(str, command), "--channels", "12", "--workers", "2", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
        text=True,
    ) as parent:
        until(lambda: len(workers_of(parent.pid)) == 2)
        workers = workers_of(parent.pid)
        until(lambda: all(each.cpu_times().user > 8.0 for each in workers))  # at work
        os.killpg(parent.pid, signal.SIGINT)
        out, err = parent.communicate(timeout=30)
    assert parent.returncode == 130
    assert json.loads(out) == {"error": "stopped by SIGINT", "kind": "Stopped"}
    assert err.splitlines()[-1] == "rgnn-hal: stopped by SIGINT"
    assert "Traceback" not in err and "distributed" not in err
    assert not any(each.is_running() for each in workers)
    assert not list(tmp_path.glob("rgnn_hal-*"))
