"""Energy curves with error bars, over the exact one where it is known."""

from collections.abc import Sequence
from pathlib import Path

from rgnn_hal.report.figure import new_figure, save_figure
from rgnn_hal.tasks.wavefunction.curve import CurvePoint, Reference


def energy_curve_plot(
    points: Sequence[CurvePoint], reference: Reference | None, path: Path, *, title: str
) -> Path:
    """Energies, and beside them what is left of the reference where that is known."""
    solved = [point for point in points if point.energy is not None]
    known = [point for point in solved if point.reference is not None]
    figure, axes = new_figure(2 if known else 1, title)
    x = [point.coordinate for point in solved]
    if reference is not None:
        axes[0].plot(*reference.line(min(x), max(x)), color="0.6", label="reference")
    energy = [point.energy for point in solved]
    error = [point.standard_error for point in solved]
    axes[0].errorbar(x, energy, error, fmt="o", markersize=3, label="solved")
    axes[0].set(xlabel="coordinate", ylabel="energy (hartree)")
    axes[0].legend()
    if known:
        off = [1e3 * ((point.energy or 0.0) - (point.reference or 0.0)) for point in known]
        bars = [1e3 * (point.standard_error or 0.0) for point in known]
        axes[1].axhspan(-1.0, 1.0, color="0.9")
        axes[1].axhline(0.0, color="0.6", linewidth=0.8)
        axes[1].errorbar([point.coordinate for point in known], off, bars, fmt="o", markersize=3)
        axes[1].set(xlabel="coordinate", ylabel="energy - reference (millihartree)")
    return save_figure(figure, path)
