"""What training sums up, kept: readouts for any number of reads, in seconds and without the data.

The statistics are those of noise-free rows; the noise of one product, measured at some number of
reads, falls as one over the reads and is added as the penalty of the fit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rgnn_hal.macro import DataError
from rgnn_hal.readout import NoiseStatistics, RidgeResult, Statistics, fit_ridge
from rgnn_hal.readout.packed import pack_noise, pack_statistics, unpack_noise, unpack_statistics
from rgnn_hal.tasks.artefact import Arrays, load_kept

_PARTS = ("training", "validation", "noise")


@dataclass(frozen=True)
class KeptStatistics:
    """Sufficient statistics of one training."""

    training: Statistics
    validation: Statistics
    noise: NoiseStatistics
    reads: int
    """At which the noise was measured."""

    def fit(self, reads: int | None) -> RidgeResult:
        """The readout for products of `reads` reads; None for products without noise."""
        if reads is None:
            return fit_ridge(self.training, self.validation)
        with self._noisy(self.reads / reads):
            return fit_ridge(self.training, self.validation)

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

    def describe(self) -> Arrays:
        """As arrays of an artefact."""
        parts = (
            pack_statistics(self.training),
            pack_statistics(self.validation),
            pack_noise(self.noise),
        )
        return {
            f"{part}.{name}": array
            for part, arrays in zip(_PARTS, parts, strict=True)
            for name, array in arrays.items()
        }


def load_statistics(folder: Path, reads: int) -> KeptStatistics | None:
    """What a model trained at `reads` kept; None if it was told to keep nothing.

    Raises:
        DataError: damaged.
    """
    arrays = load_kept(folder)
    if arrays is None:
        return None
    try:
        training, validation, noise = (
            {
                name.removeprefix(f"{part}."): a
                for name, a in arrays.items()
                if name.startswith(part)
            }
            for part in _PARTS
        )
        return KeptStatistics(
            unpack_statistics(training), unpack_statistics(validation), unpack_noise(noise), reads
        )
    except (KeyError, ValueError) as error:
        raise DataError(f"statistics of {folder} are damaged ({error!r}); train again") from error


def _part(arrays: Arrays, part: str) -> Arrays:
    start = f"{part}."
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
