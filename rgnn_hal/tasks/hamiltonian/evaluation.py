"""How far predicted Hamiltonians are from labels, and what that does to energy levels.

The error of H is the mean over all matrix elements: of the whole matrix for molecules, of all
stored blocks, both halves, for crystals. Levels solve H C = S C E with the labels' S on both sides,
at Gamma for molecules and on the calculation's grid for crystals; the occupied ones hold the
electrons that the labels say.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.tasks.hamiltonian.batch import Structure, batches
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile, HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.dense import dense_of_blocks
from rgnn_hal.tasks.hamiltonian.electronic import count_electrons
from rgnn_hal.tasks.hamiltonian.filling import wave_vector_grid
from rgnn_hal.tasks.hamiltonian.model import Predictor
from rgnn_hal.tasks.hamiltonian.orbitals import OrbitalBasis
from rgnn_hal.tasks.hamiltonian.spectrum import SPIN, eigenvalues

_KEPT = 200_000
"""Matrix elements kept for plots; the errors themselves come from all."""
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """Errors over all frames."""

    frames: int
    atoms: int
    edges: int
    """Blocks compared."""
    hamiltonian_mae: float
    """Hartree."""
    eigenvalue_mae: float
    """Hartree, of all levels."""
    occupied_energy_mae: float
    """Hartree, of the occupied levels; NaN where the labels do not say how many are."""
    seconds: float
    prediction_seconds: float
    """Of `seconds`, what predictions took."""
    reference: FloatArray
    """The first 200,000 labels, hartree."""
    predicted: FloatArray
    """Their predictions."""


def evaluate_hamiltonian(
    predictor: Predictor, path: Path, progress: Progress = silent
) -> Evaluation:
    """Predict every frame of an HDF5 file of Hamiltonians and compare.

    Raises:
        DataError: another basis or another kind of system than the model's, unknown elements.
    """
    start = time.perf_counter()
    frames = atoms = edges = kept = 0
    absolute = elements = predicting = 0.0
    levels: list[float] = []
    occupied: list[float] = []
    references: list[FloatArray] = []
    predictions: list[FloatArray] = []
    with HamiltonianFile(path) as file:
        _check_basis(predictor, file)
        for frame, found, seconds in _predictions(predictor, file):
            predicting += seconds
            reference, predicted = (_elements(each, file.basis) for each in (frame, found))
            weight = np.repeat(*_multiplicity(frame, file.basis))
            absolute += float(weight @ np.abs(predicted - reference))
            elements += float(weight.sum())
            everything, filled = _level_errors(frame, found, file)
            levels.append(everything)
            occupied.append(filled)
            frames, atoms, edges = frames + 1, atoms + len(frame.atoms), edges + len(frame.pairs)
            if kept < _KEPT:
                kept += len(reference)
                references.append(reference)
                predictions.append(predicted)
            progress(frames, len(file), "evaluating")
    return Evaluation(
        frames=frames,
        atoms=atoms,
        edges=edges,
        hamiltonian_mae=absolute / elements,
        eigenvalue_mae=float(np.mean(levels)),
        occupied_energy_mae=float(np.mean(occupied)),
        seconds=time.perf_counter() - start,
        prediction_seconds=predicting,
        reference=np.concatenate(references),
        predicted=np.concatenate(predictions),
    )


def _predictions(
    predictor: Predictor, file: HamiltonianFile
) -> Iterator[tuple[HamiltonianFrame, HamiltonianFrame, float]]:
    """Every frame with its prediction and the seconds that took; frames are predicted together."""
    index = 0
    structures = (Structure(frame.atoms, frame.pairs, frame.where) for frame in file)
    for some in batches(structures):
        begin = time.perf_counter()
        found = predictor.predict_many(some)
        seconds = (time.perf_counter() - begin) / len(some)
        for each in found:
            yield file.frame(index), each, seconds
            index += 1


def _check_basis(predictor: Predictor, file: HamiltonianFile) -> None:
    model = predictor.model
    if file.periodic != model.periodic:
        kinds = {True: "crystals", False: "molecules"}
        raise DataError(
            f"{file.path} holds {kinds[file.periodic]}, the model knows {kinds[model.periodic]}"
        )
    if file.basis.convention != model.basis.convention:
        raise DataError(
            f"{file.path} stores orbitals as {file.basis.convention}, the model as "
            f"{model.basis.convention}; compare like with like"
        )
    for z, shells in file.basis.shells.items():
        if model.basis.of(z) != shells:
            raise DataError(
                f"{file.path} has shells {file.basis.label(z)} on element {z}, the model "
                f"{model.basis.label(z)}; train on the same orbital basis"
            )


def _elements(frame: HamiltonianFrame, basis: OrbitalBasis) -> FloatArray:
    """All elements of the stored blocks without their padding, pair by pair."""
    sizes = np.diff(basis.offsets(frame.atoms.numbers))
    column = np.arange(basis.largest)
    rows = column < sizes[frame.pairs.first][:, None]
    columns = column < sizes[frame.pairs.second][:, None]
    # The model pads its blocks to its own largest element; a file may hold fewer elements.
    blocks = frame.hamiltonian[:, : basis.largest, : basis.largest]
    return blocks[rows[:, :, None] & columns[:, None, :]]


def mean_error(frame: HamiltonianFrame, found: HamiltonianFrame, basis: OrbitalBasis) -> float:
    """Mean absolute error of all elements of one structure's H, hartree."""
    difference = _elements(found, basis) - _elements(frame, basis)
    weight = np.repeat(*_multiplicity(frame, basis))
    return float(weight @ np.abs(difference) / weight.sum())


def _multiplicity(
    frame: HamiltonianFrame, basis: OrbitalBasis
) -> tuple[FloatArray, NDArray[np.int64]]:
    """How often every stored block stands in the whole matrix, and its number of elements."""
    sizes = np.diff(basis.offsets(frame.atoms.numbers))
    return (
        np.where(frame.pairs.on_site, 1.0, 2.0),
        sizes[frame.pairs.first] * sizes[frame.pairs.second],
    )


def _level_errors(
    frame: HamiltonianFrame, found: HamiltonianFrame, file: HamiltonianFile
) -> tuple[float, float]:
    """Mean absolute errors of all and of the occupied levels, hartree."""
    own = _with_labels_overlap(found, frame)
    if not file.periodic:
        numbers = np.asarray(frame.atoms.numbers, dtype=np.int64)
        overlap = dense_of_blocks(frame.overlap, file.basis, numbers, frame.pairs)
        errors = np.abs(
            np.subtract(
                *(
                    eigenvalues(
                        dense_of_blocks(each.hamiltonian, file.basis, numbers, frame.pairs), overlap
                    )
                    for each in (own, frame)
                )
            )
        )
        if frame.electrons is None:
            return float(errors.mean()), float("nan")
        filled = -(-frame.electrons // int(SPIN))
        return float(errors.mean()), float(errors[:filled].mean())
    grid = wave_vector_grid(file.k_grid)
    reference = Crystal.from_frame(frame, file.basis)
    predicted = Crystal.from_frame(own, file.basis)
    errors = np.abs(predicted.energies(grid.points) - reference.energies(grid.points))
    each = grid.weights @ errors
    if frame.chemical_potential is None:
        return float(each.mean()), float("nan")
    electrons = count_electrons(reference, grid, frame.chemical_potential)
    return float(each.mean()), float(each[: -(-electrons // int(SPIN))].mean())


def _with_labels_overlap(found: HamiltonianFrame, frame: HamiltonianFrame) -> HamiltonianFrame:
    size = frame.overlap.shape[1]
    return HamiltonianFrame(
        frame.atoms, frame.pairs, found.hamiltonian[:, :size, :size], frame.overlap, found.where
    )
