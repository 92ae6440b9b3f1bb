"""Calibration finds each column's zero and gain, also where the converter rounds them away."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal.analog import TileCalibration, calibrate
from rgnn_hal.macro import Region, Side
from rgnn_hal.macro.checks import FloatArray
from tests.conftest import ArrayMacro, make_spec, random_conductance

COLS = 6
ZERO = np.array([-2.3e-7, -1e-8, 0.0, 1.3e-8, 3.1e-7, 5e-9])
GAIN = np.array([0.9, 0.99, 1.0, 1.01, 1.1, 1.3])
UNSIGNED: dict[str, Any] = {"read_voltage": {"low": 0.0, "high": 0.2}}


class Converting(ArrayMacro):
    """Rounds currents to codes of the spec's step, after cell noise of 0.1 uS per sample."""

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        super()._apply(voltage, side, region)
        self.noise = 1e-7 * np.sqrt((voltage.astype(float) ** 2).sum(axis=1, keepdims=True))

    def _read(self, samples: int) -> FloatArray:
        clean = super()._read(samples)
        random = np.random.default_rng(len(self.log))
        step = self.spec.current_step
        total = np.zeros(clean.shape)
        for _ in range(samples):
            noisy = clean + self.noise * random.normal(size=clean.shape)
            total += np.rint(noisy / step) * step if step else noisy
        return total / samples


def columns(rows: int = 64, **changes: Any) -> ArrayMacro:
    return Converting(
        make_spec(rows, COLS, **changes), random_conductance(rows, COLS), zero=ZERO, gain=GAIN
    )


@pytest.mark.parametrize("window", [{}, UNSIGNED], ids=["signed", "unsigned"])
@pytest.mark.parametrize("batch", [512, 100, 7])
def test_exact_columns_give_their_zero_and_gain_back(window: dict[str, Any], batch: int) -> None:
    spec = make_spec(64, COLS, max_batch=batch, **window)
    macro = ArrayMacro(spec, random_conductance(64, COLS), zero=ZERO, gain=GAIN)
    found = calibrate(macro, spec.region)
    assert found.zero == pytest.approx(ZERO, abs=1e-18)
    assert found.gain == pytest.approx(GAIN, rel=1e-12)


@pytest.mark.parametrize("window", [{}, UNSIGNED], ids=["signed", "unsigned"])
def test_inputs_are_made_small_enough_for_the_converters(window: dict[str, Any]) -> None:
    class Saturating(ArrayMacro):
        def _read(self, samples: int) -> FloatArray:
            return np.clip(super()._read(samples), -20e-6, 20e-6)

    spec = make_spec(64, COLS, current={"low": -20e-6, "high": 20e-6}, **window)
    gain = np.clip(GAIN, 0.9, 1.1)
    macro = Saturating(spec, random_conductance(64, COLS), zero=ZERO, gain=gain)
    assert (0.2 * macro.conductance.sum(axis=0) > 60e-6).all()
    found = calibrate(macro, spec.region)
    assert found.gain == pytest.approx(gain, rel=1e-9)


def test_a_region_gets_the_calibration_of_its_own_columns() -> None:
    macro = ArrayMacro(make_spec(64, COLS), random_conductance(64, COLS), zero=ZERO, gain=GAIN)
    found = calibrate(macro, Region(3, 40, 2, 5))
    assert found.zero == pytest.approx(ZERO[2:5], abs=1e-18)
    assert found.gain == pytest.approx(GAIN[2:5], rel=1e-12)


def test_zeros_below_one_code_are_found_thanks_to_the_noise_of_driven_cells() -> None:
    macro = columns(current={"low": -4e-4, "high": 4e-4}, adc_bits=14)
    found = calibrate(macro, macro.spec.region)
    step = macro.spec.current_step
    grounded = macro.multiply(np.zeros((1, 64)), samples=16)[0]
    assert np.abs(grounded - ZERO).max() > 0.2 * step
    assert np.abs(found.zero - ZERO).max() < 0.06 * step
    assert found.gain == pytest.approx(GAIN, abs=2e-3)


def test_the_standard_error_of_the_gain_is_what_is_promised() -> None:
    macro = columns()
    errors = np.stack(
        [calibrate(macro, macro.spec.region, seed=seed).gain - GAIN for seed in range(40)]
    )
    predicted = np.sqrt((macro.conductance**2).sum(axis=0)) * 0.2 / np.sqrt(3)
    noise = 1e-7 * np.sqrt(64) * 0.2 / np.sqrt(3) / np.sqrt(16)
    expected: NDArray[np.float64] = noise / (predicted * np.sqrt(256))
    assert errors.std(axis=0).mean() == pytest.approx(expected.mean(), rel=0.25)
    assert np.abs(errors.mean(axis=0)).max() < 4 * expected.max() / np.sqrt(40)


def test_columns_that_carry_less_than_a_few_codes_keep_a_gain_of_one() -> None:
    macro = columns(8, current={"low": -4e-4, "high": 4e-4}, adc_bits=14)
    macro.conductance[:, :3] = 1e-8
    found = calibrate(macro, macro.spec.region)
    assert (found.gain[:3] == 1.0).all()
    assert found.gain[3:] == pytest.approx(GAIN[3:], abs=0.02)
    macro.conductance[:, 0] = 0.0
    assert np.isfinite(calibrate(macro, macro.spec.region).gain).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_correcting_undoes_zero_and_gain_in_the_dtype_of_the_current(dtype: Any) -> None:
    true = np.random.default_rng(0).normal(size=(4, COLS)).astype(dtype) * dtype(1e-5)
    reported = (true * GAIN + ZERO).astype(dtype)
    corrected = TileCalibration(ZERO, GAIN).correct(reported)
    assert corrected.dtype == dtype
    assert corrected == pytest.approx(true, rel=1e-5, abs=1e-12)
