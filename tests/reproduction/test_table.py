"""What is said to be reached is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.reproduction.cell import Cell, Measured, Missing, Quoted, watching
from rgnn_hal.reproduction.table import Row


def ours(
    value: float, unit: str, interval: tuple[float, float] | None = None, bound: str = ""
) -> Measured:
    with watching("nothing") as watch:
        pass
    return watch.measured(value, unit, interval, bound=bound)


def reached(paper: Cell, cell: Cell) -> str:
    return Row("compute", "something", paper, cell).reached


@pytest.mark.parametrize(
    ("paper", "unit", "value", "interval", "bound", "expected"),
    [
        (1000, "x", 2000, None, "", "yes"),
        (1000, "x", 200, (100, 2000), "", "within error"),
        (1000, "x", 200, (100, 300), "", "no"),
        (1000, "x", 2000, None, "at most", "open"),
        (1000, "x", 200, None, "at most", "no"),
        (90, "% less", 73, None, "at least", "open"),
        (90, "% less", 96, None, "at least", "yes"),
        (117, "meV/Å", 42, (36, 48), "", "yes"),
        (18, "meV", 20, (17, 23), "", "within error"),
        (18, "meV", 20, (19, 23), "", "no"),
        (1.4, "mhartree", -0.1, (-0.3, 0.2), "", "yes"),
    ],
)
def test_gains_are_better_when_larger_and_errors_when_smaller(
    paper: float,
    unit: str,
    value: float,
    interval: tuple[float, float] | None,
    bound: str,
    expected: str,
) -> None:
    assert reached(Quoted(paper, unit, "a paper"), ours(value, unit, interval, bound)) == expected


def test_what_cannot_be_compared_is_not_judged() -> None:
    assert reached(Missing("none"), ours(1, "x")) == ""
    assert reached(Quoted(1, "x", "a paper"), Missing("none")) == ""
    assert reached(Quoted(1, "s", "a paper"), ours(1, "x")) == ""
    assert reached(Quoted(-1.173, "hartree", "a paper"), ours(-1.2, "hartree")) == ""


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6))
def test_a_bound_never_says_more_than_it_knows(paper: float, value: float) -> None:
    quoted = Quoted(paper, "x", "a paper")
    assert reached(quoted, ours(value, "x", bound="at most")) in {"open", "no"}
    assert reached(quoted, ours(value, "x", bound="at least")) in {"open", "yes"}
