"""Charts of a reproduction drawn with matplotlib, one figure each."""

from typing import Any

import numpy as np

from rgnn_hal.report.figure import new_figure
from rgnn_hal.report.parity import draw_parity
from rgnn_hal.reproduction.chart import Bars, Chart, Curves, Parity, Series

_WIDE = 8.5
"""inches; at the width of a page, letters are about as large as its text."""


def draw_chart(chart: Chart) -> Any:
    """A figure with labelled axes.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    match chart:
        case Curves():
            return _curves(chart)
        case Bars():
            return _bars(chart)
        case Parity():
            return draw_parity(
                np.array(chart.reference),
                np.array(chart.predicted),
                quantity=chart.quantity,
                title=chart.title,
            )


def is_dense(chart: Chart) -> bool:
    """Whether it holds too many points to be drawn as lines."""
    return isinstance(chart, Parity)


def _curves(chart: Curves) -> Any:
    figure, (axes,) = new_figure(1, chart.title)
    named = sum(bool(series.label) for series in chart.series)
    figure.set_size_inches(_WIDE, 4.4 + 0.11 * named)
    for series in chart.series:
        _series(axes, series)
    axes.set(xlabel=chart.x_label, ylabel=chart.y_label)
    axes.set_xscale("log" if chart.x_log else "linear")
    axes.set_yscale("log" if chart.y_log else "linear")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure


def _series(axes: Any, series: Series) -> None:
    colour = f"C{series.group}"
    label = series.label or None
    if series.line:
        axes.plot(series.x, series.y, color=colour, linewidth=1.2, label=label)
        return
    bars = None
    if series.low is not None and series.high is not None:
        below = [y - low for y, low in zip(series.y, series.low, strict=True)]
        above = [high - y for y, high in zip(series.y, series.high, strict=True)]
        bars = [below, above]
    axes.errorbar(
        series.x,
        series.y,
        bars,
        fmt="o" if series.hollow else "s",
        markerfacecolor="white" if series.hollow else colour,
        color=colour,
        markersize=5,
        label=label,
    )


def _bars(chart: Bars) -> Any:
    figure, (axes,) = new_figure(1, chart.title)
    figure.set_size_inches(_WIDE, 1.7 + 0.36 * len(chart.bars))
    groups = list(dict.fromkeys(bar.group for bar in chart.bars))
    for number, group in enumerate(groups):
        places = [place for place, bar in enumerate(chart.bars) if bar.group == group]
        bars = [chart.bars[place] for place in places]
        values = [bar.value for bar in bars]
        spread = [
            [bar.value - bar.low for bar in bars],
            [bar.high - bar.value for bar in bars],
        ]
        # Dots, because a bar's length means nothing on a logarithmic axis.
        axes.errorbar(
            values, places, xerr=spread, fmt="o", color=f"C{number}", capsize=3, label=group or None
        )
    if chart.mark is not None:
        axes.axvline(chart.mark, color="0.2", linestyle="--", label=chart.mark_label or None)
    axes.set_yticks(range(len(chart.bars)), [bar.label for bar in chart.bars])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set(xlabel=f"{chart.x_label}, 68 % interval")
    axes.grid(alpha=0.25)
    if any(groups) or chart.mark is not None:
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return figure
