"""One cheap pass over the data before any hardware is touched.

It finds what the model's shape depends on (elements, number of frames, the composition baseline)
and everything that would break later (missing labels, isolated atoms), so that a bad file leaves
the macro as it was.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout import CompositionBaseline, CompositionStatistics
from rgnn_hal.reservoir import DensityStatistics
from rgnn_hal.structures import AtomTypes, RadialBasis, TypeCensus, build_graph, read_frames

_EVERY_ELEMENT = tuple(range(1, 119))


@dataclass(frozen=True)
class DataSummary:
    """What a forces file holds."""

    frames: int
    atoms: int
    elements: tuple[int, ...]
    """Atomic numbers, ascending."""
    baseline: CompositionBaseline
    """Energy per atom of each of `elements`."""
    census: TypeCensus
    """Of their neighbours."""
    sha256: str
    """Of the file."""


def scan(path: Path, cutoff: float, progress: Progress = silent) -> DataSummary:
    """Read every frame once; memory does not grow with their number.

    Raises:
        DataError: naming file, frame and remedy, for whatever cannot be learnt from.
    """
    statistics = CompositionStatistics.empty(len(_EVERY_ELEMENT))
    total, census = 0, TypeCensus(_EVERY_ELEMENT)
    for count, frame in enumerate(read_frames(path), start=1):
        census.add(build_graph(frame.atoms, _EVERY_ELEMENT, cutoff, where=frame.where))
        counts = composition(frame.atoms.numbers, _EVERY_ELEMENT)
        statistics = statistics.with_frame(counts, frame.energy)
        total += len(frame.atoms)
        # The number of frames is not known before the pass ends.
        progress(count, count, "scanning")
    present = np.flatnonzero(statistics.second_moment.diagonal())
    baseline = CompositionStatistics(
        statistics.second_moment[np.ix_(present, present)],
        statistics.energy_moment[present],
        statistics.frames,
    ).fit()
    elements = tuple(_EVERY_ELEMENT[index] for index in present)
    return DataSummary(statistics.frames, total, elements, baseline, census, _sha256(path))


def mean_environment(
    path: Path,
    data: DataSummary,
    types: AtomTypes,
    radial: RadialBasis,
    progress: Progress = silent,
) -> NDArray[np.float64]:
    """The mean l = 0 input of each element's atoms, (elements, types * radial.size).

    Taken away before every product: what all atoms share says nothing, but its noise costs.
    """
    statistics = DensityStatistics.empty(types, radial)
    for count, frame in enumerate(read_frames(path), start=1):
        graph = build_graph(frame.atoms, data.elements, radial.cutoff, where=frame.where)
        statistics = statistics.with_graph(graph, radial)
        progress(count, data.frames, "centring")
    return statistics.mean()


def validation_split(frames: int, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Which frames validate, (frames,): `fraction` of them, at least one, drawn by `seed`.

    Raises:
        DataError: fewer than two frames, so that nothing is left for one of the two.
    """
    if frames < 2:
        raise DataError(
            f"training needs at least two frames, one to fit and one to validate; there is {frames}"
        )
    chosen = np.zeros(frames, dtype=bool)
    number = min(max(1, round(fraction * frames)), frames - 1)
    order = np.random.default_rng([seed, 0x53504C54]).permutation(frames)
    chosen[order[:number]] = True
    return chosen


def thinned(validates: NDArray[np.bool_], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Some of the frames that validate and of the others, (frames,), drawn by `seed`."""
    chosen = np.zeros_like(validates)
    random = np.random.default_rng([seed, 0x5448494E])
    for frames in (np.flatnonzero(validates), np.flatnonzero(~validates)):
        number = min(math.ceil(fraction * len(frames)), len(frames))
        chosen[random.permutation(frames)[:number]] = True
    return chosen


def composition(numbers: NDArray[np.int_], elements: tuple[int, ...]) -> NDArray[np.float64]:
    """Atoms of each element, (elements,)."""
    return np.array([np.count_nonzero(numbers == z) for z in elements], dtype=np.float64)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
