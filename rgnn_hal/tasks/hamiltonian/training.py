"""Training: freeze a reservoir, send every frame through it once, solve for the readouts.

Rows are measured at the reads that predictions will use, so the ridge sees the noise it has to live
with; `learning` holds the fits.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rgnn_hal.analog import AnalogMatrix
from rgnn_hal.cost import recording
from rgnn_hal.cost.digital import count_work
from rgnn_hal.macro import LimitError, Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reservoir import Mixing
from rgnn_hal.reservoir.frozen import freeze
from rgnn_hal.reservoir.pairs import PairReservoir
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
from rgnn_hal.tasks.hamiltonian.learning import Learner
from rgnn_hal.tasks.hamiltonian.model import HamiltonianModel
from rgnn_hal.tasks.hamiltonian.overlap import OverlapModel
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe
from rgnn_hal.tasks.hamiltonian.scan import DataSummary, scan, validation_stretches
from rgnn_hal.tasks.provenance import provenance


@dataclass(frozen=True)
class TrainingResult:
    """A model and what its training cost."""

    model: HamiltonianModel
    features: int
    """Columns of all regressions that come from the reservoir."""
    trained_parameters: int
    """Numbers that the data decided."""
    frozen_parameters: int
    """Random weights in the macro."""
    seconds: float
    validation_mae: float
    """Hartree, of readouts that have not seen the validation frames, over all elements of H."""
    products: int
    """Vectors multiplied on the macro."""
    conversions: int
    """Analog-to-digital conversions those took."""


def train_hamiltonian(
    path: Path,
    macro: Macro,
    recipe: HamiltonianRecipe,
    *,
    macro_uri: str = "",
    workers: int = 1,
    progress: Progress = silent,
) -> TrainingResult:
    """Train on an HDF5 file of Hamiltonians; see `HamiltonianFile` for the schemas.

    Args:
        path: the data; read a few times, never held.
        macro: chip that will hold the reservoir; nothing happens to it if the data are bad.
        recipe: all choices.
        macro_uri: address to remember in the model.
        workers: threads for the digital work; they change the result by rounding only.
        progress: told frame by frame, then group by group.

    Raises:
        DataError: see `scan`.
        LimitError: the reservoir does not fit the macro, or `workers` < 1.
    """
    with recording() as training:
        result, mixings = _train(path, macro, recipe, macro_uri, workers, progress)
    predictor = result.model.with_mixings(mixings)
    with HamiltonianFile(path) as file:
        first = next(iter(file))
    with count_work() as inference:
        predictor.predict(first.atoms, pairs=first.pairs)
    counts = Counts(first.atoms, inference, training).describe()
    model = replace(result.model, record={**result.model.record, **counts})
    return replace(result, model=model)


def _train(
    path: Path,
    macro: Macro,
    recipe: HamiltonianRecipe,
    macro_uri: str,
    workers: int,
    progress: Progress,
) -> tuple[TrainingResult, tuple[AnalogMatrix, ...]]:
    if workers < 1:
        raise LimitError(f"{workers} workers cannot work; give at least 1")
    start = time.perf_counter()
    data = scan(path, recipe, progress)
    validates = validation_stretches(data.frames, recipe.valid_fraction, recipe.seed)
    density, pair = recipe.density_basis, recipe.pair_basis(data.reach)
    shapes = PairReservoir.shapes(len(data.elements), density, pair, recipe.lmax, recipe.channels)
    weights = freeze(macro, shapes, fraction=recipe.fraction, seed=recipe.seed, progress=progress)
    matrices = weights.thaw(macro, reads=recipe.reads, progress=progress)
    mixings: Sequence[Mixing] = matrices
    reservoir = PairReservoir.of_mixings(data.elements, density, pair, mixings, data.centre)
    learnt = Learner(path, data, recipe, reservoir, validates).learn(workers, progress)
    model = HamiltonianModel(
        recipe=recipe,
        basis=data.basis,
        periodic=data.periodic,
        reach=data.reach,
        centre=data.centre,
        weights=weights,
        readouts=learnt.readouts,
        overlap=OverlapModel(data.reach, learnt.overlaps),
        filling=data.filling,
        macro_uri=macro_uri,
        record={},
    )
    result = TrainingResult(
        model=model,
        features=learnt.features,
        trained_parameters=sum(readout.size for readout in learnt.readouts.values()),
        frozen_parameters=weights.parameters,
        seconds=time.perf_counter() - start,
        validation_mae=learnt.error / learnt.elements,
        products=sum(matrix.ledger.products for matrix in matrices),
        conversions=sum(matrix.ledger.conversions for matrix in matrices),
    )
    model = replace(model, record=_record(path, data, macro, result))
    return replace(result, model=model), matrices


def _record(
    path: Path, data: DataSummary, macro: Macro, result: TrainingResult
) -> dict[str, object]:
    return {
        **provenance(path, data, macro),
        "train_seconds": result.seconds,
        "validation_hamiltonian_mae_hartree": result.validation_mae,
        "products": result.products,
        "conversions": result.conversions,
    }
