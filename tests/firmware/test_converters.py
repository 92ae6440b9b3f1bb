import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset, PulseKind, Window, load_preset, new_chip
from rgnn_hal_firmware.converters import InputConverter, LineConverters

Formed = Callable[[Chip], Chip]
MakePreset = Callable[..., Preset]

PARAMETERS = load_preset("chip40nm").parameters
INPUT = InputConverter.of(PARAMETERS, 1)
LINES = LineConverters.of(PARAMETERS, 1, "rows")


@given(st.floats(-0.2, 0.2))
def test_an_input_is_rounded_to_the_nearest_of_65535_codes(voltage: float) -> None:
    code = INPUT.code(np.array([[voltage]]))[0, 0]
    assert code == int(code)
    assert abs(code) <= 32767
    assert abs(code * INPUT.step - voltage) <= INPUT.step * 0.5000001


def test_zero_and_both_ends_of_the_read_range_are_codes() -> None:
    np.testing.assert_array_equal(
        INPUT.code(np.array([[-0.2], [0.0], [0.2]]))[:, 0], [-32767, 0, 32767]
    )


def test_float32_voltages_at_the_limit_stay_within_the_codes() -> None:
    assert INPUT.code(np.array([[0.2]], np.float32))[0, 0] == 32767


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


def errors(make_preset: MakePreset, **values: float) -> Preset:
    """16 x 600 cells that read what they are, behind converters with just these errors."""
    replaced = {"telegraph.cell_fraction": 0.0, "read_noise.white": 0.0}
    replaced |= {"flicker.relative_density": 0.0, "periphery.offset_sd": 0.0}
    replaced |= {"periphery.gain_sd": 0.0, "periphery.full_scale": 40e-6}
    document = json.loads(make_preset(16, 600, replaced).document)
    for name, value in values.items():
        unit = {"noise": "A", "input_offset_sd": "V"}.get(name, "1")
        quantity = {"value": value, "unit": unit, "source": "this test's own number"}
        document["periphery"][name] = quantity
    return Preset.from_document(document)


def sensed(chip: Chip, level: float, batch: int = 1) -> NDArray[np.float64]:
    chip.apply(np.full((batch, 16), level), "rows", chip.whole)
    currents: NDArray[np.float64] = chip.read().astype(np.float64)
    return currents


def deviations(make_preset: MakePreset, formed: Formed, **values: float) -> NDArray[np.float64]:
    """(levels, columns) of reads from those without the errors, over a staircase of inputs, A."""
    bent = formed(Chip(errors(make_preset, **values), 1))
    straight = formed(Chip(errors(make_preset), 1))
    levels = np.linspace(-0.18, 0.18, 37)
    return np.array([sensed(bent, level)[0] - sensed(straight, level)[0] for level in levels])


def test_a_bow_is_largest_at_zero_and_vanishes_at_both_ends(
    make_preset: MakePreset, formed: Formed
) -> None:
    found = deviations(make_preset, formed, bow_sd=2e-3)
    assert found[18].std() == pytest.approx(2e-3 * 40e-6, rel=0.1)
    chip = formed(Chip(errors(make_preset), 1))
    level = sensed(chip, 0.18)[0] / 40e-6
    curve = found[18] * (1 - np.outer(np.linspace(-1, 1, 37), level) ** 2)
    np.testing.assert_allclose(found, curve, atol=2.1 * 40e-6 / 8191)  # two roundings each


def test_a_walk_is_a_curve_of_steps_tied_at_both_ends(
    make_preset: MakePreset, formed: Formed
) -> None:
    lines = LineConverters.of(errors(make_preset, walk_sd=1e-3).parameters, 1, "rows")
    assert lines.walk is not None
    np.testing.assert_allclose(lines.walk[:, [0, -1]], 0.0, atol=1e-12)
    # A Brownian bridge of sd 1 from end to end has sd 1/2 in its middle.
    assert lines.walk[:, 16].std() == pytest.approx(0.5 * 1e-3 * 8191, rel=0.1)
    found = deviations(make_preset, formed, walk_sd=1e-3) / (40e-6 / 8191)
    assert np.abs(found).max() <= np.abs(lines.walk).max() + 1.001
    assert found[18].std() == pytest.approx(lines.walk[:, 16].std(), rel=0.1)


def test_conversions_have_noise_of_their_own(make_preset: MakePreset, formed: Formed) -> None:
    chip = formed(Chip(errors(make_preset, noise=50e-9), 1))
    reads = sensed(chip, 0.1, batch=400)
    rounding = (40e-6 / 8191) ** 2 / 12
    assert np.sqrt(reads.var(axis=0).mean() - rounding) == pytest.approx(50e-9, rel=0.01)
    assert np.std(sensed(chip, 0.0, batch=400)) == pytest.approx(50e-9, rel=0.02)


def test_driven_lines_have_offset_gain_and_bow_of_their_own(make_preset: MakePreset) -> None:
    spreads = {"input_offset_sd": 1e-4, "input_gain_sd": 1e-3, "input_bow_sd": 5e-4}
    parameters = errors(make_preset, **spreads).parameters
    converter = InputConverter.of(parameters, 1)
    levels = np.linspace(-0.2, 0.2, 41)[:, None] * np.ones((1, 600))
    columns = slice(16, 616)
    error = converter.drive(converter.code(levels), columns) * converter.step - levels
    assert error[-1].std() == pytest.approx(np.hypot(1e-4, 0.2 * 1e-3), rel=0.1)
    np.testing.assert_array_equal(error[20], 0.0)  # at rest, lines are grounded
    odd = (error[30] - error[10]) / 2 - (error[-1] - error[0]) / 4
    assert odd.std() == pytest.approx(0.2 * 5e-4 * 0.375, rel=0.1)
    both = (error[-1] + error[0]) / 2
    assert both.std() == pytest.approx(1e-4, rel=0.1)
    others = converter.drive(converter.code(levels[-1:, :16]), slice(0, 16))
    assert not np.isin(others * converter.step - 0.2, error).any()


def test_an_exact_chip_has_no_converters(make_preset: MakePreset, formed: Formed) -> None:
    preset = errors(make_preset, bow_sd=1e-2, walk_sd=1e-2, noise=1e-6, input_gain_sd=1e-2)
    chip = formed(Chip(preset, 1, exact=True))
    np.testing.assert_allclose(
        sensed(chip, 0.1)[0], 0.1 * chip.read_conductance(chip.whole).sum(axis=0), rtol=1e-12
    )


def test_a_split_batch_meets_the_same_converters(make_preset: MakePreset, formed: Formed) -> None:
    spreads = {"bow_sd": 1e-3, "walk_sd": 1e-3, "noise": 5e-8, "input_bow_sd": 1e-3}
    whole, split = (formed(Chip(errors(make_preset, **spreads), 1)) for _ in range(2))
    v = np.random.default_rng(0).uniform(-0.2, 0.2, (50, 16))
    whole.apply(v, "rows", whole.whole)
    parts = []
    for part in np.split(v, [1, 17]):
        split.apply(part, "rows", split.whole)
        parts.append(split.read())
    np.testing.assert_array_equal(np.concatenate(parts), whole.read())


def test_noise_of_the_inputs_is_shared_by_the_columns_of_one_turn(
    make_preset: MakePreset, formed: Formed
) -> None:
    quiet = {
        "periphery.input_noise": 2e-3,
        "read_noise.white": 0.0,
        "telegraph.cell_fraction": 0.0,
        "flicker.relative_density": 0.0,
        "periphery.adc_bits": 24,
        "defects.short_density": 0.0,
        "defects.short_column_density": 0.0,
    }
    noisy = make_preset(16, 16, quiet)
    chip = formed(Chip(noisy, 1))
    cells = chip.read_conductance(chip.whole, 64)
    voltage = np.full((4000, 16), 0.1)
    voltage[:, ::2] = 0.0  # at rest: switched to ground
    chip.apply(voltage, "rows", chip.whole)
    current = chip.read()
    found = np.cov(current.T)
    expected = 2e-3**2 * cells[1::2].T @ cells[1::2]
    turn = np.arange(16) % 8
    expected[turn[:, None] != turn] = 0.0
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(found / scale, expected / scale, atol=0.12)

    again = formed(Chip(noisy, 1))
    again.read_conductance(again.whole, 64)
    parts = []
    for part in np.split(voltage, [100, 700]):
        again.apply(part, "rows", again.whole)
        parts.append(again.read())
    np.testing.assert_array_equal(np.concatenate(parts), current)
