"""A committee of readouts: its members, what each is fitted to, what they say together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal import open_macro
from rgnn_hal.macro import DataError
from rgnn_hal.readout import CompositionBaseline, NoiseStatistics
from rgnn_hal.reservoir import DigitalMixing, Reservoir
from rgnn_hal.structures import RadialBasis, read_frames
from rgnn_hal.tasks.forces import (
    ForcesRecipe,
    committee,
    load_statistics,
    save_model,
    train_forces,
)
from rgnn_hal.tasks.forces.committee import Member, members, worth_dividing
from rgnn_hal.tasks.forces.dataset import validation_split
from rgnn_hal.tasks.forces.regression import Regression
from rgnn_hal.tasks.forces.training import TrainingResult

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
RECIPE = ForcesRecipe(channels=11, cutoff=4.0, lmax=2, radial=6, reads=4)
EXACT = "emulator://?seed=3&exact=true"
COLUMNS = 3 * (15 * 4 + 1)
"""Of four channels: three elements, fifteen invariants up to degree 2."""


def reservoir_of(channels: int, elements: int = 3, lmax: int = 2) -> Reservoir:
    rng = np.random.default_rng(channels)
    radial = RadialBasis(4.0, 4)
    mixings = (
        DigitalMixing(rng.standard_normal((elements * radial.size, channels)))
        for _ in range(lmax + 1)
    )
    return Reservoir(tuple(range(1, elements + 1)), radial, tuple(mixings))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", ":20"), format="extxyz")
    return path


@pytest.fixture(scope="module")
def trained(data: Path) -> TrainingResult:
    """By three members of three or four channels."""
    with pytest.MonkeyPatch.context() as patch, open_macro(EXACT) as macro:
        patch.setattr(committee, "_MOST_COLUMNS", COLUMNS)
        return train_forces(data, macro, RECIPE, macro_uri=EXACT, keep=True)


@given(channels=st.integers(1, 40), elements=st.integers(1, 3), most=st.integers(1, 400))
def test_members_share_all_channels_and_keep_to_the_most_columns(
    channels: int, elements: int, most: int
) -> None:
    whole = reservoir_of(channels, elements)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(committee, "_MOST_COLUMNS", most)
        found = list(members(whole))
    assert [c for member in found for c in range(channels)[member.channels]] == list(
        range(channels)
    )
    widths = [member.reservoir.channels for member in found]
    assert max(widths) - min(widths) <= 1
    assert min(widths) >= 1
    one_channel = elements * whole.invariants.size
    assert max(m.reservoir.columns for m in found) <= max(most, 0) + one_channel + elements
    if whole.columns <= most:
        assert len(found) == 1


def test_a_committee_says_what_its_members_say_on_average(
    trained: TrainingResult, data: Path
) -> None:
    """The reference: ridge regressions of each member's channels by dense least squares."""
    model = trained.model
    whole = model.on_twin().reservoir
    assert trained.statistics is not None
    fit = trained.statistics.fit(None)
    strengths, model = fit.strengths, replace(model, readout=fit.readout)
    frames = list(read_frames(data))
    predictions = []
    for channels, strength in zip((slice(0, 3), slice(3, 7), slice(7, 11)), strengths, strict=True):
        part = whole.some(channels)
        regression = Regression(part, model.baseline, RECIPE.energy_weight)
        pairs = [pair for frame in frames for pair in regression.rows([regression.example(frame)])]
        rows = np.concatenate([x for x, _ in pairs])
        targets = np.concatenate([y for _, y in pairs])
        scaled = rows / np.linalg.norm(rows, axis=0)
        penalty = Member(part, channels).penalty
        damped = np.concatenate([scaled, np.diag(np.sqrt(strength * penalty))])
        padded = np.concatenate([targets, np.zeros(rows.shape[1])])
        predictions.append(scaled @ np.linalg.lstsq(damped, padded, rcond=None)[0])
    mean = np.mean(predictions, axis=0)
    start = 0
    for frame in frames:
        forces = mean[start + 1 : start + 1 + 3 * len(frame.atoms)]
        start += 1 + 3 * len(frame.atoms)
        found = model.on_twin().predict(frame.atoms).forces.numpy().ravel()
        np.testing.assert_allclose(found, forces, atol=2e-4 * np.abs(forces).max())


def test_forces_of_a_committee_are_slopes_of_its_energy(
    trained: TrainingResult, data: Path
) -> None:
    predictor, atoms = trained.model.on_twin(), next(read_frames(data)).atoms
    forces = predictor.predict(atoms).forces.numpy()
    step = 1e-4
    for atom, axis in ((0, 0), (5, 1), (20, 2)):
        energies = []
        for sign in (-2, -1, 1, 2):
            moved = atoms.copy()
            moved.positions[atom, axis] += sign * step
            energies.append(predictor.predict(moved).energy)
        far, near = energies[3] - energies[0], energies[2] - energies[1]
        assert -(8 * near - far) / (12 * step) == pytest.approx(forces[atom, axis], abs=1e-6)


def test_the_judged_committee_has_not_seen_the_validation_frames(
    trained: TrainingResult, data: Path
) -> None:
    """Readouts differ, and the validation error is that of the one that has not seen them."""
    validates = validation_split(20, RECIPE.valid_fraction, RECIPE.seed)
    predictor = trained.model.on_twin()
    errors = np.concatenate(
        [
            (predictor.predict(frame.atoms).forces.numpy() - frame.forces).ravel()
            for frame, chosen in zip(read_frames(data), validates, strict=True)
            if chosen
        ]
    )
    assert np.abs(errors).mean() < trained.validation_force_mae


def test_the_noise_of_a_member_is_its_part_of_the_whole() -> None:
    whole = reservoir_of(7)
    rng = np.random.default_rng(0)
    differences = rng.standard_normal((12, whole.columns))
    noise = NoiseStatistics.empty(whole.channel_columns).with_rows(differences)
    size, elements = whole.invariants.size, len(whole.elements)
    by_channel = differences[:, :-elements].reshape(12, elements, size, 7)
    channels = slice(2, 5)
    member = Member(whole.some(channels), channels)
    own = np.concatenate(
        [by_channel[..., channels].reshape(12, -1), differences[:, -elements:]], axis=1
    )
    expected = NoiseStatistics.empty(member.reservoir.channel_columns).with_rows(own)
    found = member.noise(noise)
    np.testing.assert_array_equal(found.groups, expected.groups)
    np.testing.assert_allclose(found.covariance, expected.covariance)
    assert found.rows == 12


def test_some_channels_of_a_reservoir_see_what_they_saw_among_all(data: Path) -> None:
    whole = Reservoir(
        (3, 8, 15),
        RadialBasis(4.0, 4),
        tuple(
            DigitalMixing(np.random.default_rng(seed).standard_normal((12, 6))) for seed in range(3)
        ),
    )
    frame = next(read_frames(data))
    baseline = CompositionBaseline(np.zeros(3))
    part = whole.some(slice(1, 4))
    columns = whole.channel_columns.reshape(3, 6, -1)[:, 1:4]
    regressions = [Regression(seen, baseline, 1.0) for seen in (whole, part)]
    rows, found = (
        np.concatenate([x for x, _ in regression.rows([regression.example(frame)])])
        for regression in regressions
    )
    scale = np.abs(rows).max()
    np.testing.assert_allclose(
        found[:, part.channel_columns.ravel()],
        rows[:, columns.ravel()],
        rtol=1e-6,
        atol=1e-7 * scale,
    )


def test_kept_statistics_of_a_committee_come_back_and_say_when_one_is_damaged(
    trained: TrainingResult, tmp_path: Path
) -> None:
    save_model(trained.model, tmp_path / "kept", trained.statistics)
    statistics = load_statistics(tmp_path / "kept", RECIPE.reads)
    assert statistics is not None
    assert trained.statistics is not None
    assert len(statistics.members) == 3
    again, before = (kept.fit(RECIPE.reads).readout for kept in (statistics, trained.statistics))
    np.testing.assert_array_equal(again, before)
    broken = dict(statistics.members[1])
    del broken["training.moment"]
    damaged = type(statistics)((statistics.members[0], broken), RECIPE.reads, statistics.sample)
    save_model(trained.model, tmp_path / "damaged", damaged)
    with pytest.raises(DataError, match="damaged"):
        load_statistics(tmp_path / "damaged", RECIPE.reads)


@given(elements=st.integers(1, 12), lmax=st.integers(0, 6))
def test_the_default_width_grows_with_the_elements_and_fits_the_macro(
    elements: int, lmax: int
) -> None:
    recipe = ForcesRecipe(lmax=lmax)
    width = recipe.width(elements, (512, 512))
    assert 160 <= width <= min(160 * elements, 256)
    if width > 160:
        bands = -(-width // 256)
        assert bands * (lmax + 1) * elements * recipe.radial <= 512
    assert ForcesRecipe(channels=7).width(elements, (512, 512)) == 7


def test_members_are_divided_only_where_they_are_many_and_rows_plenty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = reservoir_of(12)
    monkeypatch.setattr(committee, "_MOST_COLUMNS", whole.columns // 3 + 3)
    enough = -(-2 * whole.columns // 3)
    assert not worth_dividing(enough - 1, whole)
    assert worth_dividing(enough, whole)
    assert len(list(members(whole))) == 3
    divided = list(members(whole, divided=True))
    assert len(divided) == 6
    ends = [(member.channels.start, member.channels.stop) for member in divided]
    assert ends == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10), (10, 12)]
    monkeypatch.setattr(committee, "_MOST_COLUMNS", whole.columns // 2 + 3)
    assert len(list(members(whole))) == 2
    assert not worth_dividing(10**9, whole)
