from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset, PulseKind, Window
from rgnn_hal_firmware.randomness import Purpose, draw_bits
from rgnn_hal_firmware.relaxation import Relaxation, brownian
from rgnn_hal_firmware.state import ChipState

Pulse = Callable[..., None]
MakePreset = Callable[..., Preset]
Formed = Callable[[Chip], Chip]

DAY = 86400.0
RESTLESS = {
    "relaxation.onset": 1e-3,
    "relaxation.sd_one_second": [0.5e-6, 0.5e-6, 0.5e-6],
    "relaxation.sd_one_day": [1.5e-6, 1.5e-6, 1.5e-6],
    "relaxation.drift_per_e_fold": [-0.05e-6, -0.05e-6, -0.05e-6],
}


@pytest.fixture
def written(make_preset: MakePreset, formed: Formed, pulse: Pulse) -> Callable[[], Chip]:
    """A chip whose cells were SET to about 25 uS just now."""

    def make() -> Chip:
        chip = formed(Chip(make_preset(100, 100, RESTLESS), 3, exact=True))
        pulse(chip, PulseKind.SET, 2.4, 1.45, width=1e-5)
        return chip

    return make


def cells(chip: Chip) -> NDArray[np.float64]:
    return chip.read_conductance(chip.whole)[chip.healthy]


def after(chip: Chip, *waits: float) -> list[NDArray[np.float64]]:
    """Cells now and after each wait."""
    seen = [cells(chip)]
    for wait in waits:
        chip.wait(wait)
        seen.append(cells(chip))
    return seen


@pytest.mark.parametrize("step", [1, 5, 64, 100, 128])
def test_a_computed_walk_is_brownian(step: int) -> None:
    motion = np.arange(40_000)
    bits = draw_bits(1, Purpose.RELAXATION, motion)

    def at(n: int) -> NDArray[np.float64]:
        return brownian(bits, np.full(motion.size, n), 7)

    here, further = at(step), at(128) - at(step)
    assert (at(0) == 0.0).all()
    assert here.mean() == pytest.approx(0, abs=4 * np.sqrt(step / motion.size))
    assert here.var() == pytest.approx(step, rel=0.03)
    assert further.var() == pytest.approx(128 - step, rel=0.03, abs=1e-9)
    assert abs(np.mean(here * further)) < 4 * np.sqrt(step * (128 - step) / motion.size) + 1e-9


def test_spread_grows_with_the_logarithm_of_time_through_the_stated_values(
    written: Callable[[], Chip],
) -> None:
    start, second, hour, day, week = after(written(), 1.3, 3600.0, DAY - 3600.0, 6 * DAY)
    for seen, variance in (
        (second, 0.5**2),
        (hour, 0.5**2 + 2.0 * np.log(3600) / np.log(DAY)),
        (day, 1.5**2),
        (week, 0.5**2 + 2.0 * np.log(7 * DAY) / np.log(DAY)),
    ):
        assert (seen - start).std() == pytest.approx(1e-6 * variance**0.5, rel=0.05)
    assert (day - start).mean() == pytest.approx(-0.05e-6 * np.log(DAY), rel=0.1)


def test_a_cell_goes_on_from_where_it_is(written: Callable[[], Chip]) -> None:
    start, minute, day = after(written(), 60.0, DAY)
    first, second = minute - start, day - minute
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.04
    assert np.corrcoef(first, day - start)[0, 1] > 0.5


def test_when_a_cell_was_looked_at_changes_nothing(written: Callable[[], Chip]) -> None:
    watched, left_alone = written(), written()
    last = after(watched, 0.5, 1.0, 30.0, 4.0, 1e4, 35.5, 2e5)[-1]
    left_alone.wait(watched.time - left_alone.time - 100 * 160e-6)
    np.testing.assert_array_equal(cells(left_alone), last)


def test_looking_at_a_cell_before_it_is_first_written_changes_nothing(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    def written_late(looks: int) -> list[NDArray[np.float64]]:
        chip = formed(Chip(make_preset(100, 100, RESTLESS), 3, exact=True))
        chip.wait(1000.0 - chip.time)
        for _ in range(looks):
            chip.read_conductance(chip.whole)
        chip.wait(1010.0 - chip.time)
        pulse(chip, PulseKind.SET, 2.4, 1.45, width=1e-5)
        return after(chip, 1.0, 10.0)

    for looked_at, untouched in zip(written_late(1), written_late(0), strict=True):
        np.testing.assert_array_equal(looked_at, untouched)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1e-3, 0.05, 0.9, 1.0, np.exp(0.5), 7.0, np.exp(20.0)]),
            st.sampled_from([1 - 1e-6, 1.0, 1 + 1e-6]),
            st.integers(0, 15),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_how_far_cells_have_gone_does_not_depend_on_what_was_asked_before(
    make_preset: MakePreset, asked: list[tuple[float, float, int]]
) -> None:
    parameters = make_preset(4, 4, RESTLESS).parameters
    state = ChipState.pristine(parameters)
    state.pulsed_at[:] = np.arange(16).reshape(4, 4) % 3
    state.pulses[:] = np.arange(16).reshape(4, 4) % 5
    state.conductance[:] = 20e-6
    remembering = Relaxation(parameters, 3)
    for time, nearly, first in asked:
        some = np.arange(first, 16)
        found = remembering.shift(state, some, 2.0 + time * nearly)
        fresh = Relaxation(parameters, 3).shift(state, some, 2.0 + time * nearly)
        np.testing.assert_array_equal(found, fresh)


def test_a_window_relaxes_as_the_chip_around_it(written: Callable[[], Chip]) -> None:
    window, chip, other = Window(5, 40, 20, 90), written(), written()
    for one in (chip, other):
        one.wait(1000.0)
    part = chip.read_conductance(window)
    np.testing.assert_array_equal(part, other.read_conductance(other.whole)[window.slices])


def test_the_next_pulse_finds_the_cell_where_it_has_gone(
    written: Callable[[], Chip], pulse: Pulse
) -> None:
    chip = written()
    day = after(chip, DAY)[-1]
    pulse(chip, PulseKind.RESET, 0.9, 0.9, width=50e-9)
    np.testing.assert_allclose(cells(chip), day, rtol=1e-3)
    restarted = after(chip, 2.0)[-1]
    assert 0.45e-6 < (restarted - day).std() < 0.6e-6


def test_products_see_the_cells_as_they_are_now(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    quiet = {"read_noise.white": 0.0, "telegraph.cell_fraction": 0.0, "periphery.offset_sd": 0.0}
    chip = formed(Chip(make_preset(64, 64, {**RESTLESS, **quiet, "periphery.gain_sd": 0.0}), 3))
    pulse(chip, PulseKind.SET, 2.4, 1.45, width=1e-5)
    v = np.random.default_rng(0).uniform(-0.2, 0.2, (20, 64))
    chip.apply(v, "rows", chip.whole)
    early = chip.read()
    chip.wait(DAY)
    conductance = chip.read_conductance(chip.whole)
    chip.apply(v, "rows", chip.whole)
    late = chip.read()
    np.testing.assert_allclose(late, v @ conductance, atol=4 * 400e-6 / 8191)
    assert np.abs(late - early).max() > 10 * 400e-6 / 8191


def test_filaments_that_forming_left_are_at_rest(make_preset: MakePreset, formed: Formed) -> None:
    start, later = after(formed(Chip(make_preset(replaced=RESTLESS), 3, exact=True)), 1e6)
    np.testing.assert_array_equal(later, start)


def test_no_conductance_falls_below_zero(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    chip = formed(Chip(make_preset(replaced=RESTLESS), 3, exact=True))
    pulse(chip, PulseKind.RESET, 2.4, 3.0, width=10e-3)
    later = after(chip, 10 * DAY)[-1]
    assert later.min() >= 0.0
    assert later.mean() > 1e-6


def test_a_form_pulse_is_an_event_of_its_own_and_repeats_no_walk(
    written: Callable[[], Chip], pulse: Pulse
) -> None:
    chip = written()
    first = np.diff(after(chip, 1.0), axis=0)[0]
    pulse(chip, PulseKind.FORM, 2.0, 0.9, width=1e-6)
    second = np.diff(after(chip, 1.0), axis=0)[0]
    assert second.std() == pytest.approx(first.std(), rel=0.15)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
