"""Training: freeze a reservoir, measure its noise, solve for the readout.

No epochs and no gradients of weights: the readout is linear, so its Gram matrix is all that is kept
of the data, and memory does not depend on the number of frames. The macro is one instrument, read
by one thread: its weights, its converters and, on some of the frames, its noise, which becomes the
readout's penalty. The rest is digital work that any number of workers share.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.analog import AnalogMatrix
from rgnn_hal.cost import record, recording
from rgnn_hal.cost.digital import Sampled, count_work
from rgnn_hal.macro import Macro
from rgnn_hal.mapping import PAIR
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout import NoiseStatistics
from rgnn_hal.reservoir import Reservoir
from rgnn_hal.reservoir.frozen import freeze
from rgnn_hal.structures import read_frames
from rgnn_hal.tasks.artefact import Arrays
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.forces.collection import (
    Job,
    measure_leverage,
    measure_noise,
    noise_frames,
)
from rgnn_hal.tasks.forces.committee import Member, members, worth_dividing
from rgnn_hal.tasks.forces.dataset import (
    DataSummary,
    mean_environment,
    scan,
    thinned,
    validation_split,
)
from rgnn_hal.tasks.forces.kept import KeptStatistics, MemberStatistics, fit_committee
from rgnn_hal.tasks.forces.model import ForcesModel, Predictor
from rgnn_hal.tasks.forces.recipe import ForcesRecipe
from rgnn_hal.tasks.forces.refinement import refine
from rgnn_hal.tasks.forces.regression import Regression
from rgnn_hal.tasks.forces.workers import Workers, shared_among
from rgnn_hal.tasks.provenance import provenance

_ROWS_PER_COLUMN = 12.0
"""That members know, where all of them are refined over all rows afterwards. Their inverses lead
only where they have met the data: of 8 members of 64 channels, 300 frames of ethanol, those that
know all 6 rows to a column start at 25.3 meV/A RMSE and are at 17.2 after 12 steps, those that know
3 start at 30.0 and are at 20.1. 900 frames of aspirin end at 15.8 meV/A MAE with this, in members
of 4,500 columns, and at 16.7 with 2.5 in members of 9,000."""


@dataclass(frozen=True)
class TrainingResult:
    """A model and what its training cost."""

    model: ForcesModel
    features: int
    """Columns of the design matrix that stand for invariants."""
    trained_parameters: int
    """Numbers that the data decided."""
    frozen_parameters: int
    """Random weights in the macro."""
    seconds: float
    validation_force_mae: float
    """eV/angstrom, of the readout that has not seen the validation frames."""
    ridge_strength: float
    """Geometric mean over the committee."""
    products: int
    """Vectors multiplied on the macro."""
    conversions: int
    """Analog-to-digital conversions those took."""
    statistics: KeptStatistics | None = None
    """For readouts at other reads, not refined; only if they were asked for."""


def train_forces(
    path: Path,
    macro: Macro,
    recipe: ForcesRecipe,
    *,
    macro_uri: str = "",
    workers: int = 1,
    scheduler: str | None = None,
    keep: bool = False,
    progress: Progress = silent,
) -> TrainingResult:
    """Train on an extended-XYZ file of energies (eV) and forces (eV/angstrom).

    Args:
        path: the data; streamed a few times, never held.
        macro: chip that will hold the reservoir; nothing happens to it if the data are bad.
        recipe: all choices.
        macro_uri: address to remember in the model.
        workers: processes for the digital work; they change the result by rounding only. One is
            this process; more need the extra `scale` and run nothing of the calling script.
        scheduler: address of a dask scheduler whose workers do that work instead.
        keep: keep the statistics; they take the memory of a Gram matrix for every member of the
            committee.
        progress: told frame by frame.

    Raises:
        DataError: see `scan`.
        LimitError: the reservoir does not fit the macro, or `workers` < 1.
        ConfigurationError, TransportError: workers or the scheduler cannot be used.
    """
    with recording() as training, shared_among(workers, scheduler) as shared:
        result, mixings = _train(path, macro, recipe, macro_uri, shared, keep, progress)
    predictor = result.model.with_mixings(mixings)
    atoms = next(read_frames(path)).atoms
    with count_work() as inference:
        predictor.predict(atoms)
    counts = Counts(atoms, inference, training).describe()
    model = replace(result.model, record={**result.model.record, **counts})
    return replace(result, model=model)


def _train(
    path: Path,
    macro: Macro,
    recipe: ForcesRecipe,
    macro_uri: str,
    workers: Workers,
    keep: bool,
    progress: Progress,
) -> tuple[TrainingResult, tuple[AnalogMatrix, ...]]:
    start = time.perf_counter()
    data = scan(path, recipe.cutoff, progress)
    validates = validation_split(data.frames, recipe.valid_fraction, recipe.seed)
    room = macro.spec.region.shape
    atom_types = data.census.types(recipe.most_types(room))
    centre = mean_environment(path, data, atom_types, recipe.radial_basis, progress)
    channels = recipe.width(len(data.elements), room, types=len(atom_types))
    weights = freeze(
        macro,
        [(len(atom_types) * recipe.radial, channels)] * (recipe.lmax + 1),
        fraction=recipe.fraction,
        seed=recipe.seed,
        scheme=PAIR,
        progress=progress,
    )
    matrices = weights.thaw(macro, reads=recipe.reads, progress=progress)
    reservoir = Reservoir(data.elements, recipe.radial_basis, matrices, centre, atom_types)
    regression = Regression(
        replace(reservoir, mixings=weights.digital()), data.baseline, recipe.energy_weight
    )
    job = Job(path, regression, validates)
    leverage = measure_leverage(job, data.atoms, progress)
    sample = [frame.atoms for frame in noise_frames(job)]
    noise = measure_noise(regression, reservoir, sample, progress)
    rows = data.frames + 3 * data.atoms
    # Readouts for other reads are not refined, so that their members have to be good themselves.
    divided = worth_dividing(rows, regression.reservoir) and not keep
    group = tuple(members(regression.reservoir, divided=divided))
    grams = _enough(job, group, rows, recipe.seed) if divided else job
    kept: list[Arrays] = []
    committee = _Committee(grams, group, noise, workers, progress)
    fit = fit_committee(committee.statistics(kept if keep else None), 1.0 / len(group))
    fit = refine(job, group, fit, noise, workers, progress)
    progress(1, 1, "solving")
    seconds = time.perf_counter() - start
    validation_mae = _force_mae(
        Predictor(reservoir, data.baseline, torch.from_numpy(fit.judged)), path, validates, progress
    )
    result = TrainingResult(
        model=ForcesModel(
            recipe,
            data.elements,
            data.baseline,
            centre,
            weights,
            fit.readout,
            macro_uri,
            record={},
            leverage=leverage,
            atom_types=atom_types,
        ),
        features=reservoir.columns - len(atom_types),
        trained_parameters=reservoir.columns + len(data.elements),
        frozen_parameters=weights.parameters,
        seconds=seconds,
        validation_force_mae=validation_mae,
        ridge_strength=float(np.exp(np.mean(np.log(fit.strengths)))),
        products=sum(matrix.ledger.products for matrix in matrices),
        conversions=sum(matrix.ledger.conversions for matrix in matrices),
        statistics=KeptStatistics(tuple(kept), recipe.reads, tuple(sample)) if keep else None,
    )
    model = replace(result.model, record=_record(path, data, macro, result))
    return replace(result, model=model), matrices


def _enough(job: Job, group: Sequence[Member], rows: int, seed: int) -> Job:
    """The job on as many frames as members need to start a refinement over all of them."""
    size = max(member.reservoir.columns for member in group)
    fraction = _ROWS_PER_COLUMN * size / rows
    return replace(job, counts=thinned(job.validates, fraction, seed)) if fraction < 1.0 else job


@dataclass(frozen=True)
class _Committee:
    """Collects the statistics of one member after another."""

    job: Job
    members: Sequence[Member]
    noise: NoiseStatistics
    workers: Workers
    progress: Progress

    def statistics(self, kept: list[Arrays] | None) -> Iterator[MemberStatistics]:
        """Of every member; packed ones are added to `kept`."""
        for number in range(len(self.members)):
            yield self._of(number, kept)

    def _of(self, number: int, kept: list[Arrays] | None) -> MemberStatistics:
        member, size = self.members[number], len(self.members)

        def progress(done: int, total: int, label: str) -> None:
            self.progress(number * total + done, size * total, label)

        job = replace(self.job, regression=replace(self.job.regression, reservoir=member.reservoir))
        collected = self.workers.collect(job, progress)
        statistics = MemberStatistics(
            collected.training, collected.validation, member.noise(self.noise), member.penalty
        )
        if kept is not None:
            kept.append(statistics.pack())
        self.progress(number, size, "solving")
        return statistics


def _force_mae(
    predictor: Predictor, path: Path, validates: NDArray[np.bool_], progress: Progress
) -> float:
    absolute, components, done, sampled = 0.0, 0, 0, Sampled()
    for index, frame in enumerate(read_frames(path)):
        if not validates[index]:
            continue
        with sampled.task():
            found = predictor.predict(frame.atoms, where=frame.where)
        error = found.forces.numpy() - frame.forces
        absolute += float(np.abs(error).sum())
        components += error.size
        done += 1
        progress(done, int(validates.sum()), "validating")
    record(sampled.total)
    return absolute / components


def _record(
    path: Path, data: DataSummary, macro: Macro, result: TrainingResult
) -> dict[str, object]:
    return {
        **provenance(path, data, macro),
        "train_seconds": result.seconds,
        "validation_force_mae_ev_per_angstrom": result.validation_force_mae,
        "ridge_strength": result.ridge_strength,
        "products": result.products,
        "conversions": result.conversions,
    }
