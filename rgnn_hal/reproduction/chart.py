"""What a plot shows, as values: `rgnn_hal.report` draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


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


@dataclass(frozen=True)
class Bars:
    """Numbers of one unit side by side on a logarithmic axis."""

    title: str
    x_label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, eq=False)
class Parity:
    """Predictions over references."""

    title: str
    quantity: str
    reference: NDArray[np.float64]
    predicted: NDArray[np.float64]


Chart: TypeAlias = Curves | Bars | Parity
