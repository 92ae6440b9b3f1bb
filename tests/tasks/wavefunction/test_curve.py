"""Curves: the coordinate, the reference and the table."""

import csv
import json
from pathlib import Path

import pytest

from rgnn_hal.macro import DataError, LimitError
from rgnn_hal.report import energy_curve_plot
from rgnn_hal.tasks.wavefunction.curve import (
    CurvePoint,
    coordinates,
    filled,
    read_reference,
    write_table,
)


def test_a_reference_is_known_only_where_it_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "exact.json"
    path.write_text(json.dumps({"R": [2.0, 1.0, 3.0], "E": [-1.1, -1.0, -1.05]}))
    reference = read_reference(path)
    assert reference.at(2.0) == -1.1
    assert reference.at(1.5) is None
    x, y = reference.line(0.5, 9.0)
    assert (x[0], x[-1]) == (1.0, 3.0)
    assert y[0] == pytest.approx(-1.0)


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
    points = [CurvePoint(1.0, -1.0, 1e-4, -1.0), CurvePoint(2.0, -1.1, 1e-4, None)]
    write_table(points, tmp_path / "c.csv")
    with (tmp_path / "c.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["energy"]) for row in rows] == [-1.0, -1.1]
    assert rows[1]["reference"] == ""
    assert energy_curve_plot(points, None, tmp_path / "c.png", title="H2").stat().st_size > 1000
