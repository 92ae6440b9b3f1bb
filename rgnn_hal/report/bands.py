"""Pictures of electronic structure: bands over the reference's, the density of states beside."""

from pathlib import Path
from typing import Any

from rgnn_hal.report.figure import new_figure, save_figure
from rgnn_hal.tasks.hamiltonian.bands import BandPath
from rgnn_hal.tasks.hamiltonian.electronic import ElectronicStructure
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV

_ABOVE = 8.0
"""How far above the Fermi level is drawn, eV; higher bands are the basis set's, not physics."""


def bands_plot(
    found: ElectronicStructure,
    path: Path,
    *,
    title: str,
    reference: ElectronicStructure | None = None,
) -> Path:
    """Bands and density of states in eV from the Fermi level, as a PNG.

    Each structure is counted from its own Fermi level.
    """
    figure, (left, right) = new_figure(2, title, widths=(3.0, 1.0))
    if reference is not None:
        _draw(reference, left, right, "reference", {"color": "0.6", "linewidth": 2.2})
    _draw(found, left, right, "predicted", {"color": "C3", "linewidth": 0.9})
    _mark_stations(left, found.bands.path)
    bottom = float(found.levels.min()) * HARTREE_EV
    top = min(float(found.levels.max()) * HARTREE_EV, _ABOVE)
    for axes in (left, right):
        axes.axhline(0.0, color="0.3", linewidth=0.6, linestyle="--")
        axes.set_ylim(bottom - 0.05 * (top - bottom), top)
    left.set(ylabel="energy from the Fermi level (eV)")
    right.set(xlabel="states/eV/cell", yticklabels=[])
    right.set_xlim(left=0.0)
    if reference is not None:
        left.legend(loc="upper right")
    return save_figure(figure, path)


def _draw(
    structure: ElectronicStructure, left: Any, right: Any, label: str, style: dict[str, Any]
) -> None:
    lines = left.plot(structure.bands.path.distance, structure.levels * HARTREE_EV, **style)
    lines[0].set_label(label)
    energy = (structure.dos_energy - structure.fermi_level) * HARTREE_EV
    right.plot(structure.dos / HARTREE_EV, energy, **style)


def _mark_stations(axes: Any, path: BandPath) -> None:
    """Points of high symmetry; two where the path jumps share a tick."""
    names: dict[float, str] = {}
    for distance, name in path.ticks:
        shown = "Γ" if name == "G" else name
        names[distance] = f"{names[distance]}|{shown}" if distance in names else shown
    axes.set_xticks(list(names), list(names.values()))
    axes.set_xlim(path.distance[0], path.distance[-1])
    for distance in names:
        axes.axvline(distance, color="0.85", linewidth=0.6, zorder=0)
