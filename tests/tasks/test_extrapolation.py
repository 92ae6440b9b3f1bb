"""Atoms unlike those of the training are found, and named once."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import ase
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rgnn_hal import open_macro
from rgnn_hal.reservoir.leverage import EXTRAPOLATES, sketch, sketch_channels
from rgnn_hal.structures import build_graph
from rgnn_hal.tasks.forces import (
    ExtrapolationWarning,
    ForcesCalculator,
    ForcesModel,
    ForcesRecipe,
    load_model,
    predict_file,
    run_dynamics,
    save_model,
    train_forces,
)
from tests.cli.conftest import Run
from tests.cli.conftest import run as run

URI = "emulator://?seed=3&exact=true"


def frames(count: int, seed: int) -> list[ase.Atoms]:
    """Rattled copper-gold crystals labelled by effective-medium theory."""
    rng = np.random.default_rng(seed)
    made = []
    for index in range(count):
        atoms = bulk("Cu", cubic=True, a=3.8) * (2, 1, 1)
        atoms.numbers[rng.permutation(8)[: 2 + index % 4]] = 79
        atoms.positions += rng.normal(scale=0.12, size=(8, 3))
        atoms.calc = EMT()
        atoms.get_forces()
        made.append(atoms)
    return made


def frame(path: Path, index: int) -> ase.Atoms:
    atoms = read(path, index)
    assert isinstance(atoms, ase.Atoms)
    return atoms


def compressed(atoms: ase.Atoms, factor: float = 0.88) -> ase.Atoms:
    squeezed: ase.Atoms = atoms.copy()
    squeezed.set_cell(atoms.cell.array * factor, scale_atoms=True)
    return squeezed


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "alloy.extxyz"
    write(path, frames(100, seed=5), format="extxyz")
    return path


@pytest.fixture(scope="module")
def model(data: Path) -> ForcesModel:
    recipe = ForcesRecipe(channels=8, cutoff=4.0, lmax=2, radial=6, reads=4)
    with open_macro(URI) as macro:
        return train_forces(data, macro, recipe, macro_uri=URI).model


def grades(model: ForcesModel, atoms: ase.Atoms) -> np.ndarray:
    found = model.on_twin().grades(atoms)
    assert found is not None
    return found


def test_the_grade_is_the_leverage_over_the_largest_of_the_training(
    model: ForcesModel, data: Path
) -> None:
    """Against least squares itself: the diagonal of X (X^T X + penalty)^-1 X^T."""
    reservoir = model.on_twin().reservoir
    all_frames = read(data, ":")
    graphs = [build_graph(atoms, model.elements, model.recipe.cutoff) for atoms in all_frames]
    species = np.concatenate([graph.species.numpy() for graph in graphs])
    channels = sketch_channels(reservoir, int(np.bincount(species).min()))
    X = np.concatenate([sketch(reservoir, graph, channels) for graph in graphs])[species == 0]
    gram = X.T @ X
    hat = X @ np.linalg.solve(gram + 1e-4 * np.diag(gram.diagonal()), X.T)
    expected = hat.diagonal() / hat.diagonal().max()
    found = np.concatenate([grades(model, atoms) for atoms in all_frames])[species == 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_training_frames_are_within_and_compressed_ones_beyond(
    model: ForcesModel, data: Path
) -> None:
    for atoms in read(data, ":"):
        assert grades(model, atoms).max() <= 1.0 + 1e-9
        assert (grades(model, compressed(atoms)) > EXTRAPOLATES).any()


def test_most_unseen_frames_are_within(model: ForcesModel) -> None:
    unseen = [grades(model, atoms).max() for atoms in frames(50, seed=6)]
    assert np.mean(np.array(unseen) > EXTRAPOLATES) < 0.1


def test_one_atom_that_leaves_its_place_is_the_one_that_is_named(
    model: ForcesModel, data: Path
) -> None:
    atoms = frame(data, 0)
    direction = atoms.get_distance(3, 0, mic=True, vector=True)
    atoms.positions[3] += 0.4 * direction
    assert grades(model, atoms).argmax() in (0, 3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_grades_do_not_turn_with_the_structure(model: ForcesModel, data: Path, seed: int) -> None:
    atoms = frame(data, 1)
    rotation = Rotation.random(random_state=seed).as_matrix()
    turned = atoms.copy()
    turned.positions = atoms.positions @ rotation.T
    turned.set_cell(atoms.cell.array @ rotation.T)
    np.testing.assert_allclose(grades(model, turned), grades(model, atoms), rtol=1e-5)


def test_the_calculator_warns_once_and_keeps_what_it_found(model: ForcesModel, data: Path) -> None:
    atoms = frame(data, 0)
    calculator = ForcesCalculator(model.on_twin(), check_every=1)
    atoms.calc = calculator
    atoms.get_potential_energy()
    assert calculator.largest_grade is not None
    assert calculator.largest_grade <= 1.0 + 1e-9
    atoms.set_cell(atoms.cell.array * 0.88, scale_atoms=True)
    with pytest.warns(ExtrapolationWarning, match="unlike those of the training"):
        atoms.get_potential_energy()
    atoms.rattle(0.01, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.get_potential_energy()
    beyond = set(np.flatnonzero(calculator.results["extrapolation"] > EXTRAPOLATES))
    assert beyond
    assert beyond <= calculator.outsiders
    assert calculator.largest_grade > EXTRAPOLATES


def test_steps_between_checks_cost_nothing(model: ForcesModel, data: Path) -> None:
    atoms = frame(data, 0)
    atoms.calc = ForcesCalculator(model.on_twin(), check_every=3)
    checked = []
    for step in range(7):
        atoms.rattle(0.01, seed=step)
        atoms.get_potential_energy()
        checked.append("extrapolation" in atoms.calc.results)
    assert checked == [True, False, False, True, False, False, True]


def test_dynamics_say_whether_the_motion_left_the_training(
    model: ForcesModel, data: Path, tmp_path: Path
) -> None:
    start = compressed(frame(data, 0))
    with pytest.warns(ExtrapolationWarning):
        result = run_dynamics(
            model.on_twin(), start, tmp_path / "out.extxyz", temperature=10, steps=4, stride=2
        )
    assert result.outsiders
    assert result.largest_grade is not None
    assert result.largest_grade > EXTRAPOLATES


def test_predictions_carry_grades_and_models_keep_their_factors(
    model: ForcesModel, data: Path, tmp_path: Path
) -> None:
    save_model(model, tmp_path / "m")
    mixed = [frame(data, 0), compressed(frame(data, 1)), compressed(frame(data, 2))]
    write(tmp_path / "in.extxyz", mixed, format="extxyz")
    predictor = load_model(tmp_path / "m").on_twin()
    with pytest.warns(ExtrapolationWarning, match="frame 1 of") as caught:
        found = predict_file(predictor, tmp_path / "in.extxyz", tmp_path / "out.extxyz")
    assert len(caught) == 1
    assert (found.frames, found.extrapolating) == (3, 2)
    for atoms in read(tmp_path / "out.extxyz", ":"):
        np.testing.assert_allclose(
            atoms.arrays["extrapolation"], grades(model, atoms), rtol=1e-4, atol=1e-6
        )


def test_a_model_from_before_grades_predicts_without(model: ForcesModel, data: Path) -> None:
    old = replace(model, leverage=None).on_twin()
    atoms = compressed(frame(data, 0))
    assert old.grades(atoms) is None
    atoms.calc = ForcesCalculator(old)
    atoms.get_potential_energy()
    assert atoms.calc.largest_grade is None


def test_the_command_line_warns_in_one_sentence(
    run: Run, model: ForcesModel, data: Path, tmp_path: Path
) -> None:
    save_model(model, tmp_path / "m")
    write(tmp_path / "in.extxyz", compressed(frame(data, 1)), format="extxyz")
    code, out, err = run(
        *("predict", tmp_path / "m", tmp_path / "in.extxyz", "--twin"),
        *("--out", tmp_path / "out.extxyz", "--json"),
    )
    assert code == 0, err
    assert json.loads(out)["extrapolating_frames"] == 1
    assert err.count("rgnn-hal: warning: frame 0 of") == 1
