"""Training finds the types of a molecule's atoms, learns more with them, and keeps them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.io import write
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal import open_macro
from rgnn_hal.macro import ConfigurationError
from rgnn_hal.structures import AtomTypes, read_frames
from rgnn_hal.tasks.forces import (
    ForcesModel,
    ForcesRecipe,
    committee,
    evaluate_forces,
    load_model,
    save_model,
    scan,
    train_forces,
    training,
)
from rgnn_hal.tasks.forces.collection import Job
from rgnn_hal.tasks.forces.dataset import thinned
from rgnn_hal.tasks.forces.workers import InProcess

EXACT = "emulator://?seed=3&exact=true"
SMALL = ForcesRecipe(channels=4, cutoff=4.0, lmax=2, radial=6)


@pytest.fixture(scope="module")
def ethanol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rattled molecules labelled by effective-medium theory."""
    path = tmp_path_factory.mktemp("data") / "ethanol.extxyz"
    frames = []
    for seed in range(40):
        atoms = molecule("CH3CH2OH")
        atoms.rattle(0.04, seed=seed)
        atoms.calc = EMT()
        atoms.get_forces()
        frames.append(atoms)
    write(path, frames, format="extxyz")
    return path


def trained(path: Path, recipe: ForcesRecipe) -> ForcesModel:
    with open_macro(EXACT) as macro:
        return train_forces(path, macro, recipe).model


@pytest.fixture(scope="module")
def typed(ethanol: Path) -> ForcesModel:
    return trained(ethanol, SMALL)


def test_types_take_errors_off_at_equal_width(ethanol: Path, typed: ForcesModel) -> None:
    plain = trained(ethanol, SMALL.model_copy(update={"typed": False}))
    assert plain.atom_types == AtomTypes.of_elements((1, 6, 8))
    assert typed.atom_types is not None
    assert len(typed.atom_types) == 5
    errors = [evaluate_forces(one.on_twin(), ethanol).force_mae for one in (typed, plain)]
    assert errors[0] < 0.85 * errors[1]


def test_a_stored_model_knows_its_types(ethanol: Path, typed: ForcesModel, tmp_path: Path) -> None:
    save_model(typed, tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.atom_types == typed.atom_types
    frame = next(read_frames(ethanol))
    one, other = (model.on_twin().predict(frame.atoms) for model in (typed, again))
    assert one.energy == other.energy
    broken = frame.atoms.copy()
    broken.set_distance(2, 3, 1.45, fix=0)  # the hydroxyl's bond
    assert np.isfinite(typed.on_twin().predict(broken).forces.numpy()).all()


def test_a_model_that_lost_its_types_says_that_its_weights_do_not_fit(typed: ForcesModel) -> None:
    with pytest.raises(ConfigurationError, match="types of atoms"):
        replace(typed, atom_types=None).on_twin()


@pytest.mark.parametrize(("rows", "channels", "expected"), [(512, None, 12), (512, 300, 6)])
def test_types_are_as_many_as_fit_the_macro(rows: int, channels: int | None, expected: int) -> None:
    recipe = ForcesRecipe(channels=channels)
    assert recipe.most_types((rows, 512)) == expected
    bands = -(-recipe.width(4, (rows, 512), types=expected) // 256)
    assert bands * expected * recipe.radial * (recipe.lmax + 1) <= rows


@given(frames=st.integers(2, 200), fraction=st.floats(0.01, 1.0), seed=st.integers(0, 9))
def test_thinning_leaves_some_of_both_kinds(frames: int, fraction: float, seed: int) -> None:
    validates = np.arange(frames) % 5 == 0
    chosen = thinned(validates, fraction, seed)
    assert np.array_equal(chosen, thinned(validates, fraction, seed))
    for kind in (validates, ~validates):
        wanted = fraction * kind.sum()
        assert wanted <= (chosen & kind).sum() < wanted + 1


def test_where_members_are_refined_their_gram_matrices_take_some_of_the_frames(
    ethanol: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []
    collect = InProcess.collect

    def listen(worker: InProcess, job: Job, *arguments: Any) -> object:
        jobs.append(job)
        return collect(worker, job)

    monkeypatch.setattr(InProcess, "collect", listen)
    monkeypatch.setattr(committee, "_MOST_COLUMNS", 100)
    monkeypatch.setattr(training, "_ROWS_PER_COLUMN", 4.0)
    trained(ethanol, SMALL)
    data = scan(ethanol, SMALL.cutoff)
    rows = data.frames + 3 * data.atoms
    assert len(jobs) > 1
    for job in jobs:
        assert job.counts is not None
        share = job.counts.sum() / data.frames
        assert 4.0 * job.regression.reservoir.columns / rows <= share < 1.0
        found = collect(InProcess(), job)
        assert found.training.rows == (job.counts & ~job.validates).sum() * 28
