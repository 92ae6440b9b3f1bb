"""The `neurram` preset against the published statistics (Wan et al., Nature 608, 504 (2022))."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal.macro import open_macro
from rgnn_hal.programming import CellStatus, ProgrammingReport, form, write_verify

Values = NDArray[np.float64]

LEVELS = np.array([1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 40.0])
"""Targets, uS; one per eighth column."""
DAY = 86400.0
TWO_DAYS = 2 * DAY


@dataclass(frozen=True)
class Written:
    report: ProgrammingReport
    second: Values
    day: Values
    two_days: Values

    def spread(self, conductance: Values) -> Values:
        """sd of the cells of each level, uS."""
        error = (conductance - self.report.target).reshape(-1, LEVELS.size)
        return np.asarray(error.std(axis=0) * 1e6)


@pytest.fixture(scope="module")
def written() -> Written:
    with open_macro("emulator://?preset=neurram&seed=3") as macro:
        form(macro)
        target = np.tile(LEVELS * 1e-6, (256, 32))
        report = write_verify(macro, target, tolerance=1e-6)
        macro.wait(1.0)
        second = macro.read_conductance(samples=16)
        macro.wait(DAY)
        day = macro.read_conductance(samples=16)
        macro.wait(TWO_DAYS - DAY)
        return Written(report, second, day, macro.read_conductance(samples=16))


def test_write_verify_takes_as_many_pulses_and_fails_as_seldom() -> None:
    with open_macro("emulator://?preset=neurram&seed=4") as macro:
        form(macro)
        target = np.random.default_rng(0).uniform(1e-6, 40e-6, (256, 256))
        report = write_verify(macro, target, tolerance=1e-6)
    assert report.mean_pulses == pytest.approx(8.5, abs=1.0)
    assert report.success_fraction == pytest.approx(0.99, abs=0.006)
    assert np.mean(report.status == CellStatus.VERIFIED) > 0.99


def test_spread_a_second_after_writing_is_the_published_cubic(written: Written) -> None:
    published = 1.536e-4 * LEVELS**3 - 1.167e-2 * LEVELS**2 + 0.2374 * LEVELS + 1.053
    np.testing.assert_allclose(written.spread(written.second), published, rtol=0.1)


def test_spread_after_one_and_two_days_is_the_published_one(written: Written) -> None:
    u = LEVELS / 40
    day = 0.701 + 22.086 * u - 50.773 * u**2 + 47.095 * u**3 - 16.458 * u**4
    two_days = 0.782 + 20.274 * u - 43.507 * u**2 + 37.062 * u**3 - 11.934 * u**4
    np.testing.assert_allclose(written.spread(written.day), day, rtol=0.1)
    np.testing.assert_allclose(written.spread(written.two_days), two_days, rtol=0.1)


def test_middle_states_relax_most(written: Written) -> None:
    spread = written.spread(written.day)
    assert spread[LEVELS == 15.0] > 1.3 * spread[LEVELS == 40.0]
    assert spread[LEVELS == 15.0] > 1.4 * spread[LEVELS == 2.0]


def test_a_cell_that_is_off_after_a_second_is_off_after_a_day(written: Written) -> None:
    early, late = (error - written.report.target for error in (written.second, written.day))
    for level in range(LEVELS.size):
        pair = early[:, level :: LEVELS.size].ravel(), late[:, level :: LEVELS.size].ravel()
        assert np.corrcoef(*pair)[0, 1] > 0.3


def test_cells_are_within_the_tolerance_until_they_relax(written: Written) -> None:
    verified = written.report.status == CellStatus.VERIFIED
    assert np.mean(np.abs(written.report.error[verified]) <= 1e-6) > 0.98
    assert np.mean(np.abs(written.second - written.report.target)[verified] <= 1e-6) < 0.6
