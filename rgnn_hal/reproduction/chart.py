"""What a plot shows, as values: `rgnn_hal.report` draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

_SHOWN = 10_000
"""Points of a parity plot; more of them look the same."""


@dataclass(frozen=True)
class Series:
    """Points, with error bars where `low` and `high` are given, or a line."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    line: bool = False
    group: int = 0
    """Series of one group share a colour."""
    hollow: bool = False
    """Whether points are rings."""


@dataclass(frozen=True)
class Curves:
    """Series over two labelled axes."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_log: bool = False
    y_log: bool = False


@dataclass(frozen=True)
class Bar:
    """A number with its interval."""

    label: str
    value: float
    low: float
    high: float
    group: str = ""
    """Bars of one group share a colour, which the legend explains."""


@dataclass(frozen=True)
class Bars:
    """Numbers of one unit side by side on a logarithmic axis."""

    title: str
    x_label: str
    bars: tuple[Bar, ...]
    mark: float | None = None
    """Where a line stands, for what the numbers are compared with."""
    mark_label: str = ""


@dataclass(frozen=True)
class Parity:
    """Predictions over references."""

    title: str
    quantity: str
    reference: tuple[float, ...]
    predicted: tuple[float, ...]

    @classmethod
    def of(cls, title: str, quantity: str, reference: ArrayLike, predicted: ArrayLike) -> "Parity":
        """From arrays of equal shape, thinned evenly where they are long."""
        both = [np.asarray(one, dtype=float).ravel() for one in (reference, predicted)]
        shown = np.linspace(0, len(both[0]) - 1, min(len(both[0]), _SHOWN)).astype(int)
        x, y = (tuple(one[shown].tolist()) for one in both)
        return cls(title, quantity, x, y)


Chart: TypeAlias = Curves | Bars | Parity
