"""What verbs compute, what they leave latched, and whose memory they touch."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from rgnn_hal.macro import PulseKind, Region
from tests.conftest import ArrayMacro, random_conductance

REGION = Region(2, 7, 1, 4)
PULSE: dict[str, Any] = {"gate_voltage": 1.0, "width": 1e-6}


@given(arrays(np.float64, (3, 8), elements=st.floats(-0.2, 0.2)))
def test_currents_are_the_sums_of_conductance_times_voltage(voltage: np.ndarray[Any, Any]) -> None:
    macro = ArrayMacro(conductance=random_conductance(8, 6))
    expected = np.einsum("br,rc->bc", voltage, macro.conductance)
    assert macro.multiply(voltage) == pytest.approx(expected, abs=1e-19)


@given(arrays(np.float64, (3, 6), elements=st.floats(-0.2, 0.2)))
def test_transposed_currents_are_the_sums_over_columns(voltage: np.ndarray[Any, Any]) -> None:
    macro = ArrayMacro(conductance=random_conductance(8, 6))
    expected = np.einsum("bc,rc->br", voltage, macro.conductance)
    assert macro.multiply(voltage, side="cols") == pytest.approx(expected, abs=1e-19)


@pytest.mark.parametrize("side", ["rows", "cols"])
def test_multiply_equals_apply_then_read_and_stays_latched(macro: ArrayMacro, side: Any) -> None:
    lines = REGION.shape[0 if side == "rows" else 1]
    voltage = np.linspace(-0.2, 0.2, 4 * lines).reshape(4, lines)
    fused = macro.multiply(voltage, side=side, region=REGION)
    assert np.array_equal(macro.read(), fused)
    macro.safe()
    assert not macro.read().any()
    macro.apply(voltage, side=side, region=REGION)
    assert np.array_equal(macro.read(), fused)


def test_a_region_drives_its_own_lines_only(macro: ArrayMacro) -> None:
    voltage = np.full((1, 5), 0.1)
    current = macro.multiply(voltage, region=REGION)
    assert current[0] == pytest.approx(0.1 * macro.conductance[2:7, 1:4].sum(axis=0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_currents_have_the_dtype_of_the_voltages(macro: ArrayMacro, dtype: Any) -> None:
    macro.apply(np.zeros((1, 8), dtype=dtype))
    assert macro.read().dtype == dtype
    assert macro.multiply(np.zeros((1, 8), dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.float16, ">f8", ">f4", np.longdouble])
def test_other_real_numbers_reach_the_driver_as_float64(macro: ArrayMacro, dtype: Any) -> None:
    macro.multiply(np.zeros((1, 8), dtype=dtype))
    assert macro.received.dtype == np.dtype("=f8")


def test_lists_and_strided_views_reach_the_driver_as_contiguous_arrays(macro: ArrayMacro) -> None:
    wide = np.linspace(-0.2, 0.2, 64).reshape(4, 16)
    macro.multiply(wide[::2, ::2])
    assert macro.received.flags.c_contiguous
    assert np.array_equal(macro.received, wide[::2, ::2])
    macro.multiply([[0.1] * 8])
    assert macro.received.shape == (1, 8)


def test_what_a_verb_was_given_may_be_reused_at_once(macro: ArrayMacro) -> None:
    voltage = np.full((2, 8), 0.1)
    macro.apply(voltage)
    current = macro.read()
    voltage[:] = np.nan
    assert np.array_equal(macro.read(), current)

    target = np.full((8, 6), 5e-6)
    macro.program(target)
    assert not np.shares_memory(macro.received, target)

    mask = np.ones((8, 6), dtype=bool)
    macro.pulse(PulseKind.SET, mask, voltage=1.0, **PULSE)
    assert not np.shares_memory(macro.received, mask)


def test_read_only_arguments_are_accepted_and_left_alone(macro: ArrayMacro) -> None:
    voltage = np.full((2, 8), 0.1)
    voltage.flags.writeable = False
    macro.multiply(voltage)
    assert macro.received.flags.writeable
    assert (voltage == 0.1).all()


def test_amplitudes_broadcast_over_the_mask(macro: ArrayMacro) -> None:
    mask = np.ones((8, 6), dtype=bool)
    by_column = np.linspace(0.9, 2.4, 6)
    macro.pulse(PulseKind.RESET, mask, voltage=by_column, **PULSE)
    assert np.array_equal(macro.pulse_log[0][2], np.broadcast_to(by_column, (8, 6)))


def test_a_pulse_touches_the_masked_cells_of_its_region_only(macro: ArrayMacro) -> None:
    before = macro.conductance.copy()
    mask = np.zeros(REGION.shape, dtype=bool)
    mask[1, 2] = True
    macro.pulse(PulseKind.SET, mask, voltage=1.0, **PULSE, region=REGION)
    changed = np.argwhere(macro.conductance != before)
    assert changed.tolist() == [[3, 3]]


def test_a_kind_of_pulse_may_be_given_by_its_name(macro: ArrayMacro) -> None:
    name: Any = "reset"
    macro.pulse(name, np.ones((8, 6), dtype=bool), voltage=1.0, **PULSE)
    assert macro.pulse_log[0][0] is PulseKind.RESET


def test_conductances_are_read_as_float64_of_the_region(macro: ArrayMacro) -> None:
    reading = macro.read_conductance(REGION, samples=3)
    assert np.array_equal(reading, macro.conductance[2:7, 1:4])
    assert reading.dtype == np.float64


def test_with_a_mask_only_its_cells_are_told(macro: ArrayMacro) -> None:
    mask = np.eye(*REGION.shape) > 0
    reading = macro.read_conductance(REGION, mask=mask)
    assert np.array_equal(reading[mask], macro.conductance[2:7, 1:4][mask])
    assert np.isnan(reading[~mask]).all()
    assert np.isfinite(macro.conductance).all()


@pytest.mark.parametrize("verb", ["program", "pulse", "read_conductance", "wait", "safe"])
def test_after_verbs_that_ground_a_read_senses_one_vector_of_zero(
    macro: ArrayMacro, verb: str
) -> None:
    macro.zero = np.arange(6) * 1e-9
    macro.apply(np.full((3, 8), 0.1))
    verbs: dict[str, Callable[[], Any]] = {
        "program": lambda: macro.program(np.full((8, 6), 5e-6)),
        "pulse": lambda: macro.pulse(
            PulseKind.SET, np.ones((8, 6), dtype=bool), voltage=1.0, **PULSE
        ),
        "read_conductance": macro.read_conductance,
        "wait": lambda: macro.wait(0.0),
        "safe": macro.safe,
    }
    verbs[verb]()
    assert np.array_equal(macro.read(), [macro.zero])
