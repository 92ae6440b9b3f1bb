"""Hamiltonians from the command line: keys, dispatch on the model's task, refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from rgnn_hal.macro import open_macro
from rgnn_hal.tasks.hamiltonian import HamiltonianRecipe, save_model, train_hamiltonian

Run = Callable[..., tuple[int, str, str]]
CutFrames = Callable[[Path, Path, slice], Path]

DATA = Path(__file__).parents[2] / "examples" / "data" / "water_def2svp.h5"
CHIP = "emulator://?seed=1&exact=true"
SMALL = ("--channels", "4", "--lmax", "1", "--cutoff", "4", "--reads", "2", "--seed", "3")


@pytest.fixture(scope="module")
def few(cut_frames: CutFrames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_frames(DATA, tmp_path_factory.mktemp("data") / "few.h5", slice(None, None, 6))


@pytest.fixture(scope="module")
def trained(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "m"
    with open_macro(CHIP) as macro:
        result = train_hamiltonian(
            few, macro, HamiltonianRecipe(channels=4, lmax=1), macro_uri=CHIP
        )
    save_model(result.model, folder)
    return folder


def answer(result: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = result
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_train_reports_what_it_trained(run: Run, few: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    found = answer(
        run("train", "hamiltonian", few, "--out", out, "--macro", CHIP, *SMALL, "--json")
    )
    assert {
        "features",
        "trained_parameters",
        "frozen_parameters",
        "train_seconds",
        "validation_hamiltonian_mae_microhartree",
    } <= found.keys()
    assert found["reads"] == 2
    assert json.loads((out / "model.json").read_text())["format"] == "rgnn_hal hamiltonian"


def test_evaluate_and_predict_follow_the_models_task(
    run: Run, few: Path, trained: Path, tmp_path: Path
) -> None:
    found = answer(run("evaluate", trained, few, "--json"))
    assert {
        "frames",
        "atoms",
        "edges",
        "hamiltonian_mae_microhartree",
        "eigenvalue_mae_mev",
        "occupied_energy_mae_mev",
        "macro",
        "seconds",
    } <= found.keys()
    assert found["macro"] == CHIP
    assert (found["frames"], found["atoms"], found["edges"]) == (13, 39, 78)
    out = tmp_path / "p.h5"
    twin = answer(run("predict", trained, few, "--out", out, "--twin", "--json"))
    assert twin["frames"] == 13
    with h5py.File(out) as file:
        assert file["H"].shape == file["S"].shape == (13, 24, 24)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["train", "hamiltonian", "missing.h5", "--out", "m"], "missing.h5"),
        (["train", "hamiltonian", str(DATA), "--out", "m", "--lmax", "-1"], "--lmax"),
        (["train", "hamiltonian", str(DATA), "--out", "m", "--workers", "0"], "workers"),
        (["train", "hamiltonian", __file__, "--out", "m"], "no HDF5"),
    ],
)
def test_a_mistake_is_explained_and_leaves_no_model(
    run: Run, arguments: list[str], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments)
    assert code == 2
    assert word in err
    assert "Traceback" not in err
    assert not (tmp_path / "m").exists()


def test_a_model_of_no_known_task_is_refused(run: Run, trained: Path, few: Path) -> None:
    description = trained / "model.json"
    kept = description.read_text()
    try:
        description.write_text(kept.replace("rgnn_hal hamiltonian", "rgnn_hal weather"))
        code, _, err = run("evaluate", trained, few)
    finally:
        description.write_text(kept)
    assert code == 2
    assert "weather" in err
