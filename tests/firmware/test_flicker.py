from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad

from rgnn_hal_firmware import Chip, Preset, Window
from rgnn_hal_firmware.flicker import Flicker, _sinc_moment

Formed = Callable[[Chip], Chip]
MakePreset = Callable[..., Preset]

LOUD = {
    "flicker.relative_density": 1.4e-5,
    "flicker.exponent": 0.82,
    "flicker.time_constants": [0.02, 5000.0],
}
CELLS = Window(0, 8, 0, 16).cells(64).ravel()


@pytest.fixture(scope="module")
def flicker(make_preset: MakePreset) -> Flicker:
    return Flicker(make_preset(replaced=LOUD).parameters, 7)


def test_the_spectrum_is_the_measured_power_law(flicker: Flicker) -> None:
    interval, length = 0.02, 16384
    record = np.array([flicker.relative_shift(CELLS, i * interval) for i in range(length)])
    spectrum = np.abs(np.fft.rfft(record, axis=0)) ** 2 * 2 * interval / length
    frequency = np.fft.rfftfreq(length, interval)
    band = (frequency > 0.01) & (frequency < 1.0)
    slope, density = np.polyfit(np.log(frequency[band]), np.log(spectrum.mean(axis=1)[band]), 1)
    assert slope == pytest.approx(-0.82, abs=0.06)
    assert np.exp(density) == pytest.approx(1.4e-5, rel=0.1)


@pytest.mark.parametrize("exponent", [0.5, 0.82, 1.0, 1.3])
def test_the_moment_that_fixes_the_amplitudes_is_its_integral(exponent: float) -> None:
    def integrand(x: float) -> float:
        return float(x ** (exponent - 1) * np.sinc(x) ** 2)

    far = 400.0  # beyond, sin^2 is a half in the mean
    tail = far ** (exponent - 2) / (2 - exponent) / (2 * np.pi**2)
    integral = quad(integrand, 0, 1)[0] + quad(integrand, 1, far, limit=4000)[0] + tail
    assert _sinc_moment(exponent) == pytest.approx(integral, rel=1e-3)


def test_its_rms_over_all_times_is_as_stated(flicker: Flicker) -> None:
    times = np.random.default_rng(0).uniform(0, 1e9, 400)
    seen = np.array([flicker.relative_shift(CELLS, time) for time in times])
    assert seen.std() == pytest.approx(flicker.relative_rms, rel=0.02)
    assert seen.mean() == pytest.approx(0, abs=0.02 * flicker.relative_rms)


def test_what_a_cell_shows_does_not_depend_on_who_asked_before(flicker: Flicker) -> None:
    late = flicker.relative_shift(CELLS, 5e4)
    flicker.relative_shift(CELLS, 3.0)
    whole = flicker.relative_shift(np.arange(64 * 64), 5e4)
    np.testing.assert_array_equal(flicker.relative_shift(CELLS, 5e4), late)
    np.testing.assert_array_equal(whole[CELLS], late)
    assert np.isfinite(flicker.relative_shift(CELLS, 1e300)).all()


def test_averaging_cannot_remove_it(make_preset: MakePreset, formed: Formed) -> None:
    quiet = {"read_noise.white": 0.0, "telegraph.cell_fraction": 0.0, **LOUD}
    chip = formed(Chip(make_preset(replaced=quiet), 3))
    at_rest = formed(Chip(make_preset(replaced=quiet), 3, exact=True)).read_conductance(chip.whole)
    at_once = chip.read_conductance(chip.whole, samples=64) / at_rest - 1
    much_later = []
    for _ in range(64):
        chip.wait(20_000.0)
        much_later.append(chip.read_conductance(chip.whole) / at_rest - 1)
    assert at_once[chip.healthy].std() == pytest.approx(0.0107, rel=0.1)
    assert np.mean(much_later, axis=0)[chip.healthy].std() < 0.25 * at_once[chip.healthy].std()


def test_products_see_it_too(make_preset: MakePreset, formed: Formed) -> None:
    quiet = {"read_noise.white": 0.0, "telegraph.cell_fraction": 0.0, **LOUD}
    chip = formed(Chip(make_preset(replaced=quiet), 3))
    v = np.random.default_rng(0).uniform(-0.2, 0.2, (20, 64))
    seen = []
    for _ in range(2):
        chip.apply(v, "rows", chip.whole)
        seen.append(chip.read())
        chip.wait(1e5)
    expected = 0.0107 * 12.3e-6 * np.sqrt(2) * 0.2 * np.sqrt(64 / 3)
    assert (seen[1] - seen[0]).std() == pytest.approx(expected, rel=0.2)
