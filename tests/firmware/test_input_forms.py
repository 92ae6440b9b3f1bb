"""Inputs as planes that the chip sums before its one conversion."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset
from rgnn_hal_firmware.converters import InputConverter
from rgnn_hal_firmware.input_forms import SummedPlanes

MakePreset = Callable[..., Preset]
Formed = Callable[[Chip], Chip]

PLANES = {"periphery.input_planes": 1, "periphery.dac_bits": 8}
QUIET = {
    **PLANES,
    "periphery.offset_sd": 0.0,
    "periphery.gain_sd": 0.0,
    "telegraph.cell_fraction": 0.0,
    "flicker.relative_density": 0.0,
}


@given(st.integers(2, 16), st.data())
def test_the_power_of_a_code_is_that_of_its_planes(bits: int, data: st.DataObject) -> None:
    top = 2 ** (bits - 1) - 1
    code = data.draw(st.integers(-top, top))
    planes = [int(bit) for bit in reversed(f"{abs(code):b}")]
    found = SummedPlanes(0.2, top).power(np.array([[float(code)]]), np.array([[np.nan]]))
    assert found == sum(4**plane * bit for plane, bit in enumerate(planes))


def test_a_product_has_the_noise_of_its_planes_read_one_by_one(
    make_preset: MakePreset, formed: Formed
) -> None:
    chip = formed(Chip(make_preset(64, 64, QUIET), 3))
    code = np.random.default_rng(0).integers(-127, 128, 64)
    voltage = np.tile(code * (0.2 / 127), (4000, 1))
    chip.apply(voltage, "rows", chip.whole)
    found = chip.read()

    conductance = chip.read_conductance(chip.whole, 256)
    sigma = chip.preset.parameters.read_noise.white
    rng = np.random.default_rng(1)
    singly = np.zeros(4000)
    for plane in range(7):
        on = np.flatnonzero(np.abs(code) >> plane & 1)
        cells = conductance[on, 0] + sigma * rng.standard_normal((4000, on.size))
        singly += 2.0**plane * (cells @ np.sign(code[on])) * (0.2 / 127)
    assert found.std(axis=0).mean() == pytest.approx(singly.std(), rel=0.03)
    levels = (0.2 / 127) * sigma * np.linalg.norm(code)
    assert found.std(axis=0).mean() < 0.85 * levels
    mean = (0.2 / 127) * code @ conductance
    np.testing.assert_allclose(found.mean(axis=0), mean, atol=5 * singly.std() / np.sqrt(256))


@pytest.mark.parametrize("exact", [False, True])
def test_every_cell_sees_full_voltage_whatever_the_code(
    make_preset: MakePreset, formed: Formed, exact: bool
) -> None:
    curved = {**QUIET, "read_noise.white": 0.0, "conduction.cubic": [3.0, 3.0]}
    chip = formed(Chip(make_preset(16, 16, curved), 3, exact=exact))
    code = np.arange(-126, 127, 42)[:, None] * np.ones((1, 16))
    chip.apply(code * (0.2 / 127), "rows", chip.whole)
    current = chip.read()
    proportional = code[:, :1] / 126 * current[-1]
    np.testing.assert_allclose(current, proportional, atol=0.0 if exact else 400e-6 / 8191)
    bent = formed(
        Chip(make_preset(16, 16, {**curved, "periphery.input_planes": 0}), 3, exact=exact)
    )
    bent.apply(code * (0.2 / 127), "rows", bent.whole)
    assert np.abs(bent.read() - proportional).max() > 4 * 400e-6 / 8191


def test_a_line_adds_the_error_of_full_scale_as_often_as_the_code_says(
    make_preset: MakePreset,
) -> None:
    errors = {"periphery.input_offset_sd": 1e-3, "periphery.input_bow_sd": 1e-2}
    converter = InputConverter.of(make_preset(64, 64, {**PLANES, **errors}).parameters, 1)
    code = np.array([-127, -64, 0, 32, 64, 127])[:, None] * np.ones((1, 64))
    error = converter.drive(code, slice(0, 64)) - code
    np.testing.assert_allclose(error, np.abs(code) / 127 * error[-1], atol=1e-12)
    assert error[-1].std() == pytest.approx(1e-3 / converter.step, rel=0.3)


def test_a_converter_makes_the_noise_of_its_pulses(make_preset: MakePreset, formed: Formed) -> None:
    noisy = {**QUIET, "read_noise.white": 0.0, "periphery.input_noise": 2e-3}
    chip = formed(Chip(make_preset(16, 16, noisy), 3))
    conductance: NDArray[np.float64] = chip.read_conductance(chip.whole)
    for code in (127, 64, 85):
        chip.apply(np.full((3000, 16), code * (0.2 / 127)), "rows", chip.whole)
        power = sum(4**plane * (code >> plane & 1) for plane in range(7))
        noise = 2e-3 * np.sqrt(power) / 127 * np.linalg.norm(conductance, axis=0)
        variance = noise**2 + (400e-6 / 8191) ** 2 / 12
        assert np.mean(chip.read().var(axis=0) / variance) == pytest.approx(1, abs=0.05)
