"""Training, predicting and storing forces models, on a small chip-held reservoir."""

from pathlib import Path

import ase
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.io import read, write
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rgnn_hal import open_macro
from rgnn_hal.macro import ConfigurationError, DataError
from rgnn_hal.tasks.forces import (
    ForcesModel,
    ForcesRecipe,
    evaluate_forces,
    load_model,
    save_model,
    scan,
    train_forces,
)
from rgnn_hal.tasks.forces.dataset import validation_split

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
SMALL = ForcesRecipe(channels=8, cutoff=4.0, lmax=2, radial=6, reads=4)
EXACT = "emulator://?seed=3&exact=true"


def frame(path: Path, index: int) -> ase.Atoms:
    atoms = read(path, index)
    assert isinstance(atoms, ase.Atoms)
    return atoms


@pytest.fixture(scope="module")
def alloy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rattled copper-gold crystals labelled by effective-medium theory."""
    path = tmp_path_factory.mktemp("data") / "alloy.extxyz"
    rng = np.random.default_rng(5)
    frames = []
    for index in range(24):
        atoms = bulk("Cu", cubic=True, a=3.8) * (2, 1, 1)
        atoms.numbers[rng.permutation(8)[: 2 + index % 4]] = 79
        atoms.set_cell(atoms.cell.array * rng.uniform(0.97, 1.03), scale_atoms=True)
        atoms.positions += rng.normal(scale=0.12, size=(8, 3))
        atoms.calc = EMT()
        atoms.get_forces()
        frames.append(atoms)
    write(path, frames, format="extxyz")
    return path


@pytest.fixture(scope="module")
def model(alloy: Path) -> ForcesModel:
    with open_macro(EXACT) as macro:
        return train_forces(alloy, macro, SMALL, macro_uri=EXACT).model


def test_a_small_reservoir_learns_most_of_the_force(alloy: Path, model: ForcesModel) -> None:
    result = evaluate_forces(model.on_twin(), alloy)
    assert result.frames == 24
    assert result.atoms == 24 * 8
    assert result.force_r2 > 0.97


def test_evaluation_agrees_with_errors_computed_by_hand(alloy: Path, model: ForcesModel) -> None:
    predictor = model.on_twin()
    frames = [frame(alloy, index) for index in range(24)]
    predicted = [predictor.predict(atoms) for atoms in frames]
    reference = np.concatenate([atoms.get_forces().ravel() for atoms in frames])
    forces = np.concatenate([result.forces.numpy().ravel() for result in predicted])
    energy = [
        abs(result.energy - atoms.get_potential_energy()) / len(atoms)
        for result, atoms in zip(predicted, frames, strict=True)
    ]
    result = evaluate_forces(predictor, alloy)
    assert result.force_mae == pytest.approx(np.abs(forces - reference).mean(), rel=1e-12)
    assert result.force_rmse == pytest.approx(np.sqrt(((forces - reference) ** 2).mean()))
    assert result.force_r2 == pytest.approx(
        1 - ((forces - reference) ** 2).sum() / ((reference - reference.mean()) ** 2).sum()
    )
    assert result.energy_mae == pytest.approx(np.mean(energy))


def test_the_exact_chip_and_its_twin_predict_alike(alloy: Path, model: ForcesModel) -> None:
    with open_macro(EXACT) as macro:
        on_chip = evaluate_forces(model.on_macro(macro), alloy)
    on_twin = evaluate_forces(model.on_twin(), alloy)
    assert np.allclose(on_chip.predicted, on_twin.predicted, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_twin_respects_rotation_translation_permutation_and_wrapping(
    model: ForcesModel, alloy: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    atoms = frame(alloy, 0)
    rotation = Rotation.random(random_state=seed).as_matrix()
    order = rng.permutation(len(atoms))
    moved = atoms[order]
    moved.positions = moved.positions + rng.normal(size=3)
    moved.positions += rng.integers(-2, 3, (len(atoms), 3)) @ moved.cell.array
    moved.positions = moved.positions @ rotation.T
    moved.set_cell(moved.cell.array @ rotation.T, scale_atoms=False)
    predictor = model.on_twin()
    before, after = predictor.predict(atoms), predictor.predict(moved)
    assert after.energy == pytest.approx(before.energy, rel=1e-9)
    assert np.abs(after.forces.numpy() - before.forces.numpy()[order] @ rotation.T).max() < 1e-8


def test_forces_are_finite_differences_of_the_energy(model: ForcesModel, alloy: Path) -> None:
    predictor = model.on_twin()
    atoms = frame(alloy, 1)
    forces = predictor.predict(atoms).forces.numpy()
    step = 1e-4
    for atom, axis in ((0, 0), (3, 1), (7, 2)):
        energies = []
        for sign in (2, 1, -1, -2):
            moved = atoms.copy()
            moved.positions[atom, axis] += sign * step
            energies.append(predictor.predict(moved).energy)
        slope = (-energies[0] + 8 * energies[1] - 8 * energies[2] + energies[3]) / (12 * step)
        assert -slope == pytest.approx(forces[atom, axis], rel=1e-6, abs=1e-7)


def test_noisy_evaluation_repeats_and_does_not_depend_on_how_frames_are_grouped(
    alloy: Path, tmp_path: Path
) -> None:
    uri = "emulator://?seed=4"
    with open_macro(uri) as macro:
        model = train_forces(alloy, macro, SMALL, macro_uri=uri).model
    runs = []
    for _ in range(2):
        with open_macro(uri) as macro:
            runs.append(evaluate_forces(model.on_macro(macro), alloy))
    assert np.array_equal(runs[0].predicted, runs[1].predicted)
    halves = []
    write(tmp_path / "first.extxyz", read(alloy, ":12"), format="extxyz")
    write(tmp_path / "second.extxyz", read(alloy, "12:"), format="extxyz")
    with open_macro(uri) as macro:
        predictor = model.on_macro(macro)
        halves = [
            evaluate_forces(predictor, tmp_path / name)
            for name in ("first.extxyz", "second.extxyz")
        ]
    together = np.concatenate([half.predicted for half in halves])
    # Writing the halves rounds positions to 1e-8 angstrom; another noise draw would differ by 1e-2.
    assert np.allclose(together, runs[0].predicted, atol=1e-4)


def test_more_reads_bring_the_noisy_chip_closer_to_its_twin(alloy: Path) -> None:
    uri = "emulator://?seed=4"
    with open_macro(uri) as macro:
        model = train_forces(alloy, macro, SMALL, macro_uri=uri).model
        twin = evaluate_forces(model.on_twin(), alloy).predicted
        one, many = (
            float(np.std(evaluate_forces(model.on_macro(macro, reads=n), alloy).predicted - twin))
            for n in (1, 16)
        )
    # Not 4: cells with slow random telegraph noise do not average out.
    assert one > 1.3 * many > 0


def test_a_stored_model_predicts_the_same(alloy: Path, model: ForcesModel, tmp_path: Path) -> None:
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.recipe == model.recipe
    assert loaded.weights.placements == model.weights.placements
    atoms = frame(alloy, 2)
    before, after = model.on_twin().predict(atoms), loaded.on_twin().predict(atoms)
    assert np.array_equal(before.forces.numpy(), after.forces.numpy())


def test_saving_replaces_a_model_but_nothing_else(model: ForcesModel, tmp_path: Path) -> None:
    save_model(model, tmp_path / "m")
    save_model(model, tmp_path / "m")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years")
    with pytest.raises(ConfigurationError, match="no model"):
        save_model(model, tmp_path / "precious")
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "years"


@pytest.mark.parametrize("name", ["model.json", "arrays.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "garbage"])
def test_a_damaged_artefact_is_a_data_error(
    model: ForcesModel, tmp_path: Path, name: str, damage: str
) -> None:
    save_model(model, tmp_path / "m")
    victim = tmp_path / "m" / name
    content = victim.read_bytes()
    if damage == "missing":
        victim.unlink()
    else:
        victim.write_bytes(
            {"empty": b"", "truncated": content[: len(content) // 2]}.get(damage, b"\x00\xff{" * 50)
        )
    with pytest.raises(DataError):
        load_model(tmp_path / "m")


def test_an_ephemeral_chip_of_another_seed_is_refused(model: ForcesModel) -> None:
    with (
        open_macro("emulator://?seed=99&exact=true") as macro,
        pytest.raises(ConfigurationError, match="formed in chip"),
    ):
        model.on_macro(macro)


def test_a_persistent_chip_must_hold_the_weights(alloy: Path, tmp_path: Path) -> None:
    state = tmp_path / "chip.h5"
    uri = f"emulator://?seed=3&state={state}"
    with open_macro(uri) as macro:
        model = train_forces(alloy, macro, SMALL, macro_uri=uri).model
    with open_macro(uri) as macro:
        assert evaluate_forces(model.on_macro(macro), alloy).force_r2 > 0.9
    fresh = f"emulator://?seed=3&state={tmp_path / 'other.h5'}"
    with (
        open_macro(fresh) as macro,
        pytest.raises(ConfigurationError, match="rgnn-hal form URI --region"),
    ):
        model.on_macro(macro)


def test_one_frame_is_too_few() -> None:
    with pytest.raises(DataError, match="at least two frames"):
        validation_split(1, 0.1, 0)


@given(frames=st.integers(2, 500), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 2**32 - 1))
def test_both_sides_of_a_split_hold_frames(frames: int, fraction: float, seed: int) -> None:
    chosen = validation_split(frames, fraction, seed)
    assert 1 <= chosen.sum() <= frames - 1
    assert np.array_equal(chosen, validation_split(frames, fraction, seed))


def _labelled(atoms: ase.Atoms) -> ase.Atoms:
    atoms.calc = EMT()
    atoms.get_forces()
    return atoms


def test_a_structure_with_an_isolated_atom_leaves_the_macro_untouched(tmp_path: Path) -> None:
    lonely = _labelled(molecule("H2O"))
    lonely.positions[0] += 40.0
    path = tmp_path / "lonely.extxyz"
    write(path, [_labelled(molecule("H2O")), lonely], format="extxyz")
    with open_macro(EXACT) as macro:
        with pytest.raises(DataError, match="no neighbour"):
            train_forces(path, macro, SMALL)
        pristine = macro.read_conductance()
    # The median: a few cells of a new chip are shorts.
    assert np.median(pristine) < 0.5e-6


def test_unknown_elements_are_named(model: ForcesModel) -> None:
    with pytest.raises(DataError, match="Ag"):
        model.on_twin().predict(bulk("Ag", cubic=True))


def test_scanning_finds_elements_and_frames() -> None:
    summary = scan(EXAMPLES / "li3po4_train.extxyz", 4.0)
    assert summary.frames == 75
    assert summary.elements == (3, 8, 15)
    assert summary.atoms == 75 * 32
