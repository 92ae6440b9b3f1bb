"""Fit: measurements of a chip, in our format or as tables of a bench, become parameters."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from rgnn_hal.characterization.fitted import (
    PRESET_TABLES,
    FittedParameter,
    FittedParameters,
    FittedTable,
)
from rgnn_hal.characterization.quantity import Estimate
from rgnn_hal.characterization.storage import load_measurements
from rgnn_hal.characterization.table_fits import TABLE_FORMATS, TableFormat
from rgnn_hal.macro import DataError
from rgnn_hal.progress import Progress, silent


def fit(source: Path, progress: Progress = silent) -> FittedParameters:
    """Everything that `source` determines.

    Args:
        source: measurements.h5 of `characterize`, a table of a bench, or a folder of such tables.
        progress: told after every file.

    Raises:
        DataError: nothing that can be read, or nothing in it that can be fitted.
        FileNotFoundError: nothing there.
    """
    if not source.exists():
        raise FileNotFoundError(2, "no such file or folder", str(source))
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    known = [(file, kind) for file in files if (kind := _kind(file)) is not None]
    if not known:
        patterns = ", ".join(table.pattern for table in TABLE_FORMATS)
        raise DataError(
            f"{source.name} holds no measurements: give the measurements.h5 of "
            f"rgnn-hal characterize, or tables named {patterns}, each also as .gz"
        )
    found: dict[str, FittedParameter] = {}
    tables: list[FittedTable] = []
    for done, (file, kind) in enumerate(known, start=1):
        for name, estimate in _estimates(file, kind).items():
            if np.isfinite(estimate.value) and np.isfinite(estimate.standard_error):
                found[name] = FittedParameter(name, estimate, _source(file, estimate))
        if not isinstance(kind, TableFormat):
            tables += _tables(file)
        progress(done, len(known), "fitting")
    if not found:
        raise DataError(f"{source.name} determines no parameter; measure with more permissions")
    return FittedParameters(tuple(found.values()), tuple(tables))


def _kind(path: Path) -> TableFormat | str | None:
    if not path.is_file():
        return None
    tables = [table for table in TABLE_FORMATS if table.matches(path)]
    if tables:
        return tables[0]
    return "measurements" if path.suffix in (".h5", ".hdf5") or h5py.is_hdf5(path) else None


def _estimates(path: Path, kind: TableFormat | str) -> dict[str, Estimate]:
    if isinstance(kind, TableFormat):
        return kind.fit(path)
    return {
        f"{measurement}.{name}": estimate
        for measurement, found in load_measurements(path).findings.items()
        for name, estimate in found.estimates.items()
    }


def _tables(path: Path) -> Iterator[FittedTable]:
    """Quantities by conductance level that a preset has tables for."""
    findings = load_measurements(path).findings
    for name in PRESET_TABLES:
        measurement, quantity = name.split(".")
        if measurement in findings:
            series = findings[measurement].series
            error = series[f"{quantity}_error"].values
            yield FittedTable(
                name,
                tuple(series[quantity].values.tolist()),
                tuple(error.tolist()),
                series[quantity].unit,
                f"fitted to {path.name}",
            )


def _source(path: Path, estimate: Estimate) -> str:
    """Where a number comes from."""
    return f"fitted to {path.name}, n = {estimate.count}"
