"""Layouts: the same numbers, laid out in memory in every way that NumPy knows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def layouts(array: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """`array` (rows, columns) in other layouts, by name; the values are the same."""
    fixed = array.copy()
    fixed.flags.writeable = False
    wide = np.zeros((2 * array.shape[0], 2 * array.shape[1]), array.dtype)
    wide[::2, ::2] = array
    return {
        "a read-only array": fixed,
        "a strided array": wide[::2, ::2],
        "a column-major array": np.asfortranarray(array),
        "an array that runs backwards": array[::-1, ::-1].copy()[::-1, ::-1],
        "a big-endian array": array.astype(array.dtype.newbyteorder(">")),
    }
