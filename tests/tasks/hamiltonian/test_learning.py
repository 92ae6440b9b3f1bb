"""Training, predicting and storing Hamiltonian models on small chip-held reservoirs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ase
import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rgnn_hal import open_macro
from rgnn_hal.macro import ConfigurationError, DataError, LimitError
from rgnn_hal.tasks.artefact import task_of
from rgnn_hal.tasks.hamiltonian import (
    HamiltonianFile,
    HamiltonianFrame,
    HamiltonianModel,
    HamiltonianRecipe,
    PairList,
    evaluate_hamiltonian,
    load_model,
    predict_file,
    save_model,
    train_hamiltonian,
)
from rgnn_hal.tasks.hamiltonian.batch import Structure, batches
from rgnn_hal.tasks.hamiltonian.dense import dense_of_blocks
from rgnn_hal.tasks.hamiltonian.scan import validation_stretches

CutFrames = Callable[[Path, Path, slice], Path]

EXAMPLES = Path(__file__).parents[3] / "examples" / "data"
WATER, GRAPHENE = EXAMPLES / "water_def2svp.h5", EXAMPLES / "graphene_4x4_s2p1.h5"
EXACT = "emulator://?seed=3&exact=true"
SMALL = HamiltonianRecipe(channels=6, lmax=2, radial=5, pair_radial=6)


def train(path: Path, **changes: object) -> HamiltonianModel:
    recipe = HamiltonianRecipe(**{**SMALL.model_dump(), **changes})
    with open_macro(EXACT) as macro:
        return train_hamiltonian(path, macro, recipe, macro_uri=EXACT).model


@pytest.fixture(scope="module")
def few(cut_frames: CutFrames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every third of the bundled frames of water."""
    return cut_frames(WATER, tmp_path_factory.mktemp("data") / "few.h5", slice(None, None, 3))


@pytest.fixture(scope="module")
def water(few: Path) -> HamiltonianModel:
    return train(few)


@pytest.fixture(scope="module")
def graphene() -> HamiltonianModel:
    return train(GRAPHENE, cutoff=3.0)


def first_atoms(path: Path) -> ase.Atoms:
    with HamiltonianFile(path) as file:
        return file.frame(0).atoms


def matrix(frame: HamiltonianFrame, model: HamiltonianModel) -> np.ndarray:
    numbers = np.asarray(frame.atoms.numbers, dtype=np.int64)
    return dense_of_blocks(frame.hamiltonian, model.basis, numbers, frame.pairs)


def turned(model: HamiltonianModel, numbers: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """What a rotation, proper or not, does to all stored orbitals of s and p and d."""
    degrees = [degree for z in numbers.tolist() for degree in model.basis.of(z)]
    parts = [_stored_rotation(degree, rotation, model) for degree in degrees]
    size = sum(len(part) for part in parts)
    whole, at = np.zeros((size, size)), 0
    for part in parts:
        whole[at : at + len(part), at : at + len(part)] = part
        at += len(part)
    return whole


def _stored_rotation(degree: int, rotation: np.ndarray, model: HamiltonianModel) -> np.ndarray:
    """From the Cartesian polynomials of the stored orbitals, independent of any harmonics."""
    assert model.basis.convention in ("pyscf", "openmx")
    if degree == 0:
        return np.ones((1, 1))
    if degree == 1:
        return rotation
    root = np.sqrt(3.0)
    xy, yz, xz = (np.zeros((3, 3)) for _ in range(3))
    xy[0, 1] = xy[1, 0] = yz[1, 2] = yz[2, 1] = xz[0, 2] = xz[2, 0] = root / 2
    forms = [xy, yz, np.diag([-0.5, -0.5, 1.0]), xz, np.diag([root / 2, -root / 2, 0.0])]
    # <f_a, R f_b R^T> with an inner product that makes the five forms orthonormal.
    return np.array([[np.sum(a * (rotation @ b @ rotation.T)) / 1.5 for b in forms] for a in forms])


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), mirror=st.booleans())
def test_a_molecules_matrix_turns_with_the_molecule_and_its_inversion(
    water: HamiltonianModel, seed: int, mirror: bool
) -> None:
    rng = np.random.default_rng(seed)
    atoms = first_atoms(WATER)
    atoms.positions += rng.normal(scale=0.1, size=(3, 3))
    rotation = Rotation.random(random_state=seed).as_matrix() * (-1 if mirror else 1)
    moved = atoms.copy()
    moved.positions = moved.positions @ rotation.T + rng.uniform(-9, 9, 3)
    predictor = water.on_twin()
    before, after = predictor.predict(atoms), predictor.predict(moved)
    D = turned(water, atoms.numbers, rotation)
    for find in (matrix, lambda f, m: matrix(replace(f, hamiltonian=f.overlap), m)):
        assert np.abs(find(after, water) - D @ find(before, water) @ D.T).max() < 1e-9


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_renaming_atoms_renames_rows_and_columns(water: HamiltonianModel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    atoms = first_atoms(WATER)
    atoms.positions += rng.normal(scale=0.1, size=(3, 3))
    order = rng.permutation(3)
    predictor = water.on_twin()
    before = matrix(predictor.predict(atoms), water)
    after = matrix(predictor.predict(atoms[order]), water)
    starts = water.basis.offsets(atoms.numbers)
    rows = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in order])
    assert np.abs(after - before[np.ix_(rows, rows)]).max() < 1e-10


def test_matrices_are_symmetric_to_the_last_bit(
    water: HamiltonianModel, graphene: HamiltonianModel
) -> None:
    for model, path in ((water, WATER), (graphene, GRAPHENE)):
        frame = model.on_twin().predict(first_atoms(path))
        found = matrix(frame, model)
        assert np.array_equal(found, found.T)
        own = frame.hamiltonian[frame.pairs.on_site]
        assert np.array_equal(own, own.transpose(0, 2, 1))


def test_a_block_between_two_carbons_is_the_same_from_either_end(
    graphene: HamiltonianModel,
) -> None:
    atoms = first_atoms(GRAPHENE)
    predictor = graphene.on_twin()
    here = predictor.predict(atoms)
    pairs = PairList(here.pairs.second, here.pairs.first, -here.pairs.shift)
    there = predictor.predict(atoms, pairs=pairs)
    assert np.abs(there.hamiltonian - here.hamiltonian.transpose(0, 2, 1)).max() < 1e-12


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_crystal_turned_wrapped_and_repeated_has_the_same_blocks(
    graphene: HamiltonianModel, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    atoms = first_atoms(GRAPHENE)
    predictor = graphene.on_twin()
    before = predictor.predict(atoms)
    blocks = by_pair(before)

    rotation = Rotation.random(random_state=seed).as_matrix()
    moved = atoms.copy()
    wraps = rng.integers(-2, 3, (len(atoms), 3)) * np.array([1, 1, 0])
    moved.positions = (moved.positions + wraps @ moved.cell.array) @ rotation.T
    moved.set_cell(moved.cell.array @ rotation.T, scale_atoms=False)
    after = predictor.predict(moved)
    D = turned(graphene, np.array([6]), rotation)
    for (i, j, *R), block in by_pair(after).items():
        home = np.array(R) + wraps[j] - wraps[i]  # which cell that neighbour was in before
        expected = D @ blocks[(i, j, *home.tolist())] @ D.T
        assert np.abs(block - expected).max() < 1e-9

    double = predictor.predict(atoms.repeat((2, 1, 1)))
    count = len(atoms)
    for (i, j, *R), block in by_pair(double).items():
        cells = [2 * R[0] + j // count - i // count, R[1], R[2]]
        assert np.abs(block - blocks[(i % count, j % count, *cells)]).max() < 1e-9


def by_pair(frame: HamiltonianFrame) -> dict[tuple[int, ...], np.ndarray]:
    """Both halves of all blocks by (i, j, R)."""
    found = {}
    pairs = frame.pairs
    for i, j, R, block in zip(
        pairs.first.tolist(), pairs.second.tolist(), pairs.shift, frame.hamiltonian, strict=True
    ):
        found[i, j, *R.tolist()] = block
        found[j, i, *(-R).tolist()] = block.T
    return found


def test_a_small_reservoir_learns_water_and_evaluation_agrees_with_errors_by_hand(
    water: HamiltonianModel, few: Path
) -> None:
    scipy = pytest.importorskip("scipy.linalg")
    predictor = water.on_twin()
    errors, levels, occupied = [], [], []
    with HamiltonianFile(few) as file, h5py.File(few) as raw:
        for index in range(len(file)):
            found = matrix(predictor.predict(file.frame(index).atoms), water)
            errors.append(np.abs(found - raw["H"][index]).mean())
            overlap = raw["S"][index]
            difference = np.abs(
                scipy.eigvalsh(found, overlap) - scipy.eigvalsh(raw["H"][index], overlap)
            )
            levels.append(difference.mean())
            occupied.append(difference[:5].mean())
    result = evaluate_hamiltonian(predictor, few)
    assert result.frames == len(errors)
    assert result.atoms == 3 * len(errors)
    assert result.edges == 6 * len(errors)
    assert result.hamiltonian_mae == pytest.approx(np.mean(errors), rel=1e-9)
    assert result.eigenvalue_mae == pytest.approx(np.mean(levels), rel=1e-6)
    assert result.occupied_energy_mae == pytest.approx(np.mean(occupied), rel=1e-6)
    assert result.hamiltonian_mae < 300e-6  # the labels' own spread is 6e-3


def test_crystals_are_judged_on_their_wave_vectors(graphene: HamiltonianModel) -> None:
    result = evaluate_hamiltonian(graphene.on_twin(), GRAPHENE)
    assert 0 < result.hamiltonian_mae < 2e-3
    assert 0 < result.occupied_energy_mae < 0.1


def test_overlaps_of_unseen_structures_are_those_of_the_basis(water: HamiltonianModel) -> None:
    gto = pytest.importorskip("pyscf.gto")
    atoms = first_atoms(WATER)
    atoms.positions[2] += [0.02, -0.03, 0.01]
    mol = gto.M(
        atom=list(zip(atoms.symbols, atoms.positions.tolist(), strict=True)),
        basis="def2-svp",
        verbose=0,
    )
    found = water.on_twin().predict(atoms)
    overlap = matrix(replace(found, hamiltonian=found.overlap), water)
    assert np.abs(overlap - mol.intor("int1e_ovlp")).max() < 1e-3


def test_the_exact_chip_and_its_twin_predict_alike(water: HamiltonianModel) -> None:
    atoms = first_atoms(WATER)
    with open_macro(EXACT) as macro:
        on_chip = water.on_macro(macro).predict(atoms)
    on_twin = water.on_twin().predict(atoms)
    assert np.abs(on_chip.hamiltonian - on_twin.hamiltonian).max() < 1e-5


def test_a_stored_model_predicts_what_it_did(water: HamiltonianModel, tmp_path: Path) -> None:
    save_model(water, tmp_path / "m")
    assert task_of(tmp_path / "m") == "hamiltonian"
    again = load_model(tmp_path / "m")
    atoms = first_atoms(WATER)
    expected, found = (model.on_twin().predict(atoms) for model in (water, again))
    assert np.array_equal(found.hamiltonian, expected.hamiltonian)
    assert np.abs(found.overlap - expected.overlap).max() < 1e-12
    (tmp_path / "m" / "model.json").write_text('{"format": "rgnn_hal hamiltonian", "version": 2}')
    with pytest.raises(DataError, match="damaged"):
        load_model(tmp_path / "m")


def test_workers_change_nothing_but_rounding(water: HamiltonianModel, few: Path) -> None:
    with open_macro(EXACT) as macro:
        other = train_hamiltonian(few, macro, water.recipe, workers=3).model
    atoms = first_atoms(WATER)
    one, three = (model.on_twin().predict(atoms) for model in (water, other))
    assert np.abs(one.hamiltonian - three.hamiltonian).max() < 1e-9


@pytest.mark.parametrize("periodic", [False, True], ids=["molecule", "crystal"])
def test_predictions_are_written_in_the_schema_of_the_data(
    periodic: bool, few: Path, water: HamiltonianModel, graphene: HamiltonianModel, tmp_path: Path
) -> None:
    model, path = (graphene, GRAPHENE) if periodic else (water, few)
    predictor = model.on_twin()
    out = tmp_path / "p.h5"
    frames = predict_file(predictor, path, out)
    with HamiltonianFile(out) as written:
        assert len(written) == frames
        assert written.basis.convention == model.basis.convention
        found, expected = written.frame(1), predictor.predict(written.frame(1).atoms)
        assert np.abs(found.hamiltonian - expected.hamiltonian).max() < 1e-12
        assert np.abs(found.overlap - expected.overlap).max() < 1e-12


def test_what_the_model_has_not_learnt_is_refused_by_name(
    water: HamiltonianModel, graphene: HamiltonianModel, tmp_path: Path
) -> None:
    predictor = water.on_twin()
    atoms = first_atoms(WATER)
    with pytest.raises(DataError, match="contains S"):
        predictor.predict(ase.Atoms("H2S", positions=atoms.positions))
    with pytest.raises(DataError, match="elements 8 and 8"):
        predictor.predict(ase.Atoms("O2", positions=[[0, 0, 0], [0, 0, 1.2]]))
    far = atoms.copy()
    far.positions[2] += 2.5 * (far.positions[2] - far.positions[0])
    with pytest.raises(DataError, match="angstrom apart"):
        predictor.predict(far)
    with pytest.raises(DataError, match="holds crystals"):
        evaluate_hamiltonian(predictor, GRAPHENE)
    with pytest.raises(DataError, match="holds molecules"):
        evaluate_hamiltonian(graphene.on_twin(), WATER)
    with (
        open_macro("emulator://?seed=4&exact=true") as other,
        pytest.raises(ConfigurationError, match="chip"),
    ):
        water.on_macro(other)


def test_bad_data_leave_the_macro_as_it_was(tmp_path: Path) -> None:
    broken = tmp_path / "broken.h5"
    broken.write_bytes(WATER.read_bytes())
    with h5py.File(broken, "r+") as file:
        file["H"][3, 2, 2] = np.nan
    nothing = tmp_path / "nothing.h5"
    with h5py.File(nothing, "w") as file:
        file["R"] = np.zeros((1, 2, 3))
    with open_macro(EXACT) as macro:
        before = macro.read_conductance()
        for path, words in (
            (broken, "frame 3 .* H holds numbers that are not finite"),
            (nothing, "lacks Z, H, S"),
            (tmp_path / "missing.h5", "is not a file"),
            (Path(__file__), "no HDF5"),
        ):
            with pytest.raises(DataError, match=words):
                train_hamiltonian(path, macro, SMALL)
        with pytest.raises(LimitError, match="workers"):
            train_hamiltonian(WATER, macro, SMALL, workers=0)
        assert np.array_equal(macro.read_conductance(), before)


@settings(max_examples=25)
@given(
    frames=st.integers(2, 300),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
)
def test_validation_takes_stretches_of_time_and_leaves_some(
    frames: int, fraction: float, seed: int
) -> None:
    chosen = validation_stretches(frames, fraction, seed)
    assert 0 < chosen.sum() < frames
    assert abs(chosen.sum() - fraction * frames) <= 1
    starts = np.count_nonzero(np.diff(np.concatenate([[0], chosen.astype(int)])) == 1)
    assert starts <= 4


def test_one_frame_is_too_few() -> None:
    with pytest.raises(DataError, match="at least two frames"):
        validation_stretches(1, 0.1, 0)


def test_structures_predicted_together_are_those_predicted_alone(
    water: HamiltonianModel,
) -> None:
    rng = np.random.default_rng(5)
    structures = []
    for order in ([0, 1, 2], [2, 0, 1], [1, 0, 2]):
        atoms = first_atoms(WATER)[order]
        atoms.positions += rng.normal(scale=0.05, size=(3, 3))
        structures.append(Structure(atoms))
    predictor = water.on_twin()
    for structure, together in zip(structures, predictor.predict_many(structures), strict=True):
        alone = predictor.predict(structure.atoms)
        assert together.atoms is structure.atoms
        assert np.abs(together.hamiltonian - alone.hamiltonian).max() < 1e-12
        assert np.abs(together.overlap - alone.overlap).max() < 1e-12


def test_the_narrowest_reservoir_predicts_too(cut_frames: CutFrames, tmp_path: Path) -> None:
    model = train(cut_frames(WATER, tmp_path / "few.h5", slice(0, 75, 15)), channels=2, lmax=1)
    frame = model.on_twin().predict(first_atoms(WATER))
    assert np.isfinite(frame.hamiltonian).all()


def test_of_structures_together_the_one_that_cannot_be_predicted_is_named(
    water: HamiltonianModel,
) -> None:
    good = Structure(first_atoms(WATER), where="the good one")
    bad = Structure(ase.Atoms("OHH", [[0, 0, 0], [3, 0, 0], [0, 3, 0]]), where="the far one")
    with pytest.raises(DataError, match="the far one"):
        water.on_twin().predict_many([good, bad])


def test_batches_keep_the_order_and_leave_nothing_out() -> None:
    water = first_atoms(WATER)
    structures = [Structure(water, where=str(index)) for index in range(600)]
    parts = list(batches(structures))
    assert [each.where for part in parts for each in part] == [str(index) for index in range(600)]
    assert len(parts) == 3


def test_a_crystals_model_remembers_electrons_and_fermi_level(
    water: HamiltonianModel, graphene: HamiltonianModel, tmp_path: Path
) -> None:
    assert water.filling is None
    save_model(graphene, tmp_path / "m")
    filling = load_model(tmp_path / "m").filling
    assert filling == graphene.filling
    assert filling is not None
    atoms = first_atoms(GRAPHENE)
    assert filling.electrons == filling.electrons_of(atoms.numbers) == 4 * len(atoms)
    assert filling.electrons_of(atoms.repeat((2, 1, 1)).numbers) == 8 * len(atoms)
    assert filling.electrons_of([6, 7]) is None
    with h5py.File(GRAPHENE) as file:
        assert filling.level == pytest.approx(float(np.mean(file["mu"])))
