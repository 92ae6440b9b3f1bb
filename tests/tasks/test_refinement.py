"""Members refined are one ridge regression of all channels, if validation frames say so."""

from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

from rgnn_hal.macro import open_macro
from rgnn_hal.readout import NoiseStatistics
from rgnn_hal.structures import read_frames
from rgnn_hal.tasks.forces import ForcesRecipe, collection, committee, refinement, training
from rgnn_hal.tasks.forces.collection import Job
from rgnn_hal.tasks.forces.committee import CommitteeResult, Member
from rgnn_hal.tasks.forces.refinement import NormalEquations, refine
from rgnn_hal.tasks.forces.sweep import Sweep, Swept
from rgnn_hal.tasks.forces.workers import InProcess

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
EXACT = "emulator://?seed=3&exact=true"
RECIPE = ForcesRecipe(channels=6, cutoff=4.0, lmax=2, radial=6)

Arguments = tuple[Job, list[Member], CommitteeResult, NoiseStatistics]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Arguments:
    """What training asks for with six members of a channel each."""
    path = tmp_path_factory.mktemp("data") / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", ":6"), format="extxyz")
    seen: list[Arguments] = []

    def listen(
        job: Job, members: list[Member], fit: CommitteeResult, noise: NoiseStatistics, *_: object
    ) -> CommitteeResult:
        seen.append((job, members, fit, noise))
        return fit

    with pytest.MonkeyPatch.context() as patch, open_macro(EXACT) as macro:
        patch.setattr(committee, "_MOST_COLUMNS", 100)
        patch.setattr(training, "refine", listen)
        training.train_forces(path, macro, RECIPE)
    assert len(seen[0][1]) == 6
    return seen[0]


def system(asked: Arguments, learns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The normal equations of all channels, from rows."""
    job, members, fit, noise = asked
    frames = [f for f, chosen in zip(read_frames(job.path), learns, strict=True) if chosen]
    blocks = list(job.regression.rows([*map(job.regression.example, frames)]))
    rows, targets = (np.concatenate(part) for part in zip(*blocks, strict=True))
    penalty = np.zeros(rows.shape[1])
    for member, inverse in zip(members, fit.inverses, strict=True):
        columns = member.columns(job.regression.reservoir.channels)
        penalty[columns] = inverse.strength * member.penalty / inverse.scale**2
    gram = rows.T @ rows + np.diag(penalty)
    for group, covariance in zip(noise.groups, noise.covariance, strict=True):
        gram[np.ix_(group, group)] += covariance * len(rows) / noise.rows
    return gram, rows.T @ targets


def test_every_step_comes_nearer_to_the_ridge_regression_of_all_channels(asked: Arguments) -> None:
    job, members, fit, noise = asked
    equations = NormalEquations(job, members, fit, noise, InProcess())
    gram, moment = system(asked, ~job.validates)
    best = np.linalg.solve(gram, moment)

    def excess(theta: np.ndarray) -> float:
        """Of the penalised squares over their least value."""
        return float((theta - best) @ gram @ (theta - best))

    iterates = list(islice(equations.steps(fit.judged, ~job.validates), 9))
    left = [excess(one.theta) for one in iterates]
    assert all(after < before for before, after in pairwise(left))
    assert left[-1] < left[0] / 3
    unseen = next(f for f, v in zip(read_frames(job.path), job.validates, strict=True) if v)
    blocks = list(job.regression.rows([job.regression.example(unseen)]))
    for one in (iterates[0], iterates[-1]):
        errors = np.concatenate([rows @ one.theta - targets for rows, targets in blocks])
        assert one.error == pytest.approx(np.mean(errors**2), rel=1e-3)


def test_leaves_change_a_sweep_by_single_precision_only(
    asked: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _, fit, _ = asked
    sweep = Sweep(job, fit.judged, ~job.validates, labels=True)
    whole = InProcess().sweep(sweep)
    for atoms in (1, 64):
        monkeypatch.setattr(collection, "_LEAF_ATOMS", atoms)
        parts = InProcess().sweep(sweep)
        assert parts.rows == whole.rows
        for one, other in ((whole.moment, parts.moment), (whole.unseen, parts.unseen)):
            np.testing.assert_allclose(other, one, atol=1e-5 * np.abs(one).max())


def test_members_stay_as_they_are_where_steps_do_not_help_unseen_frames(
    asked: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, members, fit, noise = asked
    frames = [f for f, chosen in zip(read_frames(job.path), job.validates, strict=True) if chosen]
    blocks = list(job.regression.rows([*map(job.regression.example, frames)]))
    rows, targets = (np.concatenate(part) for part in zip(*blocks, strict=True))
    perfect = np.linalg.lstsq(rows, targets, rcond=None)[0]  # on the unseen frames, by heart
    lucky = replace(fit, judged=perfect)
    assert refine(job, members, lucky, noise, InProcess()) is lucky


def test_a_single_member_is_the_whole_regression(asked: Arguments) -> None:
    job, members, fit, noise = asked
    assert refine(job, members[:1], fit, noise, InProcess()) is fit


def test_steps_end_where_they_are_not_worth_theirs(
    asked: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is worth a step, the fewest are taken from which that can be seen."""
    job, members, fit, noise = asked
    counted: list[Sweep] = []

    class Counting(InProcess):
        def sweep(self, sweep: Sweep) -> Swept:
            counted.append(sweep)
            return super().sweep(sweep)

    monkeypatch.setattr(refinement, "_WORTH", 1.0)
    refine(job, members, fit, noise, Counting())
    learning = sum(bool((sweep.learns == ~job.validates).all()) for sweep in counted)
    assert learning == 1 + refinement._PATIENCE
