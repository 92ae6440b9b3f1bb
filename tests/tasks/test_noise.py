"""The noise of a macro as the penalty of the readout, measured once for any number of reads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

from rgnn_hal import open_macro
from rgnn_hal.macro import DataError
from rgnn_hal.readout import DEFAULT_PATH, StatisticsBuilder, fit_ridge
from rgnn_hal.reservoir import Reservoir
from rgnn_hal.structures import read_frames
from rgnn_hal.tasks.forces import (
    ForcesRecipe,
    evaluate_forces,
    load_model,
    load_statistics,
    save_model,
    train_forces,
)
from rgnn_hal.tasks.forces.kept import MemberStatistics
from rgnn_hal.tasks.forces.regression import Regression
from rgnn_hal.tasks.forces.training import TrainingResult

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
RECIPE = ForcesRecipe(channels=24, cutoff=4.0, lmax=2, radial=6, reads=1)
URI = "emulator://?seed=4"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", ":24"), format="extxyz")
    return path


@pytest.fixture(scope="module")
def held_out(data: Path) -> Path:
    path = data.with_name("held-out.extxyz")
    write(path, read(EXAMPLES / "li3po4_train.extxyz", "24:48"), format="extxyz")
    return path


@pytest.fixture(scope="module")
def trained(data: Path) -> TrainingResult:
    with open_macro(URI) as macro:
        return train_forces(data, macro, RECIPE, macro_uri=URI, keep=True)


def test_the_penalty_beats_rows_measured_at_the_same_reads(
    trained: TrainingResult, data: Path, held_out: Path
) -> None:
    """The reference: rows that went through the macro at one read, and no penalty."""
    model = trained.model
    with open_macro(URI) as macro:
        matrices = model.weights.thaw(macro, reads=1)
        on_chip = Reservoir(model.elements, model.recipe.radial_basis, matrices, model.centre)
        twin = replace(on_chip, mixings=model.weights.digital())
        regression = Regression(twin, model.baseline, model.recipe.energy_weight)
        builders = [StatisticsBuilder(twin.columns) for _ in range(2)]
        for number, frame in enumerate(read_frames(data)):
            blocks = zip(
                regression.rows([regression.example(frame)]),
                regression.noise(frame.atoms, on_chip),
                strict=True,
            )
            for (rows, targets), noise in blocks:
                builders[number % 10 == 0].add(rows + noise, targets)
        training, validation = (builder.finish() for builder in builders)
        measured = fit_ridge(training, validation, DEFAULT_PATH)
        errors = [
            evaluate_forces(replace(model, readout=readout).on_macro(macro), held_out).force_mae
            for readout in (measured.readout, model.readout)
        ]
    assert errors[1] < 0.97 * errors[0]


def test_a_readout_for_the_reads_in_use_beats_one_that_knows_no_noise(
    trained: TrainingResult, held_out: Path
) -> None:
    assert trained.statistics is not None
    one, exact = (trained.statistics.fit(reads).readout for reads in (1, None))
    np.testing.assert_array_equal(one, trained.model.readout)
    with open_macro(URI) as macro:
        errors = [
            evaluate_forces(replace(trained.model, readout=r).on_macro(macro), held_out).force_mae
            for r in (one, exact)
        ]
    assert errors[0] < errors[1]


def test_a_fit_leaves_the_statistics_as_they_were(trained: TrainingResult) -> None:
    assert trained.statistics is not None
    member = MemberStatistics.unpack(trained.statistics.members[0])
    before = member.training.gram.copy()
    once = member.fit(0.0)
    member.fit(1.0)
    np.testing.assert_allclose(member.training.gram, before, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(member.fit(0.0).readout, once.readout, rtol=1e-4)


def test_kept_statistics_come_back_with_the_model(trained: TrainingResult, tmp_path: Path) -> None:
    save_model(trained.model, tmp_path / "kept", trained.statistics)
    save_model(trained.model, tmp_path / "bare")
    loaded = load_model(tmp_path / "kept")
    statistics = load_statistics(tmp_path / "kept", loaded.recipe.reads)
    assert statistics is not None
    assert trained.statistics is not None
    np.testing.assert_allclose(
        statistics.fit(16).readout, trained.statistics.fit(16).readout, rtol=1e-6, atol=1e-9
    )
    for mine, its in zip(statistics.sample, trained.statistics.sample, strict=True):
        assert mine == its
    assert load_statistics(tmp_path / "bare", 1) is None
    file = tmp_path / "kept" / "statistics.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DataError, match="train it again"):
        load_statistics(tmp_path / "kept", 1)
