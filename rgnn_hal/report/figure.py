"""Figures without global state: matplotlib is an extra, and pyplot is never touched."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rgnn_hal.macro import ConfigurationError


def new_figure(
    columns: int, title: str, widths: Sequence[float] | None = None
) -> tuple[Any, list[Any]]:
    """A figure with a row of axes, of equal widths unless relative ones are given.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * columns, 4.4), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(1, columns, squeeze=False, width_ratios=widths)
    return figure, list(axes[0])


def require_matplotlib() -> None:
    """Refuse before long work whose result could not be drawn.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ConfigurationError("plots need matplotlib: pip install 'rgnn-hal[plot]'") from error


def save_figure(figure: Any, path: Path) -> Path:
    """Write a PNG, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path
