from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal_firmware import Preset, Window, load_preset
from rgnn_hal_firmware.telegraph import Traps, TrapTable

MakePreset = Callable[..., Preset]


@pytest.fixture(scope="module")
def one_second(make_preset: MakePreset) -> Traps:
    """A trap in every cell, all with a time constant of one second."""
    replaced = {"telegraph.cell_fraction": 1.0, "telegraph.time_constants": [1.0, 1.0001]}
    return Traps.of(make_preset(64, 64, replaced).parameters, 5)


def levels_at(traps: Traps, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """b(t) - q, (times, traps)."""
    return np.array([traps.shift_at(time) for time in times]) / traps.amplitude


def test_a_trap_has_two_levels_and_no_mean_shift(one_second: Traps) -> None:
    levels = levels_at(one_second, np.arange(0.0, 4000.0, 10.0))
    above = levels > 0
    np.testing.assert_allclose(levels, above - one_second.empty)
    np.testing.assert_allclose(above.mean(axis=0), one_second.empty, atol=0.12)
    assert abs(levels.mean()) < 0.003
    assert levels.var(axis=0).mean() == pytest.approx(1 / 6, rel=0.02)


def test_its_correlation_decays_exponentially(one_second: Traps) -> None:
    levels = levels_at(one_second, np.arange(0.0, 400.0, 0.5))
    for lag in (1, 2, 4, 8):
        correlation = np.mean(levels[lag:] * levels[:-lag]) / np.mean(levels**2)
        assert correlation == pytest.approx(np.exp(-lag * 0.5), abs=0.02)


def test_a_state_does_not_depend_on_who_asked_before(one_second: Traps) -> None:
    late = one_second.shift_at(1e5)
    one_second.shift_at(3.0)
    np.testing.assert_array_equal(one_second.shift_at(1e5), late)
    corner = Window(10, 20, 30, 64).cells(64).ravel()
    some = TrapTable(one_second, 64 * 64).among(corner)
    np.testing.assert_array_equal(corner[some.place], some.cell)
    np.testing.assert_array_equal(some.shift_at(1e5), late[corner])


def test_single_reads_see_both_levels_independently(one_second: Traps) -> None:
    reads = np.array([one_second.shift_of_reads(np.array(n), 1) for n in range(600)])
    assert (reads**2).mean() == pytest.approx(one_second.variance.mean(), rel=0.02)
    assert abs(np.mean(reads[1:] * reads[:-1])) < 0.01 * one_second.variance.mean()


def test_a_tenth_of_the_cells_of_the_default_chip_have_a_trap() -> None:
    traps = Traps.of(load_preset("chip40nm").parameters, 1)
    assert traps.cell.size == pytest.approx(0.1 * 512 * 512, rel=0.02)
    fast, slow = traps.split(1e-3)
    assert fast.time_constant.max() < 1e-3 <= slow.time_constant.min()
    assert fast.cell.size + slow.cell.size == traps.cell.size


def test_time_may_be_as_late_as_one_likes(one_second: Traps) -> None:
    assert np.isfinite(one_second.shift_at(1e300)).all()
