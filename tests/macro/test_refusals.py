"""Every bad argument is refused with a typed error before the driver sees the call."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.extra.numpy import array_shapes

from rgnn_hal.macro import (
    Capability,
    ClosedError,
    LimitError,
    Macro,
    NotSupportedError,
    PulseKind,
    Region,
)
from tests.conftest import PULSES, ArrayMacro, make_spec

GOOD_PULSE: dict[str, Any] = {"voltage": 1.0, "gate_voltage": 1.0, "width": 1e-6}
MASK = np.ones((8, 6), dtype=bool)


def bare(**changes: Any) -> ArrayMacro:
    """A macro that declares no capability."""
    return ArrayMacro(make_spec(capabilities=frozenset(), **changes))


def refused(macro: ArrayMacro, call: Callable[[Macro], Any], error: type[Exception]) -> str:
    """The message of the refusal; the driver must not have been reached, nor anything latched."""
    before = macro.conductance.copy()
    latched = macro.latched
    with pytest.raises(error) as caught:
        call(macro)
    assert macro.log == []
    assert macro.latched is latched
    assert np.array_equal(macro.conductance, before)
    return str(caught.value)


def volts(fill: Any = 0.1, shape: tuple[int, ...] = (2, 8), dtype: Any = np.float64) -> Any:
    return np.full(shape, fill, dtype=dtype)


def one_bad(bad: float) -> Any:
    array = volts()
    array[1, 3] = bad
    return array


BAD_VOLTAGES = {
    "NaN": one_bad(np.nan),
    "plus infinity": one_bad(np.inf),
    "minus infinity": one_bad(-np.inf),
    "one float64 ulp above": one_bad(np.nextafter(0.2, 1)),
    "one float64 ulp below": one_bad(np.nextafter(-0.2, -1)),
    "one float32 ulp above": np.nextafter(volts(0.2, dtype=np.float32), np.float32(1)),
    "one float32 ulp below": np.nextafter(volts(-0.2, dtype=np.float32), np.float32(-1)),
    "one vector without a batch": volts(shape=(8,)),
    "three axes": volts(shape=(1, 2, 8)),
    "a line too few": volts(shape=(2, 7)),
    "a line too many": volts(shape=(2, 9)),
    "no vectors": volts(shape=(0, 8)),
    "a vector more than the maximum": volts(shape=(513, 8)),
    "complex": volts(dtype=complex),
    "objects": volts(dtype=object),
    "booleans": volts(True, dtype=bool),
    "strings": volts("0.1", dtype="U3"),
    "ragged lists": [[0.1] * 8, [0.1] * 7],
    "a scalar": 0.1,
    "None": None,
    "a tensor that wants gradients": torch.zeros(2, 8, requires_grad=True),
}


@pytest.mark.parametrize("voltage", BAD_VOLTAGES.values(), ids=BAD_VOLTAGES.keys())
@pytest.mark.parametrize("verb", ["apply", "multiply"])
def test_bad_voltages_are_refused(macro: ArrayMacro, verb: str, voltage: Any) -> None:
    refused(macro, lambda m: getattr(m, verb)(voltage), LimitError)


@pytest.mark.parametrize("verb", ["apply", "multiply"])
def test_a_refusal_names_value_place_and_limit(macro: ArrayMacro, verb: str) -> None:
    message = refused(macro, lambda m: getattr(m, verb)(one_bad(0.3)), LimitError)
    for part in ("1 of 16", "0.3 at (1, 3)", "-0.2 ... 0.2 V", "nothing was done"):
        assert part in message


@given(array_shapes(min_dims=0, max_dims=3, max_side=10))
def test_any_shape_but_batch_by_lines_is_refused(shape: tuple[int, ...]) -> None:
    macro = ArrayMacro()
    if len(shape) == 2 and shape[1] == 8:
        assert macro.multiply(np.zeros(shape)).shape == (shape[0], 6)
    else:
        refused(macro, lambda m: m.multiply(np.zeros(shape)), LimitError)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("limit", [-0.2, 0.2])
def test_the_limits_themselves_are_accepted(macro: ArrayMacro, dtype: Any, limit: float) -> None:
    macro.multiply(volts(limit, dtype=dtype))
    assert macro.received.dtype == dtype
    assert (macro.received == dtype(limit)).all()


def test_largest_batch_and_most_samples_are_accepted(macro: ArrayMacro) -> None:
    assert macro.multiply(volts(shape=(512, 8)), samples=64).shape == (512, 6)


@pytest.mark.parametrize("side", ["columns", "ROWS", "", None, 0])
def test_an_unknown_side_is_refused(macro: ArrayMacro, side: Any) -> None:
    refused(macro, lambda m: m.apply(volts(), side=side), LimitError)
    refused(macro, lambda m: m.multiply(volts(), side=side), LimitError)


def test_driving_columns_needs_the_capability() -> None:
    transposed = volts(shape=(2, 6))
    refused(bare(), lambda m: m.apply(transposed, side="cols"), NotSupportedError)
    refused(bare(), lambda m: m.multiply(transposed, side="cols"), NotSupportedError)
    able = ArrayMacro(make_spec(capabilities=frozenset({Capability.TRANSPOSE})))
    assert able.multiply(transposed, side="cols").shape == (2, 8)


BAD_REGIONS = {
    "a row beyond": Region(0, 9, 0, 6),
    "a column beyond": Region(0, 8, 0, 7),
    "far away": Region(100, 101, 100, 101),
    "text": "0:8,0:6",
    "a tuple": (0, 8, 0, 6),
}


@pytest.mark.parametrize("region", BAD_REGIONS.values(), ids=BAD_REGIONS.keys())
def test_a_region_outside_the_macro_is_refused_by_every_verb(
    macro: ArrayMacro, region: Any
) -> None:
    target = np.full((8, 6), 5e-6)
    for call in (
        lambda m: m.program(target, region),
        lambda m: m.pulse(PulseKind.SET, MASK, **GOOD_PULSE, region=region),
        lambda m: m.apply(volts(), region=region),
        lambda m: m.multiply(volts(), region=region),
        lambda m: m.read_conductance(region),
    ):
        refused(macro, call, LimitError)


BAD_TARGETS = {
    "NaN": np.where(np.eye(8, 6) > 0, np.nan, 5e-6),
    "infinity": np.where(np.eye(8, 6) > 0, np.inf, 5e-6),
    "one ulp above": np.full((8, 6), np.nextafter(40e-6, 1)),
    "one ulp below": np.full((8, 6), np.nextafter(1e-6, 0)),
    "negative": np.full((8, 6), -5e-6),
    "transposed": np.full((6, 8), 5e-6),
    "one number": 5e-6,
    "complex": np.full((8, 6), 5e-6 + 0j),
    "text": np.full((8, 6), "5e-6"),
}


@pytest.mark.parametrize("target", BAD_TARGETS.values(), ids=BAD_TARGETS.keys())
def test_bad_targets_are_refused(macro: ArrayMacro, target: Any) -> None:
    refused(macro, lambda m: m.program(target), LimitError)


def test_programming_needs_the_capability_and_the_refusal_names_the_way() -> None:
    message = refused(bare(), lambda m: m.program(np.full((8, 6), 5e-6)), NotSupportedError)
    assert "write_verify" in message


def test_the_ends_of_the_conductance_window_are_accepted(macro: ArrayMacro) -> None:
    target = np.where(np.eye(8, 6) > 0, 1e-6, 40e-6)
    macro.program(target)
    assert np.array_equal(macro.conductance, target)


BAD_PULSES: dict[str, dict[str, Any]] = {
    "voltage over": {"voltage": np.nextafter(2.4, 3)},
    "voltage under": {"voltage": np.nextafter(0.9, 0)},
    "negative voltage": {"voltage": -1.0},
    "NaN voltage": {"voltage": np.nan},
    "gate over": {"gate_voltage": np.nextafter(2.4, 3)},
    "NaN gate": {"gate_voltage": np.nan},
    "text gate": {"gate_voltage": "1.0"},
    "one bad amplitude": {"voltage": np.where(np.eye(8, 6) > 0, 9.0, 1.0)},
    "amplitudes of another shape": {"voltage": np.ones((6, 8))},
    "width over": {"width": np.nextafter(1e-3, 1)},
    "width under": {"width": np.nextafter(1e-7, 0)},
    "NaN width": {"width": np.nan},
    "array width": {"width": np.full((8, 6), 1e-6)},
    "text width": {"width": "1e-6"},
    "zero count": {"count": 0},
    "negative count": {"count": -1},
    "count over": {"count": 6},
    "fractional count": {"count": 1.0},
    "boolean count": {"count": True},
    "NumPy boolean count": {"count": np.True_},
    "None count": {"count": None},
}


@pytest.mark.parametrize("change", BAD_PULSES.values(), ids=BAD_PULSES.keys())
def test_bad_pulses_are_refused(macro: ArrayMacro, change: dict[str, Any]) -> None:
    refused(macro, lambda m: m.pulse(PulseKind.SET, MASK, **(GOOD_PULSE | change)), LimitError)


RAGGED = [[True], [True, False]]


@pytest.mark.parametrize("mask", [MASK.T, MASK.astype(int), True, MASK[0], None, RAGGED])
def test_a_mask_is_booleans_of_the_region(macro: ArrayMacro, mask: Any) -> None:
    refused(macro, lambda m: m.pulse(PulseKind.SET, mask, **GOOD_PULSE), LimitError)


@pytest.mark.parametrize("kind", ["melt", "", None, 3, "FORM"])
def test_an_unknown_kind_of_pulse_is_refused(macro: ArrayMacro, kind: Any) -> None:
    message = refused(macro, lambda m: m.pulse(kind, MASK, **GOOD_PULSE), NotSupportedError)
    assert "it has: form, set, reset" in message


def test_a_kind_of_pulse_that_the_macro_lacks_is_refused() -> None:
    macro = ArrayMacro(make_spec(pulses={"set": PULSES["set"]}))
    refused(macro, lambda m: m.pulse(PulseKind.RESET, MASK, **GOOD_PULSE), NotSupportedError)
    macro.pulse(PulseKind.SET, MASK, **GOOD_PULSE)


def test_pulse_limits_themselves_are_accepted(macro: ArrayMacro) -> None:
    ends: dict[str, Any] = {"voltage": 2.4, "gate_voltage": 0.9, "width": 1e-3, "count": 5}
    macro.pulse(PulseKind.SET, MASK, **ends)
    macro.pulse(PulseKind.SET, MASK, **(ends | {"voltage": np.float32(2.4), "count": np.int64(5)}))
    assert macro.log == ["pulse", "pulse"]


def test_amplitudes_outside_the_mask_are_not_looked_at(macro: ArrayMacro) -> None:
    diagonal = np.eye(8, 6) > 0
    amplitude = np.where(diagonal, 1.0, np.nan)
    macro.pulse(PulseKind.SET, diagonal, voltage=amplitude, gate_voltage=1.0, width=1e-6)
    assert macro.log == ["pulse"]


@pytest.mark.parametrize("samples", [0, -1, 65, 1.0, True, np.True_, "1", None, np.nan])
def test_a_bad_number_of_samples_is_refused(macro: ArrayMacro, samples: Any) -> None:
    refused(macro, lambda m: m.read(samples), LimitError)
    refused(macro, lambda m: m.multiply(volts(), samples=samples), LimitError)
    refused(macro, lambda m: m.read_conductance(samples=samples), LimitError)


@pytest.mark.parametrize("duration", [-1e-9, np.nan, np.inf, 10**400, "1", None, True])
def test_a_bad_duration_is_refused(macro: ArrayMacro, duration: Any) -> None:
    refused(macro, lambda m: m.wait(duration), LimitError)


@given(st.floats(min_value=0.0, max_value=1e9))
def test_waiting_lets_that_time_pass_with_all_lines_grounded(duration: float) -> None:
    macro = ArrayMacro()
    macro.apply(volts())
    start = macro.clock()
    macro.wait(duration)
    assert macro.clock() - start == duration
    assert not macro.read().any()


def test_every_verb_of_a_closed_macro_raises_closed_error(macro: ArrayMacro) -> None:
    macro.close()
    macro.log.clear()
    nonsense: Any = "nonsense"
    for call in (
        lambda m: m.program(nonsense),
        lambda m: m.pulse(nonsense, nonsense, voltage=1, gate_voltage=1, width=1),
        lambda m: m.apply(nonsense),
        lambda m: m.read(),
        lambda m: m.multiply(nonsense),
        lambda m: m.read_conductance(),
        lambda m: m.clock(),
        lambda m: m.wait(-1),
    ):
        assert "open it again" in refused(macro, call, ClosedError)
    macro.safe()
    macro.close()
    assert macro.log == []
    assert macro.closed
    assert macro.spec.rows == 8
