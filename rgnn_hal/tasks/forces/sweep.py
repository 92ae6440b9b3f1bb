"""A pass over all frames with one readout: what it says, and what that says about the readout.

    r = X theta   or   y - X theta
    X^T r over the frames that are learnt from, r itself of the others

Rows are never made: a leaf of frames costs a prediction and a sweep back
(`rgnn_hal.reservoir.adjoint`). Sweeps of leaves add up to that of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rgnn_hal.cost import Operations, recording
from rgnn_hal.cost.digital import count_work
from rgnn_hal.structures import FilePart
from rgnn_hal.tasks.forces.collection import Job, one_torch_thread

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Swept:
    """What a sweep gives; `a + b` joins those of frames and of the frames after them."""

    moment: Vector
    """X^T r, (columns,)."""
    unseen: Vector
    """r of the frames that are not learnt from."""
    rows: int
    """Learnt from."""
    work: Operations = field(default_factory=Operations)
    """Counted where labels are seen, that is in the first of many sweeps."""

    def __add__(self, other: Swept) -> Swept:
        return Swept(
            self.moment + other.moment,
            np.concatenate([self.unseen, other.unseen]),
            self.rows + other.rows,
            self.work + other.work,
        )


@dataclass(frozen=True)
class Sweep:
    """All that a sweep needs, wherever it happens."""

    job: Job
    theta: Vector
    """The readout, (columns,)."""
    learns: NDArray[np.bool_]
    """Which frames of the file are learnt from."""
    labels: bool
    """r = y - X theta, and work is counted; otherwise r = X theta."""

    def over(self, leaves: Sequence[FilePart]) -> Swept:
        """The sweep of some leaves, one at least."""
        with one_thread():
            return reduce(add, map(self._of_leaf, leaves))

    def _of_leaf(self, leaf: FilePart) -> Swept:
        examples = self.job.examples(leaf)
        learns = torch.from_numpy(self.learns[leaf.first : leaf.stop])
        regression, columns = self.job.regression, torch.from_numpy(self.theta)
        with count_work() if self.labels else recording() as work:
            batch = regression.batch(examples)
            found = regression.predicted(batch, columns)
            if self.labels:
                found = regression.labels(examples) - found
            # One batch: forms of a readout are put together once, for learnt and unseen frames.
            moment = regression.moment(batch, batch.only(found, learns)).numpy()
        rows = len(batch.some(found, learns).flat())
        return Swept(moment, batch.some(found, ~learns).flat(), rows, work.digital)


@contextmanager
def one_thread() -> Iterator[None]:
    """Two are no faster, and single precision would be rounded in another way."""
    with one_torch_thread(), threadpool_limits(1, user_api="blas"):
        yield
