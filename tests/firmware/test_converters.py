import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal_firmware import PulseKind, Window, load_preset, new_chip
from rgnn_hal_firmware.converters import InputConverter, LineConverters

PARAMETERS = load_preset("chip40nm").parameters
INPUT = InputConverter.of(PARAMETERS)
LINES = LineConverters.of(PARAMETERS, 1, "rows")


@given(st.floats(-0.2, 0.2))
def test_an_input_is_rounded_to_the_nearest_of_65535_codes(voltage: float) -> None:
    code = INPUT.codes(np.array([voltage]))[0]
    assert code == int(code)
    assert abs(code) <= 32767
    assert abs(code * INPUT.step - voltage) <= INPUT.step * 0.5000001


def test_zero_and_both_ends_of_the_read_range_are_codes() -> None:
    np.testing.assert_array_equal(INPUT.codes(np.array([-0.2, 0.0, 0.2])), [-32767, 0, 32767])


def test_float32_voltages_at_the_limit_stay_within_the_codes() -> None:
    assert INPUT.codes(np.array([0.2], np.float32))[0] == 32767


@given(st.floats(-1e6, 1e6))
def test_a_line_converter_rounds_and_saturates(signal: float) -> None:
    codes = np.array([signal])
    LINES.convert(codes)
    assert codes[0] == np.clip(np.rint(signal), -8191, 8191)


def test_rows_and_columns_have_their_own_converters() -> None:
    rows = LineConverters.of(PARAMETERS, 1, "cols")
    assert not np.isin(rows.offset, LINES.offset).any()


def test_products_lie_on_the_grid_of_the_column_converter() -> None:
    chip = new_chip(seed=1)
    chip.apply(np.full((3, 512), 0.1), "rows", chip.whole)
    codes = chip.read() / (400e-6 / 8191)
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-6)


def test_the_clock_moves_by_the_stated_law() -> None:
    chip = new_chip(seed=1)
    mask = np.zeros((512, 512), np.bool_)
    mask[3, [0, 8, 9]] = mask[7, 1] = True  # row 3: positions 0 and 1; row 7: position 1
    amplitude = np.full((512, 512), 1.5)
    chip.pulse(PulseKind.SET, mask, amplitude, amplitude, 1e-6, 4, chip.whole)
    assert chip.time == pytest.approx(3 * 4 * 1e-6)
    chip.apply(np.zeros((10, 4)), "rows", Window(0, 4, 0, 7))
    assert chip.time == pytest.approx(12e-6)
    chip.read(samples=5)
    assert chip.time == pytest.approx(12e-6 + 50 * 160e-6)
    chip.read_conductance(Window(0, 4, 0, 7), samples=2)
    assert chip.time == pytest.approx(12e-6 + 58 * 160e-6)
    for duration in (1e10, 1e300):
        chip.wait(duration)
        assert chip.time == pytest.approx(duration)
