"""What training sums up, kept: readouts for any number of reads, in seconds and without the data.

The statistics are those of noise-free rows; the noise of one product, measured at some number of
reads, falls as one over the reads and is added as the penalty of the fit. Members of a committee
are kept packed and unfolded one at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import ase
import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import DataError
from rgnn_hal.readout import (
    NoiseStatistics,
    RidgeResult,
    Statistics,
    fit_ridge,
    fit_ridge_at,
)
from rgnn_hal.readout.packed import pack_noise, pack_statistics, unpack_noise, unpack_statistics
from rgnn_hal.reservoir import Reservoir
from rgnn_hal.structures import pack_structures, unpack_structures
from rgnn_hal.tasks.artefact import Arrays, load_kept
from rgnn_hal.tasks.forces.committee import CommitteeResult, members

_PARTS = ("training", "validation", "noise")


@dataclass(frozen=True)
class MemberStatistics:
    """Sufficient statistics of one member of a committee."""

    training: Statistics
    validation: Statistics
    noise: NoiseStatistics
    penalty: NDArray[np.float64]
    """See `Member.penalty`."""

    def fit(self, factor: float) -> RidgeResult:
        """The readout for products with `factor` times the variance of the measured noise."""
        with self._noisy(factor):
            return fit_ridge(self.training, self.validation, penalty=self.penalty)

    def fit_at(self, strength: float, factor: float) -> RidgeResult:
        """The same with the ridge that was best for a like member."""
        with self._noisy(factor):
            return fit_ridge_at(strength, self.training, self.validation, self.penalty)

    @property
    def shape(self) -> tuple[int, int]:
        """Types of atoms, and invariants of a channel."""
        groups = self.noise.groups
        return len(self.training.moment) - groups.size, groups.shape[1]

    @contextmanager
    def _noisy(self, factor: float) -> Iterator[None]:
        """The statistics with noise, in their own memory: a copy takes 1.5 GB at the defaults."""
        both = (self.training, self.validation)
        for statistics in both:
            self.noise.add_to(statistics, factor)
        try:
            yield
        finally:
            for statistics in both:
                self.noise.add_to(statistics, -factor)

    def pack(self) -> Arrays:
        """Flat arrays."""
        parts = (
            pack_statistics(self.training),
            pack_statistics(self.validation),
            pack_noise(self.noise),
        )
        return {
            f"{part}.{name}": array
            for part, arrays in zip(_PARTS, parts, strict=True)
            for name, array in arrays.items()
        } | {"penalty": self.penalty}

    @classmethod
    def unpack(cls, arrays: Arrays) -> "MemberStatistics":
        """The inverse.

        Raises:
            KeyError, ValueError: an array is missing or has another size.
        """
        training, validation, noise = (_under(part, arrays) for part in _PARTS)
        return cls(
            unpack_statistics(training),
            unpack_statistics(validation),
            unpack_noise(noise),
            arrays["penalty"],
        )


def fit_committee(members: Iterator[MemberStatistics], factor: float) -> CommitteeResult:
    """Fit one member after another, so that no two are in memory at once.

    The first one's ridge is that of all, which are alike.
    """
    head = next(members)
    types, size = head.shape
    first = head.fit(factor)
    del head
    fit_alike = partial(MemberStatistics.fit_at, strength=first.strength, factor=factor)
    return CommitteeResult.of([first, *map(fit_alike, members)], types, size)


@dataclass(frozen=True)
class KeptStatistics:
    """Sufficient statistics of one training."""

    members: tuple[Arrays, ...]
    """Packed."""
    reads: int
    """At which the noise was measured."""
    sample: tuple[ase.Atoms, ...]
    """Structures it was measured on."""

    def with_noise(self, noise: NoiseStatistics, twin: Reservoir) -> "KeptStatistics":
        """The same rows under the noise of all channels of `twin` as it is now."""
        renewed = tuple(
            arrays | {f"noise.{name}": array for name, array in pack_noise(part).items()}
            for arrays, part in zip(
                self.members, (member.noise(noise) for member in members(twin)), strict=True
            )
        )
        return replace(self, members=renewed)

    def fit(self, reads: int | None) -> CommitteeResult:
        """The readout for products of `reads` reads; None for products without noise."""
        factor = 0.0 if reads is None else self.reads / reads / len(self.members)
        return fit_committee(map(MemberStatistics.unpack, self.members), factor)

    def describe(self) -> Arrays:
        """As arrays of an artefact."""
        return {
            f"{number}.{name}": array
            for number, arrays in enumerate(self.members)
            for name, array in arrays.items()
        } | {f"sample.{name}": array for name, array in pack_structures(self.sample).items()}


def load_statistics(folder: Path, reads: int) -> KeptStatistics | None:
    """What a model trained at `reads` kept; None if it was told to keep nothing.

    Raises:
        DataError: damaged.
    """
    arrays = load_kept(folder)
    if arrays is None:
        return None
    numbers = sorted({int(name.partition(".")[0]) for name in arrays if name[0].isdigit()})
    packed = tuple(_under(str(number), arrays) for number in numbers)
    try:
        for member in packed:
            MemberStatistics.unpack(member)
        sample = unpack_structures(_under("sample", arrays))
    except (KeyError, ValueError) as error:
        raise DataError(f"statistics of {folder} are damaged ({error!r}); train again") from error
    return KeptStatistics(packed, reads, sample)


def _under(start: str, arrays: Arrays) -> Arrays:
    """Arrays named `start.NAME`, as NAME."""
    head = f"{start}."
    return {name.removeprefix(head): a for name, a in arrays.items() if name.startswith(head)}
