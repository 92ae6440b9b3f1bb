"""The column multiplexer: of each `positions` columns one is connected at a time.

Cells of one row that share a position are pulsed together, all others one after another.
"""

import math

import numpy as np
from numpy.typing import NDArray


def turns(mask: NDArray[np.bool_], positions: int) -> int:
    """How many pulses the cells of `mask` (rows, columns) take: one per row and position in use."""
    rows, cols = mask.shape
    # Eight cells at a time: `any` along short strides takes 0.6 ms for a whole chip.
    width = math.lcm(8, positions)
    padded = np.zeros((rows, -(-cols // width) * width), np.bool_)
    padded[:, :cols] = mask
    eights = padded.view(np.uint64).reshape(rows, -1, width // 8)
    seen = np.bitwise_or.reduce(eights, axis=1).view(np.bool_)
    return int(seen.reshape(rows, -1, positions).any(axis=1).sum())
