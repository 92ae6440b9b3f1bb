"""Pictures of a characterised chip: one figure per measurement, axes with units."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rgnn_hal.characterization import Characterization, Findings
from rgnn_hal.report.figure import new_figure, save_figure


def characterization_report(result: Characterization, folder: Path) -> list[Path]:
    """Draw every measurement that has a picture; returns the files."""
    files = []
    for name, found in result.findings.items():
        if name in _PICTURES:
            title, draw = _PICTURES[name]
            figure, axes = new_figure(2, title)
            draw(found, *axes)
            files.append(save_figure(figure, folder / f"{name}.png"))
    return files


def _forming(found: Findings, ramp: Any, conductance: Any) -> None:
    voltage = found.series["breakdown_ramp_voltage"].values
    broken = voltage[np.isfinite(voltage)]
    ramp.ecdf(broken)
    ramp.set(xlabel="forming voltage (V)", ylabel="fraction broken down")
    formed = found.series["conductance"].values[np.isfinite(voltage)] * 1e6
    conductance.hist(formed, bins=80)
    conductance.set(xlabel="conductance after breakdown (µS)", ylabel="cells")


def _converters(found: Findings, offset: Any, deviation: Any) -> None:
    offset.plot(found.series["offset"].values * 1e9, ".", markersize=3)
    offset.set(xlabel="column", ylabel="zero error (nA)")
    if "deviation" in found.series:
        level = found.series["level"].values
        deviation.plot(level, found.series["deviation"].values * 1e9, color="0.6", linewidth=0.4)
    deviation.set(xlabel="read voltage (V)", ylabel="deviation from a line (nA)")


def _map(found: Findings, image: Any, histogram: Any) -> None:
    conductance = found.series["conductance"].values * 1e6
    drawn = image.imshow(conductance, aspect="auto", interpolation="nearest")
    image.set(xlabel="column", ylabel="row")
    image.figure.colorbar(drawn, ax=image, label="conductance (µS)")
    histogram.hist(conductance.ravel(), bins=80)
    histogram.set(xlabel="conductance (µS)", ylabel="cells", yscale="log")


def _current_voltage(found: Findings, current: Any, ratio: Any) -> None:
    voltage = found.series["voltage"].values
    current.plot(voltage, found.series["current"].values * 1e6, color="0.6", linewidth=0.4)
    current.set(xlabel="read voltage (V)", ylabel="column current (µA)")
    ratio.plot(voltage, found.series["conductance_ratio"].values, "o-")
    ratio.set(xlabel="read voltage (V)", ylabel="G(V) / G(0)")


def _read_noise(found: Findings, spectrum: Any, traces: Any) -> None:
    if "frequency" in found.series:
        spectrum.loglog(found.series["frequency"].values, found.series["density"].values)
    spectrum.set(xlabel="frequency (Hz)", ylabel="density of relative noise (1/Hz)")
    time = found.series["time"].values
    for trace in found.series["traces"].values:
        traces.plot(time, (trace - trace.mean()) * 1e6, linewidth=0.4)
    traces.set(xlabel="time (s)", ylabel="conductance from its mean (µS)")


def _wires(found: Findings, signal: Any, position: Any) -> None:
    ratio = found.series["signal"].values
    signal.plot(found.series["driven_rows"].values, ratio.mean(axis=1), "o-")
    signal.set(xlabel="rows driven", ylabel="current over V ΣG")
    position.plot(ratio[-1], ".", markersize=3)
    position.set(xlabel="column", ylabel="current over V ΣG, most rows driven")


def _retention(found: Findings, mean: Any, spread: Any) -> None:
    time = found.series["time"].values
    mean.semilogx(time, found.series["mean_change"].values * 1e6, "o-")
    mean.set(xlabel="time (s)", ylabel="mean change (µS)")
    spread.semilogx(time, found.series["sd_of_change"].values * 1e6, "o-")
    spread.set(xlabel="time (s)", ylabel="sd of the change (µS)")


def _relaxation(found: Findings, spread: Any, drift: Any) -> None:
    level = found.series["levels"].values * 1e6
    for name, label in (("sd_one_second", "after 1 s"), ("sd_one_day", "after a day")):
        values, error = found.series[name].values, found.series[f"{name}_error"].values
        spread.errorbar(level, values * 1e6, error * 1e6, fmt="o-", capsize=2, label=label)
    spread.set(xlabel="conductance after the pulse (µS)", ylabel="sd of relaxation (µS)")
    spread.legend()
    values, error = (found.series[f"drift_per_e_fold{end}"].values for end in ("", "_error"))
    drift.errorbar(level, values * 1e6, error * 1e6, fmt="o-", capsize=2)
    drift.set(xlabel="conductance after the pulse (µS)", ylabel="drift per e-fold of time (µS)")


def _yield(found: Findings, image: Any, states: Any) -> None:
    drawn = image.imshow(found.series["health"].values, aspect="auto", vmin=0, vmax=3)
    image.set(xlabel="column", ylabel="row")
    image.figure.colorbar(drawn, ax=image, label="0 switches, 1 open, 2 short, 3 stuck")
    for name, label in (("reset_conductance", "RESET"), ("set_conductance", "SET")):
        states.hist(found.series[name].values.ravel() * 1e6, bins=80, alpha=0.6, label=label)
    states.set(xlabel="conductance (µS)", ylabel="cells", yscale="log")
    states.legend()


def _compliance(found: Findings, states: Any, gates: Any) -> None:
    for name in ("lrs", "hrs"):
        states.ecdf(found.series[name].values.ravel() * 1e6, label=name.upper())
    states.set(xlabel="conductance (µS)", ylabel="fraction of cycles", xscale="log")
    states.legend()
    gates.plot(found.series["gate"].values, found.series["lrs_at_gate"].values * 1e6, "o-")
    gates.set(xlabel="SET gate voltage (V)", ylabel="LRS conductance (µS)")


def _response(found: Findings, share: Any, rate: Any) -> None:
    voltage = found.series["amplitude"].values
    share.plot(voltage, found.series["share_moved"].values, "o-")
    share.set(xlabel="pulse amplitude (V)", ylabel="share of the way moved, median")
    median = found.series["log_rate_median"].values
    finite = np.isfinite(median)
    rate.plot(voltage[finite], median[finite], "o-")
    rate.set(xlabel="pulse amplitude (V)", ylabel="ln rate, median")


_PICTURES: Mapping[str, tuple[str, Callable[[Findings, Any, Any], None]]] = {
    "forming": ("Forming", _forming),
    "converters": ("Column converters", _converters),
    "map": ("Conductance", _map),
    "current_voltage": ("I-V at read voltages", _current_voltage),
    "read_noise": ("Read noise of single cells", _read_noise),
    "wires": ("Signal on growing windows", _wires),
    "retention": ("Retention", _retention),
    "relaxation": ("Relaxation", _relaxation),
    "yield": ("Yield", _yield),
    "compliance": ("Full SET-RESET cycles", _compliance),
    "set_response": ("SET response", _response),
    "reset_response": ("RESET response", _response),
}
