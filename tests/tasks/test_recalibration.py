"""A chip drifts, and the models on it follow."""

import json
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

from rgnn_hal import open_macro
from rgnn_hal.analog import DigitalTwin
from rgnn_hal.macro import ConfigurationError
from rgnn_hal.programming import form
from rgnn_hal.tasks.forces import (
    ForcesModel,
    ForcesRecipe,
    evaluate_forces,
    load_model,
    load_statistics,
    save_model,
    train_forces,
)
from rgnn_hal.tasks.forces.recalibration import STALE, recalibrate
from rgnn_hal.tasks.forces.training import TrainingResult
from tests.cli.conftest import Run
from tests.cli.conftest import run as run

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
RECIPE = ForcesRecipe(channels=8, cutoff=3.5, lmax=2, radial=6, reads=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drift")


@pytest.fixture(scope="module")
def data(folder: Path) -> Path:
    path = folder / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", ":30"), format="extxyz")
    return path


@pytest.fixture(scope="module")
def trained(folder: Path, data: Path) -> TrainingResult:
    """On a chip that outlives its session, at 300 K."""
    uri = f"emulator://?seed=5&state={folder / 'chip.h5'}"
    with open_macro(uri) as macro:
        return train_forces(data, macro, RECIPE, macro_uri=uri, keep=True)


@pytest.fixture(scope="module")
def model(trained: TrainingResult) -> ForcesModel:
    return trained.model


def at(folder: Path, temperature: int) -> str:
    return f"emulator://?state={folder / 'chip.h5'}&temperature={temperature}"


def test_a_chip_that_stayed_as_it_was_needs_nothing(model: ForcesModel, folder: Path) -> None:
    with open_macro(at(folder, 300)) as macro:
        found = recalibrate(model, macro)
    assert (found.refit, found.refit_needed) == ("none", False)
    assert found.drift.before < STALE
    np.testing.assert_allclose(found.drift.gains, 1.0, atol=2e-3)


def test_gains_are_followed_for_nothing_and_the_rest_is_named(
    model: ForcesModel, folder: Path, data: Path
) -> None:
    with open_macro(at(folder, 340)) as macro:
        found = recalibrate(model, macro)
        before, after = (
            evaluate_forces(one.on_macro(macro), data).force_mae for one in (model, found.model)
        )
    assert found.refit_needed
    assert found.drift.after < found.drift.before
    assert after < before
    for mine, was, gain in zip(
        found.model.weights.units, model.weights.units, found.drift.gains, strict=True
    ):
        assert mine == pytest.approx(gain * was)
    assert all(gain > 1.0 for gain in found.drift.gains)


def test_data_bring_the_error_back(model: ForcesModel, folder: Path, data: Path) -> None:
    with open_macro(at(folder, 300)) as macro:
        fresh = evaluate_forces(model.on_macro(macro), data).force_mae
    with open_macro(at(folder, 340)) as macro:
        gained = recalibrate(model, macro).model
        found = recalibrate(model, macro, data=data)
        errors = [
            evaluate_forces(one.on_macro(macro), data).force_mae for one in (gained, found.model)
        ]
    assert (found.refit, found.refit_needed) == ("data", False)
    assert errors[1] < 1.15 * fresh
    assert errors[1] < errors[0]


def test_kept_statistics_take_the_rest_for_noise(
    trained: TrainingResult, folder: Path, data: Path
) -> None:
    with open_macro(at(folder, 350)) as macro:
        gained, found = (
            recalibrate(trained.model, macro, statistics=kept)
            for kept in (None, trained.statistics)
        )
        errors = [
            evaluate_forces(one.model.on_macro(macro), data).force_mae for one in (gained, found)
        ]
        again = recalibrate(found.model, macro, statistics=found.statistics)
    assert (found.refit, found.refit_needed) == ("statistics", True)
    assert errors[1] < errors[0]
    np.testing.assert_allclose(again.drift.gains, 1.0, atol=2e-3)
    assert trained.statistics is not None
    assert len(trained.statistics.sample) == 576 // 32  # as many atoms as the noise is measured on


def test_a_uniform_change_of_all_conductances_is_a_gain_exactly(model: ForcesModel) -> None:
    """Against weights of which the drift is known, without any chip."""
    weights = model.weights
    found = [
        DigitalTwin(factor * unit * twin.weights, twin.uncertainty)
        for factor, unit, twin in zip((0.9, 1.1, 1.2), weights.units, weights.twins, strict=True)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(weights), "_found", lambda *_: found)
        drift = weights.drift(None)  # type: ignore[arg-type]
    np.testing.assert_allclose(drift.gains, (0.9, 1.1, 1.2))
    assert drift.before == pytest.approx(0.2, rel=0.01)
    assert drift.after < 1e-12


def test_a_chip_with_other_weights_has_not_drifted(model: ForcesModel, folder: Path) -> None:
    other = folder / "other.h5"
    with open_macro(f"emulator://?seed=5&state={other}") as macro:
        form(macro, model.weights.region, fraction=0.5, seed=99)
        with pytest.raises(ConfigurationError, match="more than drift"):
            recalibrate(model, macro)
    with (
        open_macro("emulator://?seed=4") as macro,
        pytest.raises(ConfigurationError, match="formed in chip"),
    ):
        recalibrate(model, macro)


def test_the_command_rewrites_the_model_and_says_what_to_do(
    run: Run, trained: TrainingResult, folder: Path, data: Path, tmp_path: Path
) -> None:
    save_model(trained.model, tmp_path / "m", trained.statistics)
    before = load_model(tmp_path / "m")
    code, out, err = run("recalibrate", tmp_path / "m", "--macro", at(folder, 340), "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["refit"], found["refit_needed"]) == ("statistics", True)
    assert found["deviation_after_gains"] < found["deviation_before"]
    assert "--data TRAINING_DATA" in err
    after = load_model(tmp_path / "m")
    assert after.weights.units == pytest.approx(
        [gain * unit for gain, unit in zip(found["gains"], before.weights.units, strict=True)]
    )
    assert load_statistics(tmp_path / "m", 16) is not None
    code, out, err = run(
        *("recalibrate", tmp_path / "m", "--macro", at(folder, 340), "--data", data),
        *("--out", tmp_path / "new", "--json"),
    )
    assert code == 0, err
    assert json.loads(out)["refit"] == "data"
    assert load_model(tmp_path / "new").recipe == RECIPE
    assert load_statistics(tmp_path / "new", 16) is not None
