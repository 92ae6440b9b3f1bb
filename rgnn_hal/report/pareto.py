"""Accuracy against energy: models at several reads and bits, with the interval of the energy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rgnn_hal.cost.uncertainty import Modelled
from rgnn_hal.report.figure import new_figure, save_figure

_WIDE = 3.0
"""Errors that differ by more are drawn on a logarithmic axis."""


@dataclass(frozen=True)
class TradeOff:
    """One model at one number of reads, of inputs at one number of bits."""

    model: str
    reads: int
    bits: int | None
    """None where the macro's converter decides."""
    energy: Modelled
    """J per inference, of the whole system."""
    error: float
    """In the plot's unit."""

    @property
    def line(self) -> str:
        """What it is drawn with: the same model and bits."""
        return self.model if self.bits is None else f"{self.model}, {self.bits} bits"

    def dominated(self, others: "Sequence[TradeOff]") -> bool:
        """Whether another one is at least as good in both and better in one."""
        mine = (self.energy.value, self.error)
        return any(
            other.energy.value <= mine[0]
            and other.error <= mine[1]
            and (other.energy.value, other.error) != mine
            for other in others
        )


@dataclass(frozen=True)
class Floor:
    """What a model reaches without noise, in the plot's unit."""

    model: str
    twin: float
    """As it is, on its digital twin."""
    exact: float | None
    """Trained for no noise; None where that is not known."""


def pareto_plot(
    points: Sequence[TradeOff],
    path: Path,
    *,
    quantity: str,
    title: str,
    floors: Sequence[Floor] = (),
) -> Path:
    """Error over energy, one line per model and bits; what nothing dominates is filled."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    figure, (axes,) = new_figure(1, title)
    names = dict.fromkeys(point.line for point in points)
    for number, name in enumerate(names):
        colour = f"C{number}"
        own = sorted((p for p in points if p.line == name), key=lambda p: p.energy.value)
        energy = [p.energy.value for p in own]
        spread = [
            [p.energy.value - p.energy.low for p in own],
            [p.energy.high - p.energy.value for p in own],
        ]
        axes.errorbar(
            energy, [p.error for p in own], xerr=spread, color=colour, capsize=2, label=name
        )
        for point in own:
            face = "none" if point.dominated(points) else colour
            axes.plot(point.energy.value, point.error, "o", mec=colour, mfc=face)
            axes.annotate(
                f"{point.reads}",
                (point.energy.value, point.error),
                textcoords="offset points",
                xytext=(5, 5),
            )
    lines = [(point.model, f"C{list(names).index(point.line)}") for point in points]
    colours = dict(reversed(lines))  # of a model's first line
    for one in floors:
        for error, style, words in ((one.twin, "--", "twin"), (one.exact, ":", "exact")):
            if error is not None:
                label = f"{one.model}, {words}"
                axes.axhline(error, color=colours[one.model], ls=style, lw=1, label=label)
    errors = [point.error for point in points]
    wide = max(errors) > _WIDE * min(errors)
    axes.set(
        xlabel="energy per inference, 68 % interval",
        ylabel=quantity,
        xscale="log",
        yscale="log" if wide else "linear",
    )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter("J"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(title="numbers: reads per product")
    return save_figure(figure, path)
