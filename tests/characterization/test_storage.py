"""Measurements come back from their file as they were, and nothing else is taken for them."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from rgnn_hal.characterization import (
    Characterization,
    Estimate,
    Findings,
    Series,
    load_measurements,
    save_measurements,
)
from rgnn_hal.macro import DataError, Region

SMALL = Characterization(
    "chip",
    Region(0, 4, 0, 4),
    {"map": Findings({"mean": Estimate(1e-5, 2e-7, "S", 16)}, {"g": Series(np.eye(4), "S")})},
    {"retention": "it takes the chip's time"},
)


def test_a_file_gives_back_what_was_measured(measured: Characterization, tmp_path: Path) -> None:
    path = save_measurements(measured, tmp_path / "new" / "measurements.h5")
    again = load_measurements(path)
    assert (again.identity, again.region) == (measured.identity, measured.region)
    assert again.skipped == measured.skipped
    assert again.findings.keys() == measured.findings.keys()
    for name, found in measured.findings.items():
        assert again.findings[name].estimates == found.estimates
        for key, series in found.series.items():
            assert again.findings[name].series[key].unit == series.unit
            assert np.array_equal(
                again.findings[name].series[key].values, series.values, equal_nan=True
            )


def test_skipped_measurements_are_kept_with_their_reasons(tmp_path: Path) -> None:
    path = save_measurements(SMALL, tmp_path / "m.h5")
    assert load_measurements(path).skipped == SMALL.skipped


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = save_measurements(SMALL, tmp_path / "m.h5")
    save_measurements(SMALL, path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kept", [0, 100, 2000, -100])
def test_a_truncated_file_is_refused(kept: int, tmp_path: Path) -> None:
    path = save_measurements(SMALL, tmp_path / "m.h5")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="characterize"):
        load_measurements(path)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(DataError, match="holds no measurements"):
        load_measurements(path)
    path.write_text("no HDF5")
    with pytest.raises(DataError, match="no complete file"):
        load_measurements(path)
    with pytest.raises(FileNotFoundError):
        load_measurements(tmp_path / "missing.h5")


def test_a_file_that_lost_a_unit_or_is_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = save_measurements(SMALL, tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        del file["findings/map/estimates/mean"].attrs["unit"]
    with pytest.raises(DataError, match="unit"):
        load_measurements(path)
    with h5py.File(save_measurements(SMALL, path), "a") as file:
        file.attrs["version"] = 99
    with pytest.raises(DataError, match="upgrade"):
        load_measurements(path)
