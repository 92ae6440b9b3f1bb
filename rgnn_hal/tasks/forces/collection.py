"""Statistics of a whole file of frames, in the memory of Gram matrices.

The file is cut into leaves, consecutive frames of some thousand rows, wherever they end up being
worked on: here, or where `rgnn_hal.tasks.forces.workers` sends them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import ase
import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.cost import Operations, record, recording
from rgnn_hal.cost.digital import Sampled
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout import NoiseStatistics, Statistics, StatisticsBuilder
from rgnn_hal.reservoir import Reservoir
from rgnn_hal.reservoir.leverage import Leverage, sketch, sketch_channels
from rgnn_hal.structures import FilePart, LabelledFrame, file_parts, join_graphs, read_frames
from rgnn_hal.tasks.forces.examples import Example, ExampleStore
from rgnn_hal.tasks.forces.regression import Regression

_LEAF_ATOMS = 1024
"""About, and one frame at least. A sweep keeps what they need in memory. 900 frames of ethanol take
7.1 s in leaves of 256 atoms, 5.7 of 512 and 5.2 of 1024."""
_BATCH_ATOMS = 170
"""Whose rows are made at once. Twice as many are no faster: 12.2 to 13.7 s instead of 11.5 to 12.1
for 900 frames of ethanol (4,380 columns)."""
_NOISE_FRAMES = 64
"""Measured for the noise. 25 instead of 200 frames of ethanol cost 1 % of the force error."""
_NOISE_ATOMS = 576
"""In fewer frames if those are enough: their rows are computed twice, at 1 s a frame of Li3PO4."""
_FEWEST_NOISE_FRAMES = 4
_LEVERAGE_ATOMS = 20_000
"""Their neighbours and sketches are in memory for a moment: some 100 MB."""
_SKETCH_ATOMS = 512
"""Side by side: 900 molecules of ethanol, reading them included, take 3.2 s, one by one 5.9."""

T = TypeVar("T")


@dataclass(frozen=True)
class Collected:
    """Statistics of the training and of the validation frames; `a + b` merges."""

    training: Statistics
    validation: Statistics
    work: Operations = field(default_factory=Operations)

    def __add__(self, other: Collected) -> Collected:
        return Collected(
            self.training + other.training,
            self.validation + other.validation,
            self.work + other.work,
        )


@dataclass(frozen=True)
class Job:
    """All that turns a leaf into statistics, wherever that happens."""

    path: Path
    regression: Regression
    validates: NDArray[np.bool_]
    """Which frames of the file are not trained on."""
    counts: NDArray[np.bool_] | None = None
    """Which of all frames statistics are of; all by default. Sweeps are of all in any case."""
    store: ExampleStore = field(default_factory=ExampleStore, compare=False, repr=False)

    def leaves(self) -> list[FilePart]:
        """The file in parts, of equal size and even number as far as frames allow.

        Those of one file are always the same.
        """
        atoms = sum(part.atoms for part in file_parts(self.path, _LEAF_ATOMS))
        pairs = math.ceil(atoms / (2 * _LEAF_ATOMS))
        return file_parts(self.path, math.ceil(atoms / (2 * pairs)))

    def examples(self, leaf: FilePart) -> tuple[Example, ...]:
        """Frames of a leaf."""
        return self.store.of(self.path, leaf, self.regression.example)

    def collect(
        self, leaves: Sequence[FilePart], counted: Callable[[], None] = lambda: None
    ) -> Collected:
        """Statistics of some leaves; `counted` is called after every frame."""
        columns = self.regression.reservoir.columns
        training, validation = StatisticsBuilder(columns), StatisticsBuilder(columns)
        sampled = Sampled()
        with one_torch_thread(), recording() as work:
            for leaf in leaves:
                for validates, batch in self._batches(leaf, counted):
                    builder = validation if validates else training
                    with sampled.task(sum(example.graph.atoms for example in batch)):
                        for rows in self.regression.rows(batch):
                            builder.add(*rows)
                    for _ in batch:
                        counted()
            collected = training.finish(), validation.finish()
        return Collected(*collected, work.digital + sampled.total)

    def _batches(
        self, leaf: FilePart, passed: Callable[[], None]
    ) -> Iterator[tuple[bool, list[Example]]]:
        """Frames that count, some that validate or some that do not; `passed` is called of others.

        They are of one leaf, so that whoever collects it makes the same rows.
        """
        groups: dict[bool, list[Example]] = {False: [], True: []}
        for number, example in enumerate(self.examples(leaf), start=leaf.first):
            if self.counts is not None and not self.counts[number]:
                passed()
                continue
            validates = bool(self.validates[number])
            group = groups[validates]
            group.append(example)
            if sum(one.graph.atoms for one in group) >= _BATCH_ATOMS:
                yield validates, group
                groups[validates] = []
        yield from ((validates, group) for validates, group in groups.items() if group)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Rows take 5.3 ms a molecule of ethanol in one thread and 10 in two (25 channels)."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def noise_frames(job: Job) -> list[LabelledFrame]:
    """Frames for `measure_noise`, evenly spread over the file."""
    atoms = sum(leaf.atoms for leaf in job.leaves())
    enough = max(_FEWEST_NOISE_FRAMES, _NOISE_ATOMS * len(job.validates) // atoms)
    return list(_spread(job, min(_NOISE_FRAMES, enough), partial(read_frames, job.path)))


def measure_noise(
    regression: Regression,
    hardware: Reservoir,
    structures: Sequence[ase.Atoms],
    progress: Progress = silent,
) -> NoiseStatistics:
    """The noise of rows on `hardware`, measured on some structures."""
    noise = NoiseStatistics.empty(hardware.channel_columns)
    sampled = Sampled()
    for done, atoms in enumerate(structures, start=1):
        with sampled.task():
            for differences in regression.noise(atoms, hardware):
                noise = noise.with_rows(differences)
        progress(done, len(structures), "measuring noise")
    record(sampled.total)
    return noise


def measure_leverage(job: Job, atoms: int, progress: Progress = silent) -> Leverage:
    """What tells atoms of the training from others; the file holds `atoms` atoms."""
    reservoir, frames = job.regression.reservoir, len(job.validates)
    elements = len(reservoir.elements)
    count = max(1, min(frames, frames * _LEVERAGE_ATOMS // atoms))
    while True:
        spread = _spread(job, count, job.examples, "measuring leverage", progress)
        graphs = [example.graph for example in spread]
        species = np.concatenate([graph.species.numpy() for graph in graphs])
        rarest = int(np.bincount(species, minlength=elements).min())
        if rarest > 0 or count == frames:
            break
        count = min(4 * count, frames)  # an element that few frames hold
    channels = sketch_channels(reservoir, rarest)
    sampled, sketches = Sampled(), []
    size = max(1, _SKETCH_ATOMS * len(graphs) // len(species))
    for start in range(0, len(graphs), size):
        some = graphs[start : start + size]
        with sampled.task(len(some)):
            sketches.append(sketch(reservoir, join_graphs(some), channels))
    record(sampled.total)
    return Leverage.of(np.concatenate(sketches), species, elements)


def _spread(
    job: Job,
    count: int,
    read: Callable[[FilePart], Iterable[T]],
    label: str = "choosing frames",
    progress: Progress = silent,
) -> Iterator[T]:
    """What `read` gives of at most `count` frames, evenly spread over the file."""
    frames = len(job.validates)
    chosen = np.linspace(0, frames - 1, min(frames, count)).round().astype(int)
    wanted, done = set(chosen.tolist()), 0
    for leaf in job.leaves():
        if wanted.isdisjoint(range(leaf.first, leaf.stop)):
            continue
        for number, frame in enumerate(read(leaf), start=leaf.first):
            if number in wanted:
                yield frame
                done += 1
                progress(done, len(wanted), label)
