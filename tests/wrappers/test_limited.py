"""Limits of a bench: tighter always, wider never, and the hardware sees nothing beyond them."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rgnn_hal.macro import (
    ConfigurationError,
    LimitError,
    MacroSpec,
    MacroUri,
    NotSupportedError,
    PulseKind,
)
from rgnn_hal.wrappers import Limited, tighten
from tests.conftest import ArrayMacro, make_spec

SPEC = make_spec()


def test_only_what_is_named_changes() -> None:
    tight = tighten(SPEC, {"pulses": {"set": {"voltage": {"high": 2.0}}}})
    assert tight.pulses[PulseKind.SET].voltage.high == 2.0
    assert tight.pulses[PulseKind.SET].voltage.low == SPEC.pulses[PulseKind.SET].voltage.low
    for kind, field in ((PulseKind.SET, "width"), (PulseKind.RESET, "voltage")):
        assert getattr(tight.pulses[kind], field) == getattr(SPEC.pulses[kind], field)
    assert tight.model_dump(exclude={"pulses"}) == SPEC.model_dump(exclude={"pulses"})
    assert tighten(SPEC, {}) == SPEC


WIDER: list[dict[str, Any]] = [
    {"read_voltage": {"high": 0.2000001}},
    {"read_voltage": {"low": -0.21}},
    {"conductance": {"high": 41e-6}},
    {"conductance": {"low": 0.0}},
    {"max_batch": 513},
    {"max_samples": 65},
    {"pulses": {"set": {"voltage": {"high": 2.5}}}},
    {"pulses": {"form": {"gate_voltage": {"low": 0.5}}}},
    {"pulses": {"reset": {"width": {"high": 1.0}}}},
    {"pulses": {"reset": {"max_count": 6}}},
]


@pytest.mark.parametrize("limits", WIDER, ids=str)
def test_a_wider_limit_is_an_error_that_names_both(limits: dict[str, Any]) -> None:
    with pytest.raises(LimitError, match=r"hardware's .*; limits can only be tightened"):
        tighten(SPEC, limits)


@pytest.mark.parametrize(
    "limits",
    [
        {"rows": 4},
        {"identity": "mine"},
        {"capabilities": []},
        {"read_voltage": {"maximum": 0.1}},
        {"read_voltage": 0.1},
        {"read_voltage": {"high": "much"}},
        {"read_voltage": {"high": -0.1}},
        {"pulses": {"melt": {"max_count": 1}}},
        {"max_batch": 0},
    ],
    ids=str,
)
def test_what_is_no_limit_is_a_configuration_error(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        tighten(SPEC, limits)


ranges = st.tuples(st.floats(-0.3, 0.0), st.floats(1e-3, 0.3))


@given(ranges)
def test_no_limits_ever_let_more_through(ends: tuple[float, float]) -> None:
    low, high = ends
    allowed = SPEC.read_voltage
    try:
        tight: MacroSpec = tighten(SPEC, {"read_voltage": {"low": low, "high": high}})
    except LimitError:
        assert low < allowed.low or high > allowed.high
    else:
        assert allowed.low <= tight.read_voltage.low <= tight.read_voltage.high <= allowed.high


def test_calls_beyond_the_limits_do_not_reach_the_macro() -> None:
    inner = ArrayMacro()
    macro = Limited(inner, {"read_voltage": {"high": 0.1}, "pulses": {"form": False}})
    with pytest.raises(LimitError):
        macro.multiply(np.full((1, 8), 0.11))
    with pytest.raises(NotSupportedError):
        macro.pulse(
            PulseKind.FORM, np.ones((8, 6), bool), voltage=3.0, gate_voltage=1.5, width=1e-6
        )
    assert inner.log == []
    macro.multiply(np.full((1, 8), 0.1))
    assert inner.log == ["apply", "read"]


def test_closing_closes_what_is_inside() -> None:
    inner = ArrayMacro()
    with Limited(inner, {}):
        pass
    assert inner.closed


def test_a_wrapper_has_no_address() -> None:
    with pytest.raises(ConfigurationError, match="open a macro and wrap it"):
        Limited.open(MacroUri("limited", "", {}))
