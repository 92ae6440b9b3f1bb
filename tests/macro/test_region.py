"""A region is a rectangle of cells; its set operations are those of sets of cells."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rgnn_hal.macro import LimitError, Region


@st.composite
def regions(draw: st.DrawFn, most: int = 8) -> Region:
    row, col = draw(st.integers(0, most - 1)), draw(st.integers(0, most - 1))
    return Region(row, draw(st.integers(row + 1, most)), col, draw(st.integers(col + 1, most)))


def cells(region: Region) -> set[tuple[int, int]]:
    return {
        (row, col)
        for row in range(region.row_start, region.row_stop)
        for col in range(region.col_start, region.col_stop)
    }


@given(regions())
def test_parse_reads_what_str_writes(region: Region) -> None:
    assert Region.parse(str(region)) == region


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(LimitError, match=r"r0:r1,c0:c1"):
        Region.parse(text + "!")


@pytest.mark.parametrize("text", ["0:0,0:1", "2:1,0:1", "0:1,1:1", "-1:1,0:1", "0:1", ""])
def test_empty_and_negative_regions_are_refused(text: str) -> None:
    with pytest.raises(LimitError):
        Region.parse(text)


def test_endless_digits_are_refused() -> None:
    with pytest.raises(LimitError):
        Region.parse("0:" + "9" * 5000 + ",0:1")


@pytest.mark.parametrize("bound", [1.5, "1", None, np.float64(1), float("nan")])
def test_bounds_are_integers(bound: Any) -> None:
    with pytest.raises(LimitError, match="no integers"):
        Region(0, bound, 0, 1)


def test_numpy_integers_are_integers() -> None:
    assert Region(*np.array([0, 2, 0, 3])).shape == (2, 3)


@given(regions(), regions())
def test_contains_and_overlaps_are_those_of_sets_of_cells(one: Region, other: Region) -> None:
    assert one.contains(other) == (cells(other) <= cells(one))
    assert one.overlaps(other) == bool(cells(one) & cells(other))
    assert one.overlaps(other) == other.overlaps(one)


@given(regions())
def test_shape_cells_and_slices_describe_the_same_cells(region: Region) -> None:
    array = np.zeros((8, 8))
    array[region.slices] = 1
    assert {tuple(index) for index in np.argwhere(array).tolist()} == cells(region)
    assert region.cells == len(cells(region))
    assert array[region.slices].shape == region.shape
    assert Region.of_shape(region.shape, (region.row_start, region.col_start)) == region
