"""Training: freeze a reservoir, send every frame through it once, solve for the readout.

No epochs and no gradients of weights: the readout is linear, so its Gram matrix is all that is kept
of the data, and memory does not depend on the number of frames. The macro is one instrument and is
read frame by frame, in order, by one thread; the digital work on the products (derivatives, Gram
matrices) is shared by `workers` threads with statistics of their own, added up at the end.
"""

import platform
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.analog import AnalogMatrix
from rgnn_hal.cost import Operations, record, recording
from rgnn_hal.cost.digital import Sampled, count_work
from rgnn_hal.macro import LimitError, Macro
from rgnn_hal.mapping import PAIR
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout import Statistics, StatisticsBuilder, fit_ridge
from rgnn_hal.reservoir import EdgeBasis, Reservoir, design_rows
from rgnn_hal.reservoir.frozen import freeze
from rgnn_hal.structures import Graph, LabelledFrame, build_graph, read_frames
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.forces.dataset import (
    DataSummary,
    composition,
    mean_environment,
    scan,
    validation_split,
)
from rgnn_hal.tasks.forces.model import ForcesModel, Predictor
from rgnn_hal.tasks.forces.recipe import ForcesRecipe


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
    products: int
    """Vectors multiplied on the macro."""
    conversions: int
    """Analog-to-digital conversions those took."""


def train_forces(
    path: Path,
    macro: Macro,
    recipe: ForcesRecipe,
    *,
    macro_uri: str = "",
    workers: int = 1,
    progress: Progress = silent,
) -> TrainingResult:
    """Train on an extended-XYZ file of energies (eV) and forces (eV/angstrom).

    Args:
        path: the data; streamed a few times, never held.
        macro: chip that will hold the reservoir; nothing happens to it if the data are bad.
        recipe: all choices.
        macro_uri: address to remember in the model.
        workers: threads for the digital work; they change the result by rounding only.
        progress: told frame by frame.

    Raises:
        DataError: see `scan`.
        LimitError: the reservoir does not fit the macro, or `workers` < 1.
    """
    with recording() as training:
        result, mixings = _train(path, macro, recipe, macro_uri, workers, progress)
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
    workers: int,
    progress: Progress,
) -> tuple[TrainingResult, tuple[AnalogMatrix, ...]]:
    if workers < 1:
        raise LimitError(f"{workers} workers cannot work; give at least 1")
    start = time.perf_counter()
    data = scan(path, recipe.cutoff, progress)
    validates = validation_split(data.frames, recipe.valid_fraction, recipe.seed)
    centre = mean_environment(path, data, recipe.radial_basis, progress)

    shape = (len(data.elements) * recipe.radial, recipe.channels)
    weights = freeze(
        macro,
        [shape] * (recipe.lmax + 1),
        fraction=recipe.fraction,
        seed=recipe.seed,
        scheme=PAIR,
        progress=progress,
    )
    matrices = weights.thaw(macro, reads=recipe.reads, progress=progress)
    reservoir = Reservoir(data.elements, recipe.radial_basis, matrices, centre)

    rows = _Rows(reservoir, data, recipe, validates)
    training, validation = rows.collect(path, workers, progress)
    progress(0, 1, "solving")
    fit = fit_ridge(training, validation)
    progress(1, 1, "solving")
    seconds = time.perf_counter() - start
    validation_mae = _force_mae(
        Predictor(reservoir, data.baseline, torch.from_numpy(fit.judged)), path, validates, progress
    )
    result = TrainingResult(
        model=ForcesModel(
            recipe, data.elements, data.baseline, centre, weights, fit.readout, macro_uri, record={}
        ),
        features=reservoir.columns - len(data.elements),
        trained_parameters=reservoir.columns + len(data.elements),
        frozen_parameters=weights.parameters,
        seconds=seconds,
        validation_force_mae=validation_mae,
        ridge_strength=fit.strength,
        products=sum(matrix.ledger.products for matrix in matrices),
        conversions=sum(matrix.ledger.conversions for matrix in matrices),
    )
    model = replace(result.model, record=_record(path, data, macro, result))
    return replace(result, model=model), matrices


@dataclass(frozen=True)
class _Mixed:
    """A frame that has been through the macro."""

    frame: LabelledFrame
    graph: Graph
    basis: EdgeBasis
    components: torch.Tensor
    validates: bool


@dataclass(frozen=True)
class _Rows:
    """Turns frames into weighted rows of the regression, and those into statistics."""

    reservoir: Reservoir
    data: DataSummary
    recipe: ForcesRecipe
    validates: NDArray[np.bool_]

    def collect(
        self, path: Path, workers: int, progress: Progress
    ) -> tuple[Statistics, Statistics]:
        """Statistics of the training and of the validation frames."""
        shares = [_Share(self) for _ in range(workers)]
        with ExitStack() as stack:
            pools = [stack.enter_context(ThreadPoolExecutor(1)) for _ in shares]
            waiting: list[deque[Future[None]]] = [deque() for _ in shares]
            for index, mixed in enumerate(self._mixed(path)):
                worker = index % workers
                # Two frames in flight per worker keep it busy; more would only cost memory.
                if len(waiting[worker]) == 2:
                    waiting[worker].popleft().result()
                waiting[worker].append(pools[worker].submit(shares[worker].add, mixed))
                progress(index + 1, self.data.frames, "training")
            for queue in waiting:
                for future in queue:
                    future.result()
        training, validation = shares[0].finish()
        for share in shares:
            record(share.work + share.rows_work.total)
        for share in shares[1:]:
            more_training, more_validation = share.finish()
            training, validation = training + more_training, validation + more_validation
        return training, validation

    def _mixed(self, path: Path) -> Iterator[_Mixed]:
        sampled = Sampled()
        for index, frame in enumerate(read_frames(path)):
            graph = build_graph(
                frame.atoms, self.data.elements, self.recipe.cutoff, where=frame.where
            )
            with sampled.task():
                basis = self.reservoir.basis(graph)
                components = self.reservoir.mix(self.reservoir.vectors(graph, basis))
            yield _Mixed(frame, graph, basis, components, bool(self.validates[index]))
        record(sampled.total)

    def of(self, mixed: _Mixed) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weighted rows (1 + 3 atoms, columns) and targets (1 + 3 atoms,) of a frame."""
        rows = design_rows(self.reservoir, mixed.graph, mixed.basis, mixed.components)
        counts = composition(mixed.frame.atoms.numbers, self.data.elements)
        energy = mixed.frame.energy - self.data.baseline.energy(counts)
        weight = self.recipe.energy_weight
        matrix = torch.cat([weight * rows.energy[None], rows.forces]).numpy()
        return matrix, np.concatenate([[weight * energy], mixed.frame.forces.ravel()])


class _Share:
    """One worker's statistics."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows
        self.work = Operations()
        """What this worker's thread did, besides making rows."""
        self.rows_work = Sampled()
        self._training = StatisticsBuilder(rows.reservoir.columns)
        self._validation = StatisticsBuilder(rows.reservoir.columns)

    def add(self, mixed: _Mixed) -> None:
        builder = self._validation if mixed.validates else self._training
        with recording() as work:
            with self.rows_work.task():
                rows = self._rows.of(mixed)
            builder.add(*rows)
        self.work.add(work.digital)

    def finish(self) -> tuple[Statistics, Statistics]:
        return self._training.finish(), self._validation.finish()


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
        "data": {
            "file": path.name,
            "sha256": data.sha256,
            "frames": data.frames,
            "atoms": data.atoms,
        },
        "macro": macro.spec.model_dump(mode="json"),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "rgnn_hal": version("rgnn-hal"),
        },
        "train_seconds": result.seconds,
        "validation_force_mae_ev_per_angstrom": result.validation_force_mae,
        "ridge_strength": result.ridge_strength,
        "products": result.products,
        "conversions": result.conversions,
    }
