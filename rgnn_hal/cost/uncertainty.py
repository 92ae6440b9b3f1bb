"""How far a modelled number may be off, and which figures it hangs on.

Each figure is drawn log-normally about its value, with ln(factor) as standard deviation, all
independently; the interval holds the middle 68 % of what the model then says. The share of a figure
is that of the variance of ln(result) to first order,

    share_i ~ (d ln y / d ln x_i)^2 ln(factor_i)^2.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from rgnn_hal.cost.figure import Frozen, figures, with_values

_DRAWS = 400
_STEP = 0.01

_Hardware = TypeVar("_Hardware", bound=Frozen)


@dataclass(frozen=True)
class Modelled:
    """A modelled number with its 68 % interval and what dominates it."""

    value: float
    low: float
    high: float
    shares: tuple[tuple[str, float], ...]
    """Figures by their share of the variance, the largest first; shares add up to 1."""


def modelled(
    model: Callable[..., float], *hardware: Frozen, draws: int = _DRAWS, seed: int = 0
) -> Modelled:
    """`model(*hardware)` with its uncertainty; it must be positive for any figures."""
    (found,) = modelled_together(lambda *h: (model(*h),), *hardware, draws=draws, seed=seed)
    return found


def modelled_together(
    model: Callable[..., Sequence[float]], *hardware: Frozen, draws: int = _DRAWS, seed: int = 0
) -> tuple[Modelled, ...]:
    """Several numbers of one model, from the same draws."""
    values = model(*hardware)
    varied = [
        (part, name, figure.value, math.log(figure.factor))
        for part, one in enumerate(hardware)
        for name, figure in figures(one)
        if figure.factor > 1 and figure.value > 0
    ]

    def at(logs: np.ndarray) -> Sequence[float]:
        changes: list[dict[str, float]] = [{} for _ in hardware]
        for (part, name, middle, _), log in zip(varied, logs, strict=True):
            if log:
                changes[part][name] = middle * math.exp(log)
        return model(*(with_values(one, c) for one, c in zip(hardware, changes, strict=True)))

    widths = np.array([width for *_, width in varied])
    normal = np.random.default_rng(seed).normal(size=(draws, len(varied)))
    drawn = np.array([at(row * widths) for row in normal])
    low, high = np.quantile(drawn, [0.1587, 0.8413], axis=0)
    stepped = np.array([at(_STEP * one) for one in np.eye(len(varied))])
    variance = (np.log(stepped / np.array(values)) / _STEP * widths[:, None]) ** 2
    names = [f"{getattr(hardware[part], 'name', part)}.{name}" for part, name, *_ in varied]
    return tuple(
        Modelled(
            value, float(low[number]), float(high[number]), _ranked(names, variance[:, number])
        )
        for number, value in enumerate(values)
    )


def _ranked(names: Sequence[str], variance: np.ndarray) -> tuple[tuple[str, float], ...]:
    shares = variance / (float(variance.sum()) or 1.0)
    ranked = sorted(zip(names, shares.tolist(), strict=True), key=lambda one: -one[1])
    return tuple(ranked)
