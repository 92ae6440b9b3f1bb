"""Estimators find, within the errors they state, what synthetic data were made with."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from rgnn_hal.characterization.compliance import compliance_line
from rgnn_hal.characterization.current_voltage import fit_cubic, fit_currents
from rgnn_hal.characterization.forming_curve import effective_voltage
from rgnn_hal.characterization.likelihood import maximum_likelihood
from rgnn_hal.characterization.populations import (
    VarianceParts,
    decompose,
    decompose_by_rank,
    mean_of,
    mean_of_grid,
    median_of,
    robust_spread_of,
    spread_of,
)
from rgnn_hal.characterization.pulse_response import log_rate
from rgnn_hal.characterization.quantity import Estimate, Values
from rgnn_hal.characterization.read_noise import analyse
from rgnn_hal.characterization.relaxation import analyse as analyse_relaxation
from rgnn_hal.characterization.retention import analyse as analyse_retention
from rgnn_hal.characterization.spectrum import (
    level_of_differences,
    mean_interval,
    noise_parts,
    power_spectrum,
    slope_of,
)
from rgnn_hal.characterization.yield_map import CellHealth, classify
from rgnn_hal.macro import DataError
from rgnn_hal.programming import FormingRamp

SIGMAS = 4.0
seeds = st.integers(0, 2**32 - 1)


def coloured(rng: np.random.Generator, cells: int, reads: int, exponent: float) -> Values:
    """Noise of density f^-exponent (1/Hz at 1 Hz, one-sided) read every second, (cells, reads)."""
    long = 4 * reads  # so that slower waves than the record exist
    frequency = np.fft.rfftfreq(long, 1.0)
    amplitude = np.zeros(frequency.size)
    amplitude[1:] = np.sqrt(long / 4 * frequency[1:] ** -exponent)
    shape = cells, frequency.size
    waves = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    noise: Values = np.fft.irfft(amplitude * waves, long, axis=1)[:, :reads]
    return noise


@settings(max_examples=20)
@given(seed=seeds, exponent=st.floats(0.0, 1.6))
def test_the_slope_of_coloured_noise_is_recovered(seed: int, exponent: float) -> None:
    series = coloured(np.random.default_rng(seed), 16, 4096, exponent)
    slope = slope_of(power_spectrum(series, 1.0), (2e-3, 0.05))
    # The Hann window leaks a little from the steep end, besides the error of sampling.
    assert slope.value == pytest.approx(-exponent, abs=SIGMAS * slope.standard_error + 0.03)


@settings(max_examples=10)
@given(seed=seeds, exponent=st.floats(0.8, 1.4))
def test_white_and_flicker_noise_are_told_apart(seed: int, exponent: float) -> None:
    rng = np.random.default_rng(seed)
    flicker = coloured(rng, 16, 4096, exponent)
    series = 0.1 * flicker + 0.2 * rng.standard_normal(flicker.shape)
    parts = noise_parts(power_spectrum(series, 1.0))
    assert parts.white.value == pytest.approx(0.2, abs=SIGMAS * parts.white.standard_error + 2e-3)
    assert parts.exponent.value == pytest.approx(
        exponent, abs=SIGMAS * parts.exponent.standard_error + 0.05
    )
    assert parts.flicker.agrees_with(0.01, SIGMAS)


def test_a_line_of_the_mains_does_not_pass_for_white_noise() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(8192.0)
    clean = 0.03 * coloured(rng, 1, 8192, 1.0) + 0.2 * rng.standard_normal((1, 8192))
    parts = noise_parts(power_spectrum(clean + 0.3 * np.sin(2.0 * time), 1.0))
    assert parts.white.value == pytest.approx(0.2, rel=0.05)
    assert float(level_of_differences(clean + 0.3 * np.sin(2.0 * time))[0]) > 0.25


def test_white_noise_alone_has_no_flicker_part() -> None:
    series = np.random.default_rng(1).standard_normal((8, 2048))
    with pytest.raises(DataError, match=r"measure|determine"):
        noise_parts(power_spectrum(series, 1.0))


def test_a_spectrum_needs_even_and_enough_time_stamps() -> None:
    assert mean_interval(np.linspace(0.0, 5.0, 101)) == pytest.approx(0.05)
    for time in (np.arange(10.0), np.zeros(100), -np.arange(100.0), np.geomspace(1, 1e9, 100)):
        with pytest.raises(DataError):
            mean_interval(time)


@settings(max_examples=25)
@given(seed=seeds, device=st.floats(0.0, 2.0), cycle=st.floats(0.1, 2.0), cycles=st.integers(2, 12))
@pytest.mark.parametrize("method", [decompose, decompose_by_rank])
def test_device_and_cycle_spread_are_told_apart(
    method: Callable[[Values, str], VarianceParts],
    seed: int,
    device: float,
    cycle: float,
    cycles: int,
) -> None:
    rng = np.random.default_rng(seed)
    values = (
        5.0 + device * rng.standard_normal((800, 1)) + cycle * rng.standard_normal((800, cycles))
    )
    parts = method(values, "1")
    assert parts.mean.agrees_with(5.0, SIGMAS)
    assert parts.cycle_sd.agrees_with(cycle, SIGMAS)
    assert parts.device_sd.value**2 == pytest.approx(
        device**2, abs=SIGMAS * 2 * max(parts.device_sd.value, 0.3) * parts.device_sd.standard_error
    )


def test_cells_beyond_the_range_count_by_rank() -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal((2000, 1)) + 0.4 * rng.standard_normal((2000, 6))
    cut = np.where(values > 2.5, np.inf, np.where(values < -2.5, -np.inf, values))
    parts = decompose_by_rank(cut, "1")
    assert parts.device_sd.agrees_with(1.0, SIGMAS)
    assert parts.cycle_sd.value == pytest.approx(0.4, rel=0.05)


@settings(max_examples=25)
@given(seed=seeds, mean=st.floats(-5, 5), sd=st.floats(0.1, 3))
def test_moments_and_their_errors_hold_for_a_normal_population(
    seed: int, mean: float, sd: float
) -> None:
    values = np.random.default_rng(seed).normal(mean, sd, 3000)
    assert mean_of(values, "1").agrees_with(mean, SIGMAS + 0.5)
    assert median_of(values, "1").agrees_with(mean, SIGMAS + 0.5)
    assert spread_of(values, "1").agrees_with(sd, SIGMAS + 0.5)
    assert robust_spread_of(values, "1").agrees_with(sd, SIGMAS + 0.5)
    assert spread_of(values, "1").standard_error == pytest.approx(sd / np.sqrt(6000), rel=0.2)


def test_the_error_of_a_mean_knows_that_columns_share_a_deviation() -> None:
    rng = np.random.default_rng(0)
    errors, means = [], []
    for _ in range(200):
        grid = rng.standard_normal((30, 20)) + 0.5 * rng.standard_normal(20)
        found = mean_of_grid(grid, "1")
        errors.append(found.standard_error)
        means.append(found.value)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.1)


@given(slope=st.floats(0.1, 5), zero=st.floats(-3e-6, 3e-6), cubic=st.floats(-1, 5))
def test_currents_without_noise_give_their_own_coefficients(
    slope: float, zero: float, cubic: float
) -> None:
    voltage = np.linspace(0.02, 0.35, 12)
    current = 1e-5 * slope * (voltage + cubic * voltage**3)
    conductance, third = fit_cubic(voltage, current[:, None])
    assert conductance[0] == pytest.approx(1e-5 * slope, rel=1e-6)
    assert third[0] / conductance[0] == pytest.approx(cubic, abs=1e-6)
    found = fit_currents(voltage, current[:, None] + zero)
    assert found[0][0] == pytest.approx(zero, abs=1e-12)
    assert found[2][0] / found[1][0] == pytest.approx(cubic, abs=1e-5)


def test_damage_of_a_ramp_adds_up_as_in_a_loop() -> None:
    ramp = FormingRamp(start=2.0, stop=4.0, step=0.05, gate_voltage=1.5, width=1e-4)
    damage, effective = 0.0, []
    for voltage in ramp.voltages:
        damage += ramp.width / 1e-3 * 10 ** (voltage / 0.2)
        effective.append(0.2 * np.log10(damage))
    assert effective_voltage(ramp, 1e-3, 0.2) == pytest.approx(np.array(effective))


def test_maximum_likelihood_of_a_normal_sample_has_the_textbook_errors() -> None:
    values = np.random.default_rng(0).normal(2.0, 0.5, 4000)

    def objective(parameters: Values) -> float:
        mean, log_sd = parameters
        return float(-norm.logpdf(values, mean, np.exp(log_sd)).sum())

    found, error = maximum_likelihood(objective, np.array([1.8, 0.0]), np.array([0.01, 0.01]))
    assert found == pytest.approx([values.mean(), np.log(values.std())], abs=1e-4)
    assert error == pytest.approx([values.std() / np.sqrt(4000), 1 / np.sqrt(8000)], rel=0.02)


def test_a_likelihood_that_knows_nothing_of_a_parameter_says_so() -> None:
    with pytest.raises(DataError, match="determine"):
        maximum_likelihood(lambda p: float(p[0] ** 2), np.zeros(2), np.ones(2))


@settings(max_examples=4)
@given(seed=seeds)
def test_telegraph_cells_are_found_with_their_amplitude(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells, reads, white = 1200, 400, 0.1e-6
    reading = 10e-6 + white * rng.standard_normal((cells, reads))
    amplitude = 0.8e-6 * np.exp(0.3 * rng.standard_normal(120))
    share = rng.uniform(0.1, 0.9, (120, 1))
    reading[:120] += amplitude[:, None] * (rng.random((120, reads)) < share)
    found = analyse(np.linspace(0.0, 0.4, reads), reading).estimates
    assert found["telegraph_fraction"].value == pytest.approx(0.1, abs=2e-3)
    assert found["white"].agrees_with(white, SIGMAS)
    typical = found["telegraph_amplitude_median"]
    assert typical.value == pytest.approx(float(np.median(amplitude)), rel=0.03)
    assert found["telegraph_amplitude_sigma"].agrees_with(0.3, SIGMAS)


def test_drift_and_diffusion_in_log_time_are_recovered() -> None:
    rng = np.random.default_rng(0)
    time = np.geomspace(1, 1e5, 11)
    steps = np.sqrt(np.diff(np.log(time)) * 1e-12) * rng.standard_normal((3000, 10))
    walk = np.concatenate([np.zeros((3000, 1)), np.cumsum(steps, axis=1)], axis=1)
    reading = 20e-6 - 0.09e-6 * np.log(time) + walk + 0.03e-6 * rng.standard_normal((3000, 11))
    found = analyse_retention(time, reading).estimates
    assert found["drift_per_e_fold"].agrees_with(-0.09e-6, SIGMAS)
    assert found["diffusion_per_e_fold"].agrees_with(1e-12, SIGMAS)


def test_relaxation_is_told_from_the_noise_of_reading() -> None:
    rng = np.random.default_rng(0)
    time = np.concatenate([[0.0, 0.03], np.geomspace(1, 1e5, 12)])
    cells = 3000
    early = 1.3e-6 * rng.standard_normal((cells, 1))
    growth = np.sqrt(np.diff(np.log(time[2:])) * 0.2e-12) * rng.standard_normal((cells, 11))
    walk = np.concatenate([np.zeros((cells, 1)), np.cumsum(growth, axis=1)], axis=1)
    moved = np.concatenate([np.zeros((cells, 2)), early + walk], axis=1)
    moved[:, 2:] -= 0.09e-6 * np.log(time[2:])
    found = analyse_relaxation(time, 20e-6 + moved + 0.3e-6 * rng.standard_normal(moved.shape))
    assert found["levels"].agrees_with(20e-6, SIGMAS)
    assert found["sd_one_second"].agrees_with(1.3e-6, SIGMAS)
    assert found["sd_one_day"].agrees_with(
        float(np.sqrt(1.3**2 + 0.2 * np.log(86400))) * 1e-6, SIGMAS
    )
    assert found["drift_per_e_fold"].agrees_with(-0.09e-6, SIGMAS)


def test_cells_that_stay_show_no_relaxation() -> None:
    rng = np.random.default_rng(1)
    time = np.concatenate([[0.0, 0.03], np.geomspace(1, 1e5, 12)])
    found = analyse_relaxation(time, 20e-6 + 0.1e-6 * rng.standard_normal((2000, 14)))
    for name in ("sd_one_second", "sd_one_day", "drift_per_e_fold"):
        assert found[name].agrees_with(0.0, SIGMAS)
        assert found[name].standard_error < 0.05e-6


def test_a_compliance_line_is_recovered_with_its_threshold() -> None:
    rng = np.random.default_rng(0)
    gate = np.linspace(1.6, 2.4, 4)
    device = np.exp(0.05 * rng.standard_normal((2000, 1)))
    cells = 30e-6 * (gate - 0.6) * device * np.exp(0.03 * rng.standard_normal((2000, 4)))
    found = compliance_line(gate, cells)
    assert found["threshold_voltage"].agrees_with(0.6, SIGMAS)
    assert found["slope"].agrees_with(30e-6 * np.exp(0.0017), SIGMAS)


def test_the_share_moved_becomes_a_rate_and_saturates_by_rank() -> None:
    rate = log_rate(np.array([0.0, 1 - np.exp(-1.0), 0.5, 1.2]))
    assert rate[0] == -np.inf
    assert rate[1] == pytest.approx(0.0)
    assert rate[2] == pytest.approx(np.log(np.log(2)))
    assert rate[3] == np.inf


def test_cells_are_told_apart_by_what_switching_them_does() -> None:
    low = np.array([[0.5, 0.5, 0.6, 0.1, 34.0, 15.0]]) * 1e-6
    high = np.array([[31.0, 30.0, 33.0, 0.1, 34.0, 15.0]]) * 1e-6
    formed = np.array([[True, True, True, False, True, True]])
    assert classify(formed, low, high).tolist() == [
        [
            CellHealth.SWITCHES,
            CellHealth.SWITCHES,
            CellHealth.SWITCHES,
            CellHealth.OPEN,
            CellHealth.SHORT,
            CellHealth.STUCK,
        ]
    ]


@pytest.mark.parametrize("method", [mean_of, spread_of, robust_spread_of])
def test_too_few_values_are_refused(method: Callable[[Values, str], Estimate]) -> None:
    with pytest.raises(DataError, match="too few"):
        method(np.ones(1), "1")
