"""Costs that follow a law are found to follow it, and ratios come out as they must."""

import math

import ase
import pytest

from rgnn_hal.reproduction.cell import Measured, watching
from rgnn_hal.reproduction.comparison import Beyond, Comparison, Family, Prediction
from rgnn_hal.reproduction.growth import add_beyond, add_families, add_scaling_charts
from rgnn_hal.reproduction.paper import FORCE_COMPUTE
from rgnn_hal.reproduction.scaling import Estimate
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.reproduction.timing import Timing

RATE = 1e9


def prediction(atoms: int) -> Prediction:
    """A millisecond for twelve atoms, and in proportion."""
    seconds = atoms / 12_000
    each = Estimate(seconds, seconds / 1.1, seconds * 1.1)
    return Prediction(atoms, Timing(each, each), 1000 * atoms)


def family(name: str, prefactor: float) -> Family:
    """First principles as the cube of atoms."""
    atoms = (4, 8, 12)
    theirs = tuple(prefactor * n**3 for n in atoms)
    return Family(
        name,
        atoms,
        tuple(10 * n for n in atoms),
        theirs,
        tuple(2 * t for t in theirs),
        tuple(map(prediction, atoms)),
        tuple(map(prediction, (24, 48, 96))),
    )


@pytest.fixture
def found() -> Comparison:
    with watching("timing") as watch:
        pass
    return Comparison("sto-3g", RATE, (family("a", 1e-3), family("b", 4e-3)), watch.run)


def test_laws_and_ratios_are_those_of_the_numbers(found: Comparison) -> None:
    draft = Draft()
    add_families(draft, found, FORCE_COMPUTE)
    cells = {row.what: row.ours for row in draft.rows}
    assert all(isinstance(cell, Measured) for cell in cells.values())
    ratio = cells["CPU time, PySCF over ours, a, 12 atoms"]
    assert ratio.value == pytest.approx(1.728 / 1e-3)  # type: ignore[union-attr]
    assert "by the clock 3.46e+03 x" in ratio.details
    operations = cells["operations, the same, a, 12 atoms"]
    assert operations.bound == "at most"  # type: ignore[union-attr]
    assert operations.value == pytest.approx(1.728 * RATE / 12_000)  # type: ignore[union-attr]
    exponents = [row.ours.value for row in draft.rows if row.claim == "scaling"]  # type: ignore[union-attr]
    assert exponents == pytest.approx([3, 1, 1] * 2)


def test_beyond_the_families_the_interval_spans_them(found: Comparison) -> None:
    theirs = found.extrapolated(10 * 192)
    assert theirs.low == pytest.approx(1e-3 * 192**3)
    assert theirs.high == pytest.approx(4e-3 * 192**3)
    draft = Draft()
    add_beyond(draft, found, Beyond("192 atoms", theirs, prediction(192)), FORCE_COMPUTE)
    time, operations = (row.ours for row in draft.rows)
    assert isinstance(time, Measured) and isinstance(operations, Measured)
    assert time.how == operations.how == "measured here, extrapolated"
    assert time.value == pytest.approx(2e-3 * 192**3 / 16e-3)
    away = math.exp(math.hypot(math.log(2), math.log(1.1)))
    assert time.interval == pytest.approx((time.value / away, time.value * away))


def test_charts_show_time_and_operations(found: Comparison) -> None:
    draft = Draft()
    one = Beyond("192 atoms", found.extrapolated(1920), prediction(192))
    add_scaling_charts(draft, "Title", found, one)
    assert [chart.y_label for chart in draft.charts] == ["CPU time (s)", "operations"]  # type: ignore[union-attr]


def test_a_prediction_is_timed_and_counted() -> None:
    atoms = ase.Atoms("H2", positions=[[0, 0, 0], [0, 0, 1]])
    one = Prediction.of(lambda: sum(range(1000)), len(atoms), repeats=3)
    assert one.atoms == 2 and one.operations == 0
    assert one.time.cpu.low <= one.time.cpu.value <= one.time.cpu.high
