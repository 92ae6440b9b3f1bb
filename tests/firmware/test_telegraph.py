from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal_firmware import Preset, Window, load_preset
from rgnn_hal_firmware.telegraph import Telegraph

MakePreset = Callable[..., Preset]


@pytest.fixture(scope="module")
def one_second(make_preset: MakePreset) -> Telegraph:
    """A trap in every cell, all with a time constant of one second."""
    replaced = {"telegraph.cell_fraction": 1.0, "telegraph.time_constants": [1.0, 1.0001]}
    return Telegraph(make_preset(64, 64, replaced).parameters, 5)


def trajectory(telegraph: Telegraph, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """(times, traps), each trap's shift over its amplitude span."""
    traps = telegraph.inside(Window(0, 64, 0, 64))
    shifts = np.array([telegraph.shift(traps, time) for time in times])
    span = np.ptp(shifts, axis=0)
    levels: NDArray[np.float64] = shifts[:, span > 0] / span[span > 0]
    return levels


def test_a_trap_has_two_levels_and_no_mean_shift(one_second: Telegraph) -> None:
    levels = trajectory(one_second, np.arange(0.0, 4000.0, 10.0))
    upper = levels.max(axis=0)
    assert (np.isclose(levels, upper) | np.isclose(levels, upper - 1)).all()
    assert abs(levels.mean()) < 0.005


def test_its_correlation_decays_exponentially(one_second: Telegraph) -> None:
    levels = trajectory(one_second, np.arange(0.0, 400.0, 0.5))
    for lag in (1, 2, 4, 8):
        correlation = np.mean(levels[lag:] * levels[:-lag]) / np.mean(levels**2)
        assert correlation == pytest.approx(np.exp(-lag * 0.5), abs=0.02)


def test_a_state_does_not_depend_on_who_asked_before(one_second: Telegraph) -> None:
    traps = one_second.inside(Window(0, 64, 0, 64))
    late = one_second.shift(traps, 1e5)
    one_second.shift(traps, 3.0)
    np.testing.assert_array_equal(one_second.shift(traps, 1e5), late)
    np.testing.assert_array_equal(one_second.shift(traps[5:9], 1e5), late[5:9])


def test_a_tenth_of_the_cells_of_the_default_chip_have_a_trap() -> None:
    telegraph = Telegraph(load_preset("chip40nm").parameters, 1)
    traps = telegraph.inside(Window(0, 512, 0, 512))
    assert traps.size == pytest.approx(0.1 * 512 * 512, rel=0.02)
    rows, cols = telegraph.where(traps[:10], Window(0, 512, 0, 512))
    assert (rows < 512).all()
    assert (cols < 512).all()


def test_time_may_be_as_late_as_one_likes(one_second: Telegraph) -> None:
    traps = one_second.inside(Window(0, 64, 0, 64))
    assert np.isfinite(one_second.shift(traps, 1e300)).all()
