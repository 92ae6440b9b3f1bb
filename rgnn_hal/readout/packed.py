"""Statistics as flat arrays: of a symmetric matrix only the upper triangle, column by column."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.readout.noise import NoiseStatistics
from rgnn_hal.readout.statistics import Statistics

Arrays = dict[str, NDArray[Any]]


def pack_statistics(statistics: Statistics) -> Arrays:
    """Arrays that `unpack_statistics` takes; one of columns (columns + 1) / 2 numbers."""
    columns = len(statistics.moment)
    packed = np.empty(columns * (columns + 1) // 2)
    for column in range(columns):
        packed[_triangle(column)] = statistics.gram[: column + 1, column]
    counted = np.array([statistics.square, statistics.rows])
    return {"gram": packed, "moment": statistics.moment, "counted": counted}


def unpack_statistics(arrays: Mapping[str, NDArray[Any]]) -> Statistics:
    """The inverse.

    Raises:
        KeyError, ValueError: an array is missing or has another size.
    """
    moment, packed = arrays["moment"], arrays["gram"]
    columns = len(moment)
    if packed.shape != (columns * (columns + 1) // 2,):
        raise ValueError(f"{packed.shape} numbers are no triangle of {columns} columns")
    gram = np.zeros((columns, columns), order="F")
    for column in range(columns):
        gram[: column + 1, column] = packed[_triangle(column)]
    square, rows = arrays["counted"]
    return Statistics(gram, moment, float(square), int(rows))


def pack_noise(noise: NoiseStatistics) -> Arrays:
    """Arrays that `unpack_noise` takes."""
    return {"groups": noise.groups, "covariance": noise.covariance, "rows": np.array([noise.rows])}


def unpack_noise(arrays: Mapping[str, NDArray[Any]]) -> NoiseStatistics:
    """The inverse.

    Raises:
        KeyError: an array is missing.
    """
    return NoiseStatistics(arrays["groups"], arrays["covariance"], int(arrays["rows"][0]))


def _triangle(column: int) -> slice:
    start = column * (column + 1) // 2
    return slice(start, start + column + 1)
