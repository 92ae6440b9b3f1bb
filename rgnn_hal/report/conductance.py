"""Pictures of conductances: maps, histograms, and how well programming met its targets."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from rgnn_hal.programming import FormingReport, ProgrammingReport
from rgnn_hal.report.figure import new_figure, save_figure


def conductance_plot(conductance: NDArray[np.float64], path: Path, title: str) -> Path:
    """Map and histogram of conductances (rows, columns), S, as a PNG."""
    figure, (image, histogram) = new_figure(2, title)
    drawn = image.imshow(conductance * 1e6, aspect="auto", interpolation="nearest")
    image.set(xlabel="column", ylabel="row")
    figure.colorbar(drawn, ax=image, label="conductance (µS)")
    histogram.hist(conductance.ravel() * 1e6, bins=80)
    # Logarithmic: a partly formed chip is mostly pristine cells.
    histogram.set(xlabel="conductance (µS)", ylabel="cells", yscale="log")
    return save_figure(figure, path)


def forming_report(result: FormingReport, folder: Path) -> list[Path]:
    """Write arrays and plots of a forming run; returns the files."""
    arrays: dict[str, NDArray[Any]] = {
        "selected": result.selected,
        "formed": result.formed,
        "breakdown_voltage_v": result.breakdown_voltage,
        "conductance_s": result.conductance,
    }
    files = [_save_arrays(arrays, folder / "forming.safetensors")]
    files.append(
        conductance_plot(
            result.conductance, folder / "conductance.png", f"Formed region {result.region}"
        )
    )
    broken = result.breakdown_voltage[np.isfinite(result.breakdown_voltage)]
    if broken.size:
        figure, (axes,) = new_figure(1, f"{broken.size} cells broke down")
        axes.ecdf(broken)
        axes.set(xlabel="forming voltage (V)", ylabel="fraction broken down")
        files.append(save_figure(figure, folder / "breakdown.png"))
    return files


def programming_report(result: ProgrammingReport, folder: Path) -> list[Path]:
    """Write the per-cell record and plots of a write-verify run; returns the files."""
    arrays: dict[str, NDArray[Any]] = {
        "target_s": result.target,
        "conductance_s": result.conductance,
        "pulses": result.pulses,
        "reversals": result.reversals,
        "status": result.status,
    }
    files = [_save_arrays(arrays, folder / "programming.safetensors")]
    files.append(
        conductance_plot(
            result.conductance, folder / "conductance.png", f"Programmed region {result.region}"
        )
    )
    figure, (errors, pulses) = new_figure(
        2, f"{result.success_fraction:.2%} within ±{result.tolerance * 1e6:.3g} µS"
    )
    span = 3 * result.tolerance * 1e6
    errors.hist(np.clip(result.error.ravel() * 1e6, -span, span), bins=80)
    errors.set(xlabel="final error (µS; ends collect what lies beyond)", ylabel="cells")
    pulses.hist(result.pulses.ravel(), bins=np.arange(result.pulses.max() + 2) - 0.5)
    pulses.set(xlabel="pulses", ylabel="cells")
    files.append(save_figure(figure, folder / "programming.png"))
    return files


def _save_arrays(arrays: dict[str, NDArray[Any]], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
    return path
