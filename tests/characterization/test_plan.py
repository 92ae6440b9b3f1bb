"""What a plan allows: wear and waiting need permission on a chip that is kept."""

from pathlib import Path

import numpy as np
import pytest

from rgnn_hal.characterization import Plan, characterize, everything
from rgnn_hal.macro import Capability, LimitError, MacroSpec, Region, open_macro
from tests.conftest import ArrayMacro, make_spec

KEPT = make_spec(capabilities=frozenset({Capability.PERSISTENT, Capability.VIRTUAL_CLOCK}))
BENCH = make_spec(capabilities=frozenset())
EPHEMERAL = make_spec(capabilities=frozenset({Capability.VIRTUAL_CLOCK}))
WEARING = {one.name for one in everything(1.0) if one.wears}


def names(plan: Plan) -> set[str]:
    return {one.name for one in plan.measurements}


def test_a_chip_that_ends_with_the_session_is_measured_in_full() -> None:
    plan = Plan.for_macro(EPHEMERAL)
    assert names(plan) == {one.name for one in everything(1.0)}
    assert not plan.omitted


@pytest.mark.parametrize("spec", [KEPT, BENCH])
def test_a_kept_chip_is_neither_worn_nor_aged_unasked(spec: MacroSpec) -> None:
    plan = Plan.for_macro(spec)
    assert not names(plan) & (WEARING | {"retention"})
    assert "--wear" in plan.omitted["forming"]
    assert "--seconds" in plan.omitted["retention"]
    worn = Plan.for_macro(spec, Region(0, 4, 0, 4), wear=True)
    assert worn.omitted.keys() == {"retention", "relaxation"}


def test_wear_on_a_kept_chip_needs_a_chosen_region() -> None:
    with pytest.raises(LimitError, match="--region"):
        Plan.for_macro(KEPT, wear=True)
    plan = Plan.for_macro(KEPT, Region(0, 4, 0, 4), wear=True, seconds=10.0)
    assert names(plan) == {one.name for one in everything(1.0)}
    assert plan.region == Region(0, 4, 0, 4)


def test_only_what_is_asked_for_is_measured() -> None:
    assert names(Plan.for_macro(EPHEMERAL, only=["map", "converters"])) == {"map", "converters"}
    with pytest.raises(LimitError, match="there are: forming"):
        Plan.for_macro(EPHEMERAL, only=["iv"])


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_a_time_that_cannot_be_waited_is_refused(seconds: float) -> None:
    with pytest.raises(LimitError, match="retention"):
        Plan.for_macro(EPHEMERAL, seconds=seconds)


def test_a_region_beyond_the_macro_is_refused() -> None:
    with pytest.raises(LimitError, match="beyond"):
        Plan.for_macro(EPHEMERAL, Region(0, 9, 0, 6))


def test_what_a_chip_does_not_allow_is_skipped_with_its_reason() -> None:
    macro = ArrayMacro(make_spec(pulses={}, capabilities=frozenset()))
    result = characterize(macro, Plan.for_macro(macro.spec, Region(0, 8, 0, 6), wear=True))
    assert {"converters", "map", "current_voltage", "read_noise"} <= result.findings.keys()
    assert "pulses; it has: none" in result.skipped["forming"]
    assert result.findings["read_noise"].estimates["white"].value == 0.0


def test_a_pristine_chip_shows_its_zeros_and_says_why_it_shows_no_more() -> None:
    macro = ArrayMacro(KEPT, np.full((8, 6), 0.1e-6), zero=2e-7)
    result = characterize(macro, Plan.for_macro(macro.spec))
    assert result.findings["converters"].estimates["offset_mean"].value == pytest.approx(2e-7)
    assert "form them first" in result.skipped["current_voltage"]
    assert "pulse" not in macro.log


def test_gains_of_an_exact_macro_are_found_to_rounding() -> None:
    gain = np.array([1.0, 1.01, 0.99, 1.0, 1.02, 0.97])
    macro = ArrayMacro(KEPT, zero=1e-7, gain=gain)
    result = characterize(macro, Plan.for_macro(macro.spec, only=["converters"]))
    assert result.findings["converters"].series["gain"].values == pytest.approx(gain)


def test_a_region_for_wear_is_the_only_one_that_is_pulsed(tmp_path: Path) -> None:
    region = Region(100, 116, 32, 96)
    with open_macro(f"emulator://?seed=1&state={tmp_path / 'chip.h5'}") as macro:
        before = macro.read_conductance(samples=4)
        plan = Plan.for_macro(macro.spec, region, wear=True, only=["forming", "compliance"])
        characterize(macro, plan)
        moved = np.abs(macro.read_conductance(samples=4) - before) > 2e-6
    inside = np.zeros_like(moved)
    inside[region.slices] = True
    assert moved[inside].mean() > 0.99
    assert not moved[~inside].any()
