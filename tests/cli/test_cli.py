"""The command line as its users and the acceptance runs see it: exit codes, JSON, messages."""

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

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
TRAIN, TEST = EXAMPLES / "li3po4_train.extxyz", EXAMPLES / "li3po4_test.extxyz"

Run = Callable[..., tuple[int, str, str]]


def ok(result: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = result
    assert code == 0, err
    answer = json.loads(out)
    assert isinstance(answer, dict)
    return answer


def mistake(result: tuple[int, str, str], *words: str) -> None:
    code, out, err = result
    assert code == 2, (out, err)
    assert "Traceback" not in err
    for word in words:
        assert word in err


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "m"
    command = [
        sys.executable, "-c", "from rgnn_hal.cli import main; main()",
        "train", "forces", str(TRAIN), "--out", str(folder),
        "--macro", "emulator://?seed=1", "--channels", "6", "--cutoff", "3.5", "--lmax", "2",
        "--reads", "4", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert {
        "features",
        "trained_parameters",
        "frozen_parameters",
        "train_seconds",
        "validation_force_mae_mev_per_angstrom",
    } <= answer.keys()
    return folder


def test_drivers_lists_the_emulator(run: Run) -> None:
    entries = ok(run("drivers", "--json"))["drivers"]
    (emulator,) = [entry for entry in entries if entry["scheme"] == "emulator"]
    assert emulator["class"] == "rgnn_hal_drivers.emulator:EmulatorDriver"
    assert emulator["distribution"] == "rgnn-hal"


def test_info_prints_the_spec(run: Run) -> None:
    spec = ok(run("info", "emulator://?seed=7", "--json"))
    assert (spec["rows"], spec["cols"]) == (512, 512)
    assert spec["conductance"]["low"] < spec["conductance"]["high"]


def test_form_reports_what_it_formed(run: Run) -> None:
    answer = ok(run("form", "emulator://?seed=7", "--region", "0:64,0:64", "--json"))
    assert answer["cells"] == 64 * 64
    assert answer["formed_fraction"] > 0.99
    assert 5e-6 < answer["mean_s"] < 3e-5
    assert 0 < answer["std_s"] < answer["mean_s"]


def test_program_meets_its_targets_and_writes_a_report(run: Run, tmp_path: Path) -> None:
    targets = tmp_path / "targets.npy"
    np.save(targets, np.random.default_rng(0).uniform(2e-6, 30e-6, (48, 32)))
    answer = ok(run("program", "emulator://?seed=7", targets, "--report", tmp_path / "r", "--json"))
    assert answer["cells"] == 48 * 32
    assert answer["success_fraction"] > 0.97
    assert {"mean_pulses", "rms_error_s", "seconds"} <= answer.keys()
    assert all(Path(name).stat().st_size > 0 for name in answer["report"])


def test_evaluate_and_predict_use_the_trained_chip(run: Run, trained: Path, tmp_path: Path) -> None:
    answer = ok(run("evaluate", trained, TEST, "--json"))
    assert answer["frames"] == 22
    assert answer["atoms"] == 22 * 32
    assert answer["macro"] == "emulator://?seed=1"
    assert {
        "energy_mae_mev_per_atom",
        "force_mae_mev_per_angstrom",
        "force_rmse_mev_per_angstrom",
        "force_r2",
        "seconds",
    } <= answer.keys()
    again = ok(run("evaluate", trained, TEST, "--json"))
    assert again["force_mae_mev_per_angstrom"] == answer["force_mae_mev_per_angstrom"]
    twin = ok(run("evaluate", trained, TEST, "--twin", "--json"))
    assert twin["macro"] == "twin"
    out = tmp_path / "p.extxyz"
    assert ok(run("predict", trained, TEST, "--out", out, "--twin", "--json"))["frames"] == 22
    assert out.read_text().count("Lattice") == 22


def test_md_reports_drift_and_speed(run: Run, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "t.extxyz"
    answer = ok(
        run("md", trained, TEST, "--temperature", 300, "--steps", 5, "--out", out, "--stride", 1,
            "--twin", "--json")
    )  # fmt: skip
    assert {"energy_drift_mev_per_atom_ps", "steps_per_second"} <= answer.keys()
    assert out.read_text().count("Lattice") == answer["frames"] == 6
    mistake(
        run("md", trained, TEST, "--temperature", 300, "--steps", 5, "--out", out,
            "--ensemble", "npt"), "npt"
    )  # fmt: skip


def test_results_are_readable_without_json(run: Run) -> None:
    code, out, _ = run("form", "emulator://?seed=7", "--region", "0:8,0:8")
    assert code == 0
    assert "formed fraction" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["info", "nonsense"], ["no scheme"]),
        (["info", "warp://drive"], ["warp", "emulator"]),
        (["info", "emulator://?sead=7"], ["sead", "seed"]),
        (["info", "emulator://?seed=minus"], ["seed"]),
        (["form", "emulator://", "--region", "0:9999,0:4"], ["beyond"]),
        (["form", "emulator://", "--region", "4:4,0:4"], ["empty"]),
        (["form", "emulator://", "--fraction", "1.5"], ["fraction"]),
        (["program", "emulator://", "missing.npy"], ["missing.npy"]),
        (["train", "forces", "missing.extxyz", "--out", "m"], ["missing.extxyz"]),
        (["evaluate", "missing-model", str(TEST)], ["missing-model"]),
    ],
)
def test_a_mistake_is_explained_without_a_traceback(
    run: Run,
    arguments: list[str],
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    mistake(run(*arguments), *words)
    code, out, _ = run(*arguments, "--json")
    assert code == 2
    assert json.loads(out)["error"]
    assert not (tmp_path / "m").exists()


def test_targets_outside_the_window_are_refused_with_examples(run: Run, tmp_path: Path) -> None:
    targets = tmp_path / "targets.npy"
    image = np.full((4, 4), 1e-5)
    image[1, 2] = np.nan
    image[3, 3] = 1.0
    np.save(targets, image)
    mistake(run("program", "emulator://", targets), "2 of 16", "(1, 2)", "(3, 3)")


def test_pickled_targets_are_refused(run: Run, tmp_path: Path) -> None:
    targets = tmp_path / "targets.npy"
    np.save(targets, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    mistake(run("program", "emulator://", targets), "numbers")


def test_a_model_does_not_replace_a_folder_of_something_else(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years")
    mistake(run("train", "forces", TRAIN, "--out", tmp_path / "thesis"), "another --out")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years"


def test_unknown_options_of_the_recipe_are_refused_before_work(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "m"
    mistake(run("train", "forces", TRAIN, "--out", out, "--cutoff", "-3"), "--cutoff")
    mistake(run("train", "forces", TRAIN, "--out", out, "--channels", "5000"), "--channels")
    mistake(run("train", "forces", TRAIN, "--out", out, "--workers", "0"), "workers")
    assert not out.exists()


def test_a_model_of_another_chip_is_refused(run: Run, trained: Path) -> None:
    mistake(run("evaluate", trained, TEST, "--macro", "emulator://?seed=2"), "chip")


def test_twin_and_macro_exclude_each_other(run: Run, trained: Path) -> None:
    mistake(run("evaluate", trained, TEST, "--twin", "--macro", "emulator://"), "--twin")


def test_help_answers_quickly_and_loads_no_science() -> None:
    script = (
        "import sys; sys.argv = ['rgnn-hal', '--help']\n"
        "from rgnn_hal.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'ase', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


@pytest.mark.usefixtures("terminal_signals")
def test_ctrl_c_during_training_leaves_no_model_and_no_traceback(tmp_path: Path) -> None:
    out = tmp_path / "m"
    command = [
        sys.executable, "-c", "from rgnn_hal.cli import main; main()",
        "train", "forces", str(TRAIN), "--out", str(out), "--macro", "emulator://?seed=1",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    time.sleep(4.0)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, chip = tmp_path / "notes", tmp_path / "chip.h5"
    file.write_text("mine")
    arguments = ["form", f"emulator://?state={chip}&preset=milo", "--report"]
    mistake(run(*arguments, file), "notes is a file", "folder")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    mistake(run(*arguments, tmp_path / "report"), "rgnn-hal[plot]")
    assert not chip.exists()
    mistake(run("demo", "--out", tmp_path / "demo"), "rgnn-hal[plot]")
