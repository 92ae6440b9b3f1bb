"""Measurements in a file: HDF5, every number beside its unit, no pickles.

/                             format, version, identity, region
/findings/<measurement>/estimates/<name>   value; attributes standard_error, unit, count
/findings/<measurement>/series/<name>      array; attribute unit
/skipped                      attributes <measurement> = reason
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rgnn_hal.characterization.plan import Characterization
from rgnn_hal.characterization.quantity import Estimate, Findings, Series
from rgnn_hal.macro import DataError, LimitError, Region

_FORMAT = "rgnn_hal.measurements"
_VERSION = 1


def save_measurements(result: Characterization, path: Path) -> Path:
    """Write `result`, replacing the file only when all of it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with h5py.File(partial, "w") as file:
            _write(file, result)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def load_measurements(path: Path) -> Characterization:
    """Read what `save_measurements` wrote.

    Raises:
        DataError: no such file of ours, a later version, or a damaged one.
        FileNotFoundError: nothing there.
    """
    if not path.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    try:
        with h5py.File(path, "r") as file:
            return _read(file, path)
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} is no complete file of measurements ({error}); "
            "write it again with rgnn-hal characterize"
        ) from error


def _write(file: Any, result: Characterization) -> None:
    file.attrs["format"] = _FORMAT
    file.attrs["version"] = _VERSION
    file.attrs["identity"] = result.identity
    file.attrs["region"] = str(result.region)
    for name, found in result.findings.items():
        group = file.create_group(f"findings/{name}")
        estimates, series = group.create_group("estimates"), group.create_group("series")
        for key, estimate in found.estimates.items():
            dataset = estimates.create_dataset(key, data=float(estimate.value))
            dataset.attrs["standard_error"] = float(estimate.standard_error)
            dataset.attrs["unit"] = estimate.unit
            dataset.attrs["count"] = int(estimate.count)
        for key, one in found.series.items():
            dataset = series.create_dataset(key, data=np.asarray(one.values))
            dataset.attrs["unit"] = one.unit
    skipped = file.create_group("skipped")
    for name, reason in result.skipped.items():
        skipped.attrs[name] = reason


def _read(file: Any, path: Path) -> Characterization:
    if file.attrs.get("format") != _FORMAT:
        raise DataError(
            f"{path} holds no measurements; give the measurements.h5 that characterize writes"
        )
    if int(file.attrs["version"]) > _VERSION:
        raise DataError(f"{path} was written by a later rgnn-hal; upgrade this one")
    findings = {}
    for name, group in file.get("findings", {}).items():
        estimates = {
            key: Estimate(
                float(dataset[()]),
                float(dataset.attrs["standard_error"]),
                str(dataset.attrs["unit"]),
                int(dataset.attrs["count"]),
            )
            for key, dataset in group["estimates"].items()
        }
        series = {
            key: Series(dataset[()], str(dataset.attrs["unit"]))
            for key, dataset in group["series"].items()
        }
        findings[name] = Findings(estimates, series)
    skipped = {name: str(reason) for name, reason in file["skipped"].attrs.items()}
    try:
        region = Region.parse(str(file.attrs["region"]))
    except LimitError as error:
        raise DataError(f"{path} names no region: {error}; measure again") from error
    return Characterization(str(file.attrs["identity"]), region, findings, skipped)
