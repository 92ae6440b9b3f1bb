"""What a measurement says: values with their standard errors, and the curves they come from.

Everything carries its unit, because a file of numbers outlives the program that wrote it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """One number with its uncertainty."""

    value: float
    standard_error: float
    """One standard deviation of the estimate, in the same unit."""
    unit: str
    count: int
    """Independent observations behind it: cells, columns, cycles."""

    def agrees_with(self, truth: float, sigmas: float = 3.0) -> bool:
        """Whether `truth` is within `sigmas` standard errors."""
        return abs(self.value - truth) <= sigmas * self.standard_error


@dataclass(frozen=True)
class Series:
    """A curve, a map or a list of cells."""

    values: NDArray[Any]
    unit: str


@dataclass(frozen=True)
class Findings:
    """The outcome of one measurement."""

    estimates: Mapping[str, Estimate]
    series: Mapping[str, Series] = field(default_factory=dict)
