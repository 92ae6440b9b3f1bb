"""A spec is complete, frozen, physical, and survives a round trip through JSON."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pydantic import ValidationError

from rgnn_hal.macro import MacroSpec, Range, Region
from tests.conftest import PULSES, make_spec


def test_a_spec_survives_json() -> None:
    spec = make_spec(adc_bits=14)
    assert MacroSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_spec_is_frozen() -> None:
    field: Any = "rows"
    with pytest.raises(ValidationError, match="frozen"):
        setattr(make_spec(), field, 4)


def test_its_region_is_the_whole_macro() -> None:
    assert make_spec(3, 5).region == Region(0, 3, 0, 5)


def pulse(**changes: Any) -> Any:
    return {"pulses": {"set": PULSES["set"] | changes}}


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "blue"},
        {"rows": 0},
        {"conductance": {"low": -1e-6, "high": 1e-6}},
        {"conductance": {"low": 2e-6, "high": 1e-6}},
        {"conductance": {"low": 0.0, "high": float("inf")}},
        {"read_voltage": {"low": 0.1, "high": 0.2}},
        {"read_voltage": {"low": -0.2, "high": 0.0}},
        {"read_noise": float("nan")},
        {"read_noise": -1.0},
        {"adc_bits": 0},
        {"max_batch": 0},
        {"capabilities": {"teleport"}},
        {"pulses": {"melt": PULSES["set"]}},
        pulse(voltage={"low": -1.0, "high": 1.0}),
        pulse(width={"low": 0.0, "high": 1.0}),
        pulse(max_count=0),
        pulse(colour="blue"),
    ],
    ids=str,
)
def test_unphysical_and_unknown_fields_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make_spec(**change)


def test_every_field_must_be_given() -> None:
    fields = make_spec().model_dump()
    for name in fields:
        with pytest.raises(ValidationError, match="Field required"):
            MacroSpec.model_validate({key: fields[key] for key in fields if key != name})


@given(st.floats(-1e3, 1e3), st.floats(-1.0, 1.0), st.floats(0, 1e3))
def test_the_nearest_value_of_a_range_is_in_it_and_none_is_nearer(
    value: float, low: float, width: float
) -> None:
    span = Range(low=low, high=low + width)
    assert span.nearest(value) in span
    assert abs(span.nearest(value) - value) == min(
        abs(end - value) for end in (span.low, span.high, value) if end in span
    )
