"""The fits: all products of all frames once, then one group of blocks after another.

The products are spooled to a temporary file, and groups of blocks (two elements, on one atom or
between two) are learnt from it in turn: memory holds one group's labels and one Gram matrix per
worker, however many frames there are. Within a group every kind (L, parity) is a regression of its
own, judged on frames that it has not seen.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.cost import Operations, products, record
from rgnn_hal.cost.digital import Sampled, count_digital
from rgnn_hal.progress import Progress
from rgnn_hal.readout import SharedStatisticsBuilder, fit_shared
from rgnn_hal.reservoir.pairs import PairReservoir
from rgnn_hal.structures import build_graph
from rgnn_hal.tasks.hamiltonian.blocks import BlockTensors, GroupKey, Kind, Oriented, orient
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
from rgnn_hal.tasks.hamiltonian.features import Design, Measured
from rgnn_hal.tasks.hamiltonian.model import measure
from rgnn_hal.tasks.hamiltonian.overlap import fit_overlap
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe
from rgnn_hal.tasks.hamiltonian.rows import GroupRows
from rgnn_hal.tasks.hamiltonian.scan import DataSummary
from rgnn_hal.tasks.hamiltonian.spool import Spool

FloatArray = NDArray[np.float64]
_ROUNDING = 1e-9  # hartree
_PATH = tuple(10.0**-exponent for exponent in range(1, 13))


@dataclass
class Learnt:
    """What has been learnt so far."""

    readouts: dict[tuple[GroupKey, Kind], FloatArray]
    overlaps: dict[tuple[GroupKey, Kind], FloatArray]
    features: int = 0
    error: float = 0.0
    """Sum of absolute errors of validation elements, hartree."""
    elements: int = 0


@dataclass(frozen=True)
class _Group:
    """All rows of one group and their labels."""

    tensors: BlockTensors
    rows: Oriented
    vectors: FloatArray
    hamiltonian: FloatArray
    """(rows, n1, n2), hartree."""
    overlap: FloatArray
    validates: NDArray[np.bool_]
    """(rows,)."""


@dataclass(frozen=True)
class Learner:
    """A reservoir and the data that it learns from."""

    path: Path
    data: DataSummary
    recipe: HamiltonianRecipe
    reservoir: PairReservoir
    validates: NDArray[np.bool_]
    """Which frames choose the strengths, (frames,)."""

    def learn(self, workers: int, progress: Progress) -> Learnt:
        """Measure every frame, then fit; `workers` threads share a group's kinds."""
        learnt = Learnt({}, {})
        with (
            tempfile.TemporaryDirectory(prefix="rgnn-hal-") as folder,
            ThreadPoolExecutor(workers) as pool,
        ):
            measured = self._measure(Path(folder), progress)
            for done, key in enumerate(self.data.groups):
                progress(done, len(self.data.groups), "learning")
                self._learn_group(self._load(key), measured, pool, learnt)
            progress(len(self.data.groups), len(self.data.groups), "learning")
        return learnt

    def _measure(self, folder: Path, progress: Progress) -> Measured:
        """Every frame through the macro, once, in order; atoms, pairs and edges count through."""
        spool, sampled = Spool(folder, self.data, self.recipe), Sampled()
        with HamiltonianFile(self.path) as file:
            for index, frame in enumerate(file):
                graph = build_graph(
                    frame.atoms, self.data.elements, self.recipe.cutoff, where=frame.where
                )
                displacement = frame.pairs.displacement(frame.atoms)
                with sampled.task():
                    row = measure(self.reservoir, self.recipe, graph, frame.pairs, displacement)
                spool.append(row)
                progress(index + 1, self.data.frames, "measuring")
        record(sampled.total)
        return spool.finish()

    def _load(self, key: GroupKey) -> _Group:
        """A group's rows from all frames."""
        tensors = BlockTensors(key, self.data.basis)
        parts: list[tuple[NDArray[np.generic], ...]] = []
        atom = pair = 0
        with HamiltonianFile(self.path) as file:
            for index, frame in enumerate(file):
                rows = orient(frame.atoms.numbers, frame.pairs).get(key)
                if rows is not None:
                    parts.append(
                        (
                            rows.pair + pair,
                            rows.flipped,
                            rows.first + atom,
                            rows.second + atom,
                            rows.vectors(frame.pairs.displacement(frame.atoms)),
                            rows.gather(frame.hamiltonian, tensors.shape),
                            rows.gather(frame.overlap, tensors.shape),
                            np.full(len(rows.pair), self.validates[index]),
                        )
                    )
                atom, pair = atom + len(frame.atoms), pair + len(frame.pairs)
        joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return _Group(tensors, Oriented(*joined[:4]), *joined[4:])

    def _learn_group(
        self, group: _Group, measured: Measured, pool: ThreadPoolExecutor, learnt: Learnt
    ) -> None:
        key, tensors = group.tensors.key, group.tensors
        view = GroupRows.of(tensors, group.rows, group.vectors, self.reservoir)
        design = Design.of(key, self.recipe)
        kinds = [
            kind
            for kind in tensors.transforms
            if len(design.penalty(kind)) and not _vanish(tensors.tensors(group.hamiltonian, kind))
        ]

        def regress(kind: Kind) -> tuple[tuple[FloatArray, FloatArray], Operations]:
            with count_digital() as work:
                return _regress(group, view, design, kind, measured), work

        judged: dict[Kind, FloatArray] = {}
        for kind, (found, work) in zip(kinds, pool.map(regress, kinds), strict=True):
            readout, prediction = found
            record(work)
            learnt.readouts[key, kind] = readout
            learnt.features += design.features(kind)
            judged[kind] = prediction
        for kind, coefficients in fit_overlap(
            tensors, group.vectors, group.overlap, self.data.reach
        ).items():
            learnt.overlaps[key, kind] = coefficients
        blocks = tensors.blocks(judged, int(group.validates.sum()))
        if key.mirrored:
            blocks = _mean_of_readings(blocks, group.rows, group.validates)
        difference = np.abs(blocks - group.hamiltonian[group.validates])
        # A mirrored pair is two rows; another pair stands for itself and its transpose.
        copies = 1 if key.on_site or key.mirrored else 2
        learnt.error += copies * float(difference.sum())
        learnt.elements += copies * difference.size


def _regress(
    group: _Group, view: GroupRows, design: Design, kind: Kind, measured: Measured
) -> tuple[FloatArray, FloatArray]:
    """The readout of one kind, and what it says of the validation rows before it sees them."""
    targets = group.tensors.tensors(group.hamiltonian, kind)
    penalty = design.penalty(kind)
    training, validation = (
        SharedStatisticsBuilder(len(penalty), targets.shape[2]) for _ in range(2)
    )
    chunks = view.chunks(kind, len(penalty))
    gathered = view.gather(design, kind, measured)
    for chunk in chunks:
        features = view.features(design, kind, chunk, measured, gathered)
        held_out = group.validates[chunk]
        for builder, chosen in ((training, ~held_out), (validation, held_out)):
            if chosen.any():
                builder.add(
                    features[chosen].reshape(-1, len(penalty)),
                    targets[chunk][chosen].reshape(-1, targets.shape[2]),
                )
    fit = fit_shared(training.finish(), validation.finish(), penalty, _PATH)
    judged = [
        view.features(design, kind, chunk, measured, gathered)[group.validates[chunk]] @ fit.judged
        for chunk in chunks
        if group.validates[chunk].any()
    ]
    empty = np.zeros((0, *targets.shape[1:]))
    prediction = np.concatenate([empty, *judged])
    record(products(prediction.size * len(penalty)))
    return fit.readout, prediction


def _vanish(targets: FloatArray) -> bool:
    """Whether labels of a kind are zero but for rounding, and need no readout.

    A local potential on one atom has no pseudo-tensors: ethanol's are below 1e-10 hartree.
    """
    return bool(np.abs(targets).max(initial=0.0) < _ROUNDING)


def _mean_of_readings(blocks: FloatArray, rows: Oriented, chosen: NDArray[np.bool_]) -> FloatArray:
    """Blocks of pairs read from both ends, replaced by the mean of both."""
    order = np.lexsort((rows.flipped[chosen], rows.pair[chosen]))
    straight, flipped = order[::2], order[1::2]
    mean = 0.5 * (blocks[straight] + blocks[flipped].transpose(0, 2, 1))
    result = np.empty_like(blocks)
    result[straight], result[flipped] = mean, mean.transpose(0, 2, 1)
    return result
