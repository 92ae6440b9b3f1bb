"""Statistics of a whole file of frames, in the memory of Gram matrices.

The file is cut into leaves, consecutive frames of some thousand rows, wherever they end up being
worked on: here, or where `rgnn_hal.tasks.forces.workers` sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from pathlib import Path

import ase
import numpy as np
from numpy.typing import NDArray

from rgnn_hal.cost import Operations, record, recording
from rgnn_hal.cost.digital import Sampled
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout import NoiseStatistics, Statistics, StatisticsBuilder
from rgnn_hal.reservoir import Reservoir
from rgnn_hal.reservoir.leverage import Leverage, sketch, sketch_channels
from rgnn_hal.structures import FilePart, LabelledFrame, file_parts, read_frames
from rgnn_hal.tasks.forces.regression import Regression

_LEAF_ATOMS = 1024
"""A sweep keeps what they need in memory. 900 frames of ethanol take 7.1 s in leaves of 256 atoms,
5.7 of 512 and 5.2 of 1024."""
_BATCH_ATOMS = 170
"""Whose rows are made at once: those of their forces are as many as a Gram matrix takes at once."""
_NOISE_FRAMES = 64
"""Measured for the noise. 25 instead of 200 frames of ethanol cost 1 % of the force error."""
_NOISE_ATOMS = 576
"""In fewer frames if those are enough: their rows are computed twice, at 1 s a frame of Li3PO4."""
_FEWEST_NOISE_FRAMES = 4
_LEVERAGE_ATOMS = 20_000
"""Their neighbours and sketches are in memory for a moment: some 100 MB."""


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

    def leaves(self) -> list[FilePart]:
        """The file in parts; those of one file are always the same."""
        return file_parts(self.path, _LEAF_ATOMS)

    def collect(
        self, leaves: Sequence[FilePart], counted: Callable[[], None] = lambda: None
    ) -> Collected:
        """Statistics of some leaves; `counted` is called after every frame."""
        columns = self.regression.reservoir.columns
        training, validation = StatisticsBuilder(columns), StatisticsBuilder(columns)
        sampled = Sampled()
        with recording() as work:
            for leaf in leaves:
                for validates, frames in self._batches(leaf, counted):
                    builder = validation if validates else training
                    with sampled.task(sum(len(frame.atoms) for frame in frames)):
                        for rows in self.regression.rows(*frames):
                            builder.add(*rows)
                    for _ in frames:
                        counted()
            collected = training.finish(), validation.finish()
        return Collected(*collected, work.digital + sampled.total)

    def _batches(
        self, leaf: FilePart, passed: Callable[[], None]
    ) -> Iterator[tuple[bool, list[LabelledFrame]]]:
        """Frames that count, some that validate or some that do not; `passed` is called of others.

        They are of one leaf, so that whoever collects it makes the same rows.
        """
        groups: dict[bool, list[LabelledFrame]] = {False: [], True: []}
        for number, frame in enumerate(read_frames(self.path, leaf), start=leaf.first):
            if self.counts is not None and not self.counts[number]:
                passed()
                continue
            validates = bool(self.validates[number])
            group = groups[validates]
            group.append(frame)
            if sum(len(one.atoms) for one in group) >= _BATCH_ATOMS:
                yield validates, group
                groups[validates] = []
        yield from ((validates, group) for validates, group in groups.items() if group)


def collect(job: Job, progress: Progress = silent) -> Collected:
    """Statistics of the whole file, in this thread."""
    done = 0

    def counted() -> None:
        nonlocal done
        done += 1
        progress(done, len(job.validates), "training")

    # In a context of its own, as in a worker: its work is recorded once, with the sampled part.
    collected = Context().run(job.collect, job.leaves(), counted)
    record(collected.work)
    return collected


def noise_frames(job: Job) -> list[LabelledFrame]:
    """Frames for `measure_noise`, evenly spread over the file."""
    atoms = sum(leaf.atoms for leaf in job.leaves())
    enough = max(_FEWEST_NOISE_FRAMES, _NOISE_ATOMS * len(job.validates) // atoms)
    return list(_spread(job, min(_NOISE_FRAMES, enough), "choosing frames", silent))


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
        graphs = [
            job.regression.graph(frame.atoms, frame.where)
            for frame in _spread(job, count, "measuring leverage", progress)
        ]
        species = np.concatenate([graph.species.numpy() for graph in graphs])
        rarest = int(np.bincount(species, minlength=elements).min())
        if rarest > 0 or count == frames:
            break
        count = min(4 * count, frames)  # an element that few frames hold
    channels = sketch_channels(reservoir, rarest)
    sampled, sketches = Sampled(), []
    for graph in graphs:
        with sampled.task():
            sketches.append(sketch(reservoir, graph, channels))
    record(sampled.total)
    return Leverage.of(np.concatenate(sketches), species, elements)


def _spread(job: Job, count: int, label: str, progress: Progress) -> Iterator[LabelledFrame]:
    """At most `count` frames, evenly spread over the file."""
    frames = len(job.validates)
    chosen = np.linspace(0, frames - 1, min(frames, count)).round().astype(int)
    wanted, done = set(chosen.tolist()), 0
    for leaf in job.leaves():
        if wanted.isdisjoint(range(leaf.first, leaf.stop)):
            continue
        for number, frame in enumerate(read_frames(job.path, leaf), start=leaf.first):
            if number in wanted:
                yield frame
                done += 1
                progress(done, len(wanted), label)
