"""Curves: the coordinate, the reference and the table."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.macro import DataError, LimitError
from rgnn_hal.report import energy_curve_plot
from rgnn_hal.tasks.wavefunction.curve import (
    CurvePoint,
    Reference,
    coordinates,
    filled,
    read_reference,
    write_table,
)


def test_a_reference_is_taken_as_listed_and_not_extrapolated(tmp_path: Path) -> None:
    path = tmp_path / "exact.json"
    path.write_text(json.dumps({"R": [2.0, 1.0, 3.0], "E": [-1.1, -1.0, -1.05]}))
    reference = read_reference(path)
    assert reference.at(2.0) == (-1.1, 0.0)
    assert reference.at(1.5) is None  # too few points to say how well they are joined
    assert reference.at(0.9) is None
    assert reference.at(3.1) is None
    x, y = reference.line(0.5, 9.0)
    assert (x[0], x[-1]) == (1.0, 3.0)
    assert y[0] == pytest.approx(-1.0)


@given(st.floats(1.01, 7.9), st.floats(0.7, 1.4), st.floats(1.2, 2.0))
def test_between_listed_distances_the_spline_keeps_its_stated_error(
    value: float, steepness: float, minimum: float
) -> None:
    def morse(r: np.ndarray) -> np.ndarray:
        return -1.0 + 0.17 * ((1.0 - np.exp(-steepness * (r - minimum))) ** 2 - 1.0)

    listed = np.array([0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])
    reference = Reference(tuple(listed), tuple(morse(listed)))
    known = reference.at(value)
    assert known is not None
    energy, error = known
    assert abs(energy - morse(np.array(value))) < 2.0 * error + 3e-6


@pytest.mark.parametrize("text", ["[1, 2]", '{"R": [1]}', '{"R": [1], "E": [1, 2]}', "no json"])
def test_what_is_no_reference_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(DataError, match="no reference curve"):
        read_reference(tmp_path / "r.json")


def test_a_curve_needs_a_gap_and_a_range() -> None:
    assert filled("H 0 0 0; H 0 0 {r}", 1.4) == "H 0 0 0; H 0 0 1.4"
    with pytest.raises(LimitError, match="has no"):
        filled("H 0 0 0", 1.0)
    assert coordinates(1.0, 2.0, 3) == [1.0, 1.5, 2.0]
    for first, last, points in ((2.0, 1.0, 3), (0.0, 1.0, 3), (1.0, 2.0, 1)):
        with pytest.raises(LimitError, match="is none"):
            coordinates(first, last, points)


def test_a_curve_is_written_and_drawn(tmp_path: Path) -> None:
    points = [CurvePoint(1.0, -1.0, 1e-4, -1.0, 0.0), CurvePoint(2.0, -1.1, 1e-4, None)]
    write_table(points, tmp_path / "c.csv")
    with (tmp_path / "c.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["energy"]) for row in rows] == [-1.0, -1.1]
    assert rows[1]["reference"] == ""
    assert energy_curve_plot(points, None, tmp_path / "c.png", title="H2").stat().st_size > 1000
