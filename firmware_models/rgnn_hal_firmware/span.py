"""Runs of neighbouring cells: arrays take a slice up to ten times faster than a list of indices."""

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.int64]


def span(cells: Cells) -> slice | Cells:
    """What picks `cells` (flat indices): a slice, and so a view, where each follows the last."""
    # As many whole numbers as there are between two, all rising, are all of them.
    if cells.size and cells[-1] - cells[0] == cells.size - 1 and (cells[1:] > cells[:-1]).all():
        return slice(int(cells[0]), int(cells[-1]) + 1)
    return cells


def spots(mask: NDArray[np.bool_]) -> slice | NDArray[np.intp]:
    """What picks the elements where `mask` is set: a slice where that is everywhere."""
    return slice(None) if mask.all() else np.flatnonzero(mask)
