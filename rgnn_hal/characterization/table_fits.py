"""What tables of a bench say: the formats of NI-RRAM (github.com/akashlevy/NI-RRAM-Python).

ret*.csv           address, time (s), R (ohm), G (S), I (A), sense voltage (V): one cell, often
*cyc.tsv           address, R after SET, R after RESET (ohm), cycle: many cells, few cycles
*endurance*.tsv    the same: one cell, many cycles
read_multivolt*    address, I (A), read voltage (V)
prebake, postbake  address, R (ohm), before and after a bake
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.characterization.current_voltage import fit_currents
from rgnn_hal.characterization.populations import (
    decompose,
    mean_of,
    median_of,
    spread_of,
)
from rgnn_hal.characterization.quantity import Estimate, Values
from rgnn_hal.characterization.spectrum import (
    level_of_differences,
    mean_interval,
    power_spectrum,
    spectral_estimates,
)
from rgnn_hal.characterization.tables import positive, read_table
from rgnn_hal.macro import DataError

Estimates = dict[str, Estimate]

_CYCLES = ("address", "R after SET (ohm)", "R after RESET (ohm)", "cycle")
_BAKE = ("address", "R (ohm)")
_DECADES: Mapping[str, tuple[float, float]] = {
    "below_1e4": (0.0, 1e4),
    "1e4_to_1e5": (1e4, 1e5),
    "1e5_to_1e6": (1e5, 1e6),
    "from_1e6": (1e6, np.inf),
}
_BLOCK = 10
"""Cycles of one cell that are averaged before counting: neighbours resemble each other."""
_CLASSES: Mapping[str, tuple[float, float]] = {
    "10_to_40_us": (10e-6, 40e-6),
    "40_to_80_us": (40e-6, 80e-6),
    "80_to_200_us": (80e-6, 200e-6),
}
"""S; conductances whose I-V and whose bake are told apart."""
_LOW, _HIGH = 0.1, 0.3
"""V; read voltages of the published ratio."""


@dataclass(frozen=True)
class TableFormat:
    """A kind of table, known by its name."""

    pattern: str
    fit: Callable[[Path], Estimates]

    def matches(self, path: Path) -> bool:
        """Whether `path` is of this kind."""
        return fnmatchcase(path.name.removesuffix(".gz"), self.pattern)


def fit_trace(path: Path) -> Estimates:
    """Noise and spectrum of one cell that was read many times."""
    columns = ("address", "time (s)", "R (ohm)", "G (S)", "I (A)", "sense voltage (V)")
    table = read_table(path, columns)
    time, conductance = table[:, 1], positive(table[:, 3], path, "conductance")
    interval = mean_interval(time)
    mean, reads = float(conductance.mean()), conductance.size
    level = float(level_of_differences(conductance))
    # Of white noise, neighbouring differences are correlated by -1/2: var(mean d^2) = 3/n.
    error = level * np.sqrt(3 / reads) / 2
    spectrum = power_spectrum(conductance[None, :] / mean - 1, interval)
    return {
        "read_noise.white": Estimate(level, error, "S", reads),
        "read_noise.white_relative": Estimate(level / mean, error / mean, "1", reads),
        "read_noise.rms_relative": spread_of(conductance / mean, "1"),
        "read_noise.mean_conductance": Estimate(mean, level / np.sqrt(reads), "S", reads),
        # One cell says nothing of others: a quieter state keeps its relative noise, lest pristine
        # cells of 0.1 uS get the 1.2 uS of this one.
        "read_noise.quiet_below": Estimate(mean, level / np.sqrt(reads), "S", reads),
    } | {f"read_noise.{name}": found for name, found in spectral_estimates(spectrum).items()}


def fit_cycles(path: Path) -> Estimates:
    """LRS and HRS of many cells over a few cycles, devices and cycles told apart."""
    table = read_table(path, _CYCLES)
    lrs = 1 / positive(table[:, 1], path, "resistance after SET")
    hrs = 1 / positive(table[:, 2], path, "resistance after RESET")
    mean = mean_of(lrs, "S")
    spread = spread_of(lrs / mean.value, "1")
    estimates = {
        "compliance.lrs_mean": mean,
        "compliance.lrs_spread": spread,
        "compliance.hrs_median": median_of(hrs, "S"),
        "compliance.hrs_log10_sd": spread_of(np.log10(hrs), "1"),
    }
    try:
        cells = _by_address(table[:, 0], lrs, path)
        parts = decompose(np.log(cells), "1")
    except DataError:
        return estimates  # one cycle per cell, or one cell: nothing to tell apart
    return estimates | {
        "compliance.lrs_mean": mean_of(cells.mean(axis=1), "S"),
        "compliance.lrs_cv_device": parts.device_sd,
        "compliance.lrs_cv_cycle": parts.cycle_sd,
    }


def fit_endurance(path: Path) -> Estimates:
    """How LRS and HRS change over a cell's life, by decade of cycles."""
    table = read_table(path, _CYCLES)
    lrs = 1 / positive(table[:, 1], path, "resistance after SET")
    hrs = 1 / positive(table[:, 2], path, "resistance after RESET")
    cycle = positive(table[:, 3], path, "cycle")
    estimates = {}
    for name, (low, high) in _DECADES.items():
        inside = (cycle >= low) & (cycle < high)
        if inside.sum() >= 2 * _BLOCK:
            estimates[f"endurance.lrs_{name}"] = mean_of(_blocks(lrs[inside]), "S")
            estimates[f"endurance.hrs_median_{name}"] = median_of(hrs[inside], "S")
    worn = cycle >= _DECADES["1e4_to_1e5"][0]
    if worn.sum() >= 8 * _BLOCK:
        estimates["endurance.lrs_per_decade"] = _per_decade(cycle[worn], lrs[worn])
    if not estimates:
        raise DataError(f"{path.name} has too few cycles; give {2 * _BLOCK} or more of a decade")
    return estimates


def fit_multivolt(path: Path) -> Estimates:
    """Zero error of the ammeter, and non-linearity by class of conductance."""
    table = read_table(path, ("address", "I (A)", "read voltage (V)"))
    current = _by_address(table[:, 0], table[:, 1], path, order=table[:, 2])
    voltage = np.unique(table[:, 2])
    if voltage.size != current.shape[1] or voltage.size < 4:
        raise DataError(
            f"{path.name} must hold every cell at the same 4 or more voltages, each once; "
            f"found {voltage.size} voltages and {current.shape[1]} rows per cell"
        )
    zero, conductance, cubic = fit_currents(voltage, current.T)
    estimates = {
        "current_voltage.zero_error": median_of(zero, "A"),
        "current_voltage.zero_error_sd": spread_of(current[:, 0], "A"),
    }
    for name, inside in _classes(conductance):
        if inside.sum() >= 8:
            slope = median_of(cubic[inside] / conductance[inside], "1/V^2")
            estimates[f"current_voltage.nonlinearity_{name}"] = slope
            estimates[f"current_voltage.ratio_{name}"] = _ratio(slope)
    return estimates


def fit_bake(path: Path) -> Estimates:
    """Change of conductance over a bake; `path` is either of the two tables."""
    before_path, after_path = _bake_pair(path)
    before, after = read_table(before_path, _BAKE), read_table(after_path, _BAKE)
    addresses, first, second = np.intersect1d(before[:, 0], after[:, 0], return_indices=True)
    if addresses.size < 8:
        raise DataError(f"{before_path.name} and {after_path.name} share too few addresses")
    start = 1 / positive(before[first, 1], before_path, "resistance")
    change = 1 / positive(after[second, 1], after_path, "resistance") - start
    estimates = {}
    for name, inside in _classes(start):
        if inside.sum() >= 8:
            estimates[f"retention.bake_median_change_{name}"] = median_of(change[inside], "S")
            estimates[f"retention.bake_median_scatter_{name}"] = median_of(
                np.abs(change[inside]), "S"
            )
    return estimates


TABLE_FORMATS = (
    TableFormat("ret*.csv", fit_trace),
    TableFormat("*cyc.tsv", fit_cycles),
    TableFormat("*endurance*.tsv", fit_endurance),
    TableFormat("read_multivolt*.tsv", fit_multivolt),
    TableFormat("p*bake.tsv", fit_bake),
)


def _by_address(address: Values, values: Values, path: Path, order: Values | None = None) -> Values:
    """`values` as (cells, readings of each); every cell must have as many."""
    keys = (address,) if order is None else (order, address)
    sorting = np.lexsort(keys)
    counts = np.unique(address, return_counts=True)[1]
    if counts.min() != counts.max():
        raise DataError(
            f"{path.name}: cells have {counts.min()} to {counts.max()} rows; "
            "give as many of each, or remove incomplete cells"
        )
    return values[sorting].reshape(counts.size, -1)


def _blocks(values: Values) -> Values:
    whole = values.size // _BLOCK * _BLOCK
    means: Values = values[:whole].reshape(-1, _BLOCK).mean(axis=1)
    return means


def _per_decade(cycle: Values, lrs: Values) -> Estimate:
    """Slope of LRS over log10 of cycles, S, with decades weighing alike."""
    x, y = _blocks(np.log10(cycle)), _blocks(lrs)
    weight = 10.0**-x  # rows are evenly spaced in cycles: their density grows as 10^x
    weight /= weight.sum()
    centre = x - weight @ x
    power = float(weight @ centre**2)
    slope = float(weight @ (centre * y)) / power
    residual = y - weight @ y - slope * centre
    error = float(np.sqrt(np.sum((weight * centre * residual) ** 2))) / power
    return Estimate(slope, error, "S", x.size)


def _ratio(slope: Estimate) -> Estimate:
    """G(0.3 V) / G(0.1 V) of G(V) = G(0) (1 + a V^2)."""
    high, low = 1 + slope.value * _HIGH**2, 1 + slope.value * _LOW**2
    gradient = (_HIGH**2 * low - _LOW**2 * high) / low**2
    return Estimate(high / low, abs(gradient) * slope.standard_error, "1", slope.count)


def _classes(conductance: Values) -> list[tuple[str, NDArray[np.bool_]]]:
    return [
        (name, (conductance >= low) & (conductance < high))
        for name, (low, high) in _CLASSES.items()
    ]


def _bake_pair(path: Path) -> tuple[Path, Path]:
    before = path.with_name(path.name.replace("postbake", "prebake"))
    after = path.with_name(path.name.replace("prebake", "postbake"))
    for one in (before, after):
        if before == after or not one.is_file():
            raise DataError(f"{path.name} needs both tables, prebake and postbake, side by side")
    return before, after
