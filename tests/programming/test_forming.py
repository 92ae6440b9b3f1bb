"""Forming ramps pristine cells until each has broken down, and stresses none more than it needs."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rgnn_hal.macro import LimitError, NotSupportedError, PulseKind, Region
from rgnn_hal.programming import FormingRamp, form
from tests.conftest import PULSES, ArrayMacro, make_spec

PRISTINE = 0.1e-6
RAMP = FormingRamp(start=2.0, stop=4.0, step=0.05, gate_voltage=1.5, width=1e-3)


@pytest.fixture
def pristine() -> ArrayMacro:
    """Cells that break down between 2.5 and 3.9 V, but for three that never do."""
    macro = ArrayMacro(make_spec(), np.full((8, 6), PRISTINE))
    macro.breakdown = np.random.default_rng(0).uniform(2.5, 3.9, (8, 6))
    macro.breakdown[:3, 0] = np.inf
    return macro


def test_every_cell_that_can_be_formed_is_formed_and_the_others_are_reported(
    pristine: ArrayMacro,
) -> None:
    report = form(pristine)
    can = np.isfinite(pristine.breakdown)
    assert np.array_equal(report.formed, can)
    assert report.selected.all()
    assert report.formed_fraction == pytest.approx(45 / 48)
    assert np.array_equal(report.conductance, pristine.conductance)
    assert (report.mean, report.std) == pytest.approx((12e-6, 0.0))


def test_the_breakdown_voltage_is_the_first_of_the_ramp_that_formed_the_cell(
    pristine: ArrayMacro,
) -> None:
    report = form(pristine, ramp=RAMP)
    can = np.isfinite(pristine.breakdown)
    assert np.isnan(report.breakdown_voltage[~can]).all()
    excess = (report.breakdown_voltage - pristine.breakdown)[can]
    assert (excess >= 0).all()
    assert (excess < RAMP.step * (1 + 1e-9)).all()


def test_no_cell_is_pulsed_after_it_has_formed_or_outside_the_region(pristine: ArrayMacro) -> None:
    region = Region(1, 6, 0, 4)
    form(pristine, region)
    inside = np.zeros((8, 6), dtype=bool)
    inside[region.slices] = True
    for kind, mask, amplitude in pristine.pulse_log:
        assert kind is PulseKind.FORM
        assert not (mask & ~inside).any()
        step = amplitude[mask].max()
        assert not (mask & (pristine.breakdown <= step - RAMP.step * (1 + 1e-9))).any()
    assert (pristine.conductance[~inside] == PRISTINE).all()


def test_forming_again_pulses_only_what_never_formed(pristine: ArrayMacro) -> None:
    first = form(pristine)
    pristine.pulse_log.clear()
    second = form(pristine)
    masks = [mask for _, mask, _ in pristine.pulse_log]
    assert all(np.array_equal(mask, ~first.formed) for mask in masks)
    assert np.array_equal(second.formed, first.formed)
    assert np.isnan(second.breakdown_voltage).all()


def test_cells_written_to_the_low_end_are_not_taken_for_pristine() -> None:
    low = make_spec().conductance.low
    macro = ArrayMacro(make_spec(), np.linspace(0.5 * low, low, 48).reshape(8, 6))
    assert form(macro).formed.all()
    assert macro.pulse_log == []


@given(st.integers(0, 2**32), st.floats(0.01, 1.0))
def test_a_fraction_selects_the_same_cells_on_any_chip(seed: int, fraction: float) -> None:
    one, other = (ArrayMacro(make_spec(), np.full((8, 6), PRISTINE)) for _ in range(2))
    other.breakdown[:] = 2.2
    first, second = (form(m, fraction=fraction, seed=seed) for m in (one, other))
    assert np.array_equal(first.selected, second.selected)
    assert np.array_equal(first.formed, first.selected)
    assert np.array_equal(first.conductance > PRISTINE, first.selected)


def test_a_fraction_selects_that_share_of_the_cells() -> None:
    macro = ArrayMacro(make_spec(200, 200), np.full((200, 200), PRISTINE))
    assert form(macro, fraction=0.3).formed_fraction == pytest.approx(0.3, abs=4 * 0.0023)


def test_the_ramp_covers_the_whole_envelope_without_leaving_it() -> None:
    for low, high in [(2.0, 4.0), (1.1, 3.2), (0.3, 0.3), (2.7, 3.3000000000000003)]:
        limits = PULSES["form"] | {"voltage": {"low": low, "high": high}}
        ramp = FormingRamp.within(make_spec(pulses={"form": limits}))
        assert ramp.voltages[0] == low
        assert high - 0.05 < ramp.voltages[-1] <= high
        assert np.diff(ramp.voltages) == pytest.approx(np.full(len(ramp.voltages) - 1, 0.05))


@given(st.floats(0, 5), st.floats(0, 5), st.floats(0.01, 1))
def test_a_ramp_never_exceeds_its_stop(start: float, rise: float, step: float) -> None:
    ramp = FormingRamp(start, start + rise, step, gate_voltage=1.5, width=1e-6)
    assert ramp.voltages[0] == start
    assert ramp.voltages.max() <= ramp.stop
    assert ramp.stop - ramp.voltages[-1] < step * (1 + 1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"start": 4.0, "stop": 2.0},
        {"step": 0.0},
        {"step": -0.1},
        {"step": float("nan")},
        {"stop": float("inf")},
        {"start": float("nan")},
    ],
)
def test_a_ramp_that_never_rises_is_refused(change: dict[str, float]) -> None:
    fields: dict[str, Any] = vars(RAMP) | change
    with pytest.raises(LimitError, match="never rises"):
        FormingRamp(**fields)


@pytest.mark.parametrize(
    "change", [{"stop": 4.5}, {"start": 1.0}, {"gate_voltage": 2.5}, {"width": 1.0}]
)
def test_a_ramp_beyond_the_envelope_is_refused_before_the_first_pulse(
    pristine: ArrayMacro, change: dict[str, float]
) -> None:
    fields: dict[str, Any] = vars(RAMP) | change
    with pytest.raises(LimitError, match="FORM limit"):
        form(pristine, ramp=FormingRamp(**fields))
    assert pristine.log == []


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, float("nan")])
def test_an_impossible_fraction_is_refused(pristine: ArrayMacro, fraction: float) -> None:
    with pytest.raises(LimitError, match="fraction"):
        form(pristine, fraction=fraction)
    assert pristine.log == []


def test_a_macro_without_form_pulses_cannot_be_formed() -> None:
    with pytest.raises(NotSupportedError, match="it has: set"):
        form(ArrayMacro(make_spec(pulses={"set": PULSES["set"]})))


def test_progress_rises_to_the_end(pristine: ArrayMacro) -> None:
    calls: list[tuple[int, int]] = []
    form(pristine, progress=lambda done, total, label: calls.append((done, total)))
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1][0] == calls[-1][1]


def test_the_report_tells_the_time_on_the_chip(pristine: ArrayMacro) -> None:
    seconds = iter([10.0, 12.5])
    pristine._clock = lambda: next(seconds)  # type: ignore[method-assign]
    assert form(pristine).chip_seconds == 2.5
