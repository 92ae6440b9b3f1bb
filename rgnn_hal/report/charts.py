"""Charts of a reproduction drawn with matplotlib, one figure each."""

from typing import Any

from rgnn_hal.report.figure import new_figure
from rgnn_hal.report.parity import draw_parity
from rgnn_hal.reproduction.chart import Bars, Chart, Curves, Parity, Series


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
                chart.reference, chart.predicted, quantity=chart.quantity, title=chart.title
            )


def is_dense(chart: Chart) -> bool:
    """Whether it holds too many points to be drawn as lines."""
    return isinstance(chart, Parity)


def _curves(chart: Curves) -> Any:
    figure, (axes,) = new_figure(1, chart.title)
    figure.set_size_inches(10.0, 5.0)
    for series in chart.series:
        _series(axes, series)
    axes.set(xlabel=chart.x_label, ylabel=chart.y_label)
    axes.set_xscale("log" if chart.x_log else "linear")
    axes.set_yscale("log" if chart.y_log else "linear")
    axes.grid(alpha=0.25)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8, frameon=False)
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
    hollow = "ours" in series.label
    axes.errorbar(
        series.x,
        series.y,
        bars,
        fmt="o" if hollow else "s",
        markerfacecolor="white" if hollow else colour,
        color=colour,
        markersize=5,
        label=label,
    )


def _bars(chart: Bars) -> Any:
    figure, (axes,) = new_figure(1, chart.title)
    figure.set_size_inches(10.0, 1.4 + 0.34 * len(chart.bars))
    places = range(len(chart.bars))
    values = [bar.value for bar in chart.bars]
    below = [bar.value - bar.low for bar in chart.bars]
    above = [bar.high - bar.value for bar in chart.bars]
    colours = ["C1" if "macro" in bar.label else "C0" for bar in chart.bars]
    axes.barh(places, values, xerr=[below, above], color=colours, alpha=0.75, capsize=3)
    axes.set_yticks(list(places), [bar.label for bar in chart.bars])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set(xlabel=chart.x_label)
    axes.grid(axis="x", alpha=0.25)
    return figure
