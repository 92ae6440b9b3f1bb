"""A committee: readouts of groups of channels, each fitted alone, averaged.

    theta = (theta_1, ..., theta_M) / M

Every member meets other random channels, and what its error owes to them averages out. Force errors
of 160 channels in one fit, as two members and as four, and of one of the four alone: 11.8, 12.1,
13.8 and 17.7 meV/A for 300 frames of ethanol, 49.9, 46.7, 48.5 and 63.9 for 150 of aspirin, with
penalties that were the same for all orders. Memory no longer grows with the channels, and the cost
of training grows with them, not with their cube.
Where frames are many one fit of all channels is better still: `refinement` starts from the mean.

The noise of the members' products averages out as well: each pays for its M-th part of it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.readout import NoiseStatistics, RidgeInverse, RidgeResult
from rgnn_hal.reservoir import Reservoir

_MOST_COLUMNS = 9_300
"""Of a member: its Gram matrix takes 0.7 GB, of which training and validation need one each and a
few more to solve and to add up. At 17,924 columns SciPy's wheels (OpenBLAS 0.3.30, two threads, a
processor with AVX-512) end the process in dsyrk and dpotrf: issue 2562 of OpenBLAS."""
_MORE_IF_REFINED = 2
"""Members of half the width cost half the Gram matrices and a quarter of the solving. What they
are behind at the start (9.7 instead of 8.2 meV/A RMSE, 900 frames of ethanol) a refinement makes up
for in five steps; those of a third are at 7.8 where they are at 7.3, after 15. They need no more
than 2.0 GB, where 4.7 were needed."""
_ROWS_TO_DIVIDE = 2
"""To a column of an undivided member. 36 frames of Li3PO4, 96 channels, 0.7 rows to a column: 30.3
meV/A by two members, 32.2 by four."""
_MOST_UNDIVIDED = 2
"""Members that are not worth dividing: steps cost more than wider Gram matrices. 1,000 frames of
benzene (GFN2-xTB, 17,924 columns): two members start at 2.07 meV/A RMSE and are at 2.06 after 3
steps, four of half the width start at 3.06 and are at 2.19 after 20 and at 2.13 after 40. Training
takes 154 and 173 s, 4.9 GB where they are two."""
_PENALTY = {1: 0.01, 2: 0.01, 3: 1.0, 4: 4.0}
"""By a feature's order: most of an energy is of low order. Force errors with it and with all alike:
36.6 and 38.6 meV/A of 250 frames of aspirin, 35.4 and 38.5 of 150 of 3BPA (60 channels), 15.1 and
16.0 of 300 of ethanol (50), 41.9 and 49.1 of 30 of Li3PO4 (40); Li and Si gain 1 %."""


@dataclass(frozen=True)
class Member:
    """Some channels of a reservoir."""

    reservoir: Reservoir
    """Their digital twin."""
    channels: slice

    def columns(self, channels: int) -> NDArray[np.int64]:
        """Its columns among those of all `channels`."""
        types, size = len(self.reservoir.types), self.reservoir.invariants.size
        features = np.arange(types * size * channels)
        own = features.reshape(types, size, channels)[:, :, self.channels].ravel()
        return np.concatenate([own, len(features) + np.arange(types)])

    @property
    def penalty(self) -> NDArray[np.float64]:
        """Of its columns, beside the ridge of one that is 1, (columns,)."""
        invariants, types = self.reservoir.invariants, len(self.reservoir.types)
        by_feature = np.array([_PENALTY[len(feature)] for feature in invariants.features])
        learnt = np.tile(np.repeat(by_feature, self.reservoir.channels), types)
        return np.concatenate([learnt, np.ones(types)])

    def noise(self, whole: NoiseStatistics) -> NoiseStatistics:
        """Its part of the noise of all channels."""
        types, size = len(self.reservoir.types), whole.groups.shape[1]
        by_channel = whole.covariance.reshape(types, -1, size, size)[:, self.channels]
        return NoiseStatistics(
            self.reservoir.channel_columns, by_channel.reshape(-1, size, size), whole.rows
        )


def worth_dividing(rows: int, reservoir: Reservoir) -> bool:
    """Whether members are many, and those of half the width still have several rows to a column."""
    count = _fewest(reservoir)
    return count > _MOST_UNDIVIDED and rows * count >= _ROWS_TO_DIVIDE * reservoir.columns


def members(reservoir: Reservoir, *, divided: bool = False) -> Iterator[Member]:
    """As few members as can be, of nearly equal width; `divided` ones are half as wide."""
    count = min(_fewest(reservoir) * (_MORE_IF_REFINED if divided else 1), reservoir.channels)
    ends = [reservoir.channels * number // count for number in range(count + 1)]
    for start, stop in pairwise(ends):
        channels = slice(start, stop)
        yield Member(reservoir.some(channels), channels)


def _fewest(reservoir: Reservoir) -> int:
    return math.ceil(reservoir.columns / _MOST_COLUMNS)


@dataclass(frozen=True)
class CommitteeResult:
    """The mean of the members' readouts, in the order of the whole reservoir's columns."""

    readout: NDArray[np.float64]
    judged: NDArray[np.float64]
    """Of members that have not seen the validation rows."""
    inverses: tuple[RidgeInverse, ...]
    """Of the members' systems."""

    @property
    def strengths(self) -> tuple[float, ...]:
        """Of the members' ridges."""
        return tuple(inverse.strength for inverse in self.inverses)

    @classmethod
    def of(cls, results: Sequence[RidgeResult], types: int, size: int) -> "CommitteeResult":
        """From members over `types` types of atoms and `size` invariants of a channel, in order."""
        return cls(
            _mean([result.readout for result in results], types, size),
            _mean([result.judged for result in results], types, size),
            tuple(result.inverse for result in results),
        )


def _mean(readouts: Sequence[NDArray[np.float64]], types: int, size: int) -> NDArray[np.float64]:
    by_channel = [readout[:-types].reshape(types, size, -1) for readout in readouts]
    constants = sum(readout[-types:] for readout in readouts)
    joined = np.concatenate(by_channel, axis=2).ravel()
    return np.concatenate([joined, constants]) / len(readouts)
