"""Parity plots: predicted against reference, as density, because forces come by the thousand."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.report.figure import new_figure, save_figure


def parity_plot(
    reference: NDArray[np.float64],
    predicted: NDArray[np.float64],
    path: Path,
    *,
    quantity: str,
    title: str,
) -> Path:
    """`predicted` over `reference` (any equal shapes) and the distribution of the error."""
    return save_figure(draw_parity(reference, predicted, quantity=quantity, title=title), path)


def draw_parity(
    reference: NDArray[np.float64], predicted: NDArray[np.float64], *, quantity: str, title: str
) -> Any:
    """The same as a figure."""
    figure, (parity, errors) = new_figure(2, title)
    x, y = reference.ravel(), predicted.ravel()
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    parity.plot(ends, ends, color="0.6", linewidth=0.8)
    parity.hexbin(x, y, gridsize=80, bins="log", mincnt=1)
    parity.set(xlabel=f"reference {quantity}", ylabel=f"predicted {quantity}")
    errors.hist(y - x, bins=80)
    errors.set(xlabel=f"error of {quantity}", ylabel="count")
    return figure
