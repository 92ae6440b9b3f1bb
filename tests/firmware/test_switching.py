from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset, PulseKind, new_chip

SET, RESET = PulseKind.SET, PulseKind.RESET
Pulse = Callable[..., None]
Formed = Callable[[Chip], Chip]
MakePreset = Callable[..., Preset]


def cells(chip: Chip) -> NDArray[np.float64]:
    return chip.read_conductance(chip.whole)[chip.healthy]


@pytest.mark.parametrize(("kind", "sign"), [(SET, 1), (RESET, -1)])
def test_set_raises_and_reset_lowers_the_more_the_higher_and_longer_the_pulse(
    make_preset: MakePreset, formed: Formed, pulse: Pulse, kind: PulseKind, sign: int
) -> None:
    def moved(voltage: float, width: float) -> NDArray[np.float64]:
        chip = formed(Chip(make_preset(), 3, exact=True))
        before = cells(chip)
        pulse(chip, kind, voltage, 2.4, width=width)
        return sign * (cells(chip) - before)

    gentle, higher, longer = moved(1.1, 1e-6), moved(1.3, 1e-6), moved(1.1, 10e-6)
    assert (gentle >= 0).all()
    assert (higher > gentle).mean() > 0.99
    assert (longer > gentle).mean() > 0.99


def test_set_stops_at_the_compliance_conductance_of_its_gate(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    chip = formed(Chip(make_preset(), 3, exact=True))
    for gate in (1.3, 1.8, 2.4):
        pulse(chip, SET, 2.4, gate, width=1e-3)
        reached = cells(chip)
        assert np.median(reached) == pytest.approx(30e-6 * (gate - 0.6), rel=0.03)
        assert 0.03 < reached.std() / reached.mean() < 0.08


def test_set_below_the_present_conductance_does_nothing(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    chip = formed(Chip(make_preset(), 3, exact=True))
    pulse(chip, SET, 2.4, 2.4, width=1e-3)
    before = cells(chip)
    pulse(chip, SET, 2.4, 0.9, width=10e-3)
    np.testing.assert_array_equal(cells(chip), before)


def test_deep_reset_ends_at_the_floor(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    chip = formed(Chip(make_preset(), 3, exact=True))
    pulse(chip, RESET, 2.4, 3.0, width=10e-3)
    np.testing.assert_allclose(cells(chip), 0.5e-6, rtol=1e-9)


def test_a_low_gate_starves_reset(make_preset: MakePreset, formed: Formed, pulse: Pulse) -> None:
    starved, fed = (formed(Chip(make_preset(), 3, exact=True)) for _ in range(2))
    pulse(starved, RESET, 2.0, 1.6)
    pulse(fed, RESET, 1.0, 3.0)
    np.testing.assert_allclose(cells(starved), cells(fed), rtol=1e-12)


def test_cycles_differ_less_than_devices(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    chip = formed(Chip(make_preset(), 3, exact=True))
    reached = []
    for _ in range(30):
        pulse(chip, RESET, 2.4, 3.0, width=1e-3)
        pulse(chip, SET, 1.4, 2.0)
        reached.append(np.log(cells(chip)))
    history = np.array(reached)
    within, between = history.std(axis=0).mean(), history.mean(axis=0).std()
    assert 0.05 < within < between < 1.0


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 2), min_size=24 * 16, max_size=24 * 16), st.integers(1, 5))
def test_how_cells_and_pulses_are_grouped_into_calls_does_not_matter(
    make_preset: MakePreset, formed: Formed, pulse: Pulse, group_of: list[int], count: int
) -> None:
    together, apart = (formed(Chip(make_preset(24, 16), 4, exact=True)) for _ in range(2))
    for kind in (SET, RESET):
        pulse(together, kind, 1.3, 2.2, count=count)
    groups = np.array(group_of).reshape(24, 16)
    for group in range(3):
        for kind in (SET, RESET):
            for _ in range(count):
                pulse(apart, kind, 1.3, 2.2, mask=groups == group)
    np.testing.assert_array_equal(cells(together), cells(apart))


def test_a_pulse_touches_the_cells_of_its_mask_only(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    chip = formed(Chip(make_preset(), 3, exact=True))
    before = chip.read_conductance(chip.whole)
    mask = np.zeros((64, 64), np.bool_)
    mask[10:20, 5:9] = True
    pulse(chip, SET, 1.6, 2.4, mask=mask)
    after = chip.read_conductance(chip.whole)
    np.testing.assert_array_equal(after[~mask], before[~mask])
    assert (after[mask & chip.healthy] > before[mask & chip.healthy]).all()


def test_incremental_write_verify_reaches_any_target_in_eight_or_nine_pulses(
    formed: Formed, pulse: Pulse
) -> None:
    """The plain algorithm: SET or RESET until within 1 uS, 0.1 V (RESET 0.05 V) up per repeat."""
    chip = formed(new_chip(seed=3))
    shape = chip.whole.shape
    target = np.random.default_rng(0).uniform(1e-6, 40e-6, shape)
    gate = {SET: np.clip(0.7 + 1.15 * target / 30e-6, 0.9, 2.4), RESET: np.full(shape, 2.6)}
    step = {SET: 0.1, RESET: 0.05}
    amplitude, pulses = np.zeros(shape), np.zeros(shape, np.int64)
    last = np.zeros(shape, np.int64)
    for _ in range(40):
        error = chip.read_conductance(chip.whole) - target
        wrong = np.abs(error) > 1e-6
        for sign, kind in ((-1, SET), (1, RESET)):
            mask = wrong & (np.sign(error) == sign)
            amplitude[mask] += step[kind]
            amplitude[mask & (last != sign)] = 0.9
            pulse(chip, kind, np.clip(amplitude, 0.9, 2.4), gate[kind], mask=mask)
            last[mask] = sign
            pulses[mask] += 1
    error = chip.read_conductance(chip.whole) - target
    assert np.mean(np.abs(error[chip.healthy]) <= 1e-6) > 0.98
    assert pulses[chip.healthy].mean() == pytest.approx(8.5, abs=1.0)


@pytest.mark.parametrize(
    ("kind", "voltage", "gate"), [(SET, 1.0, 2.0), (SET, 2.0, 2.0), (RESET, 0.9, 2.6)]
)
def test_a_long_train_in_one_call_does_what_its_pulses_do_one_by_one(
    make_preset: MakePreset,
    formed: Formed,
    pulse: Pulse,
    kind: PulseKind,
    voltage: float,
    gate: float,
) -> None:
    at_once, singly = (formed(Chip(make_preset(), 3, exact=True)) for _ in range(2))
    pulse(at_once, kind, voltage, gate, count=200)
    for _ in range(200):
        pulse(singly, kind, voltage, gate)
    quantiles = [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98]
    np.testing.assert_allclose(
        np.quantile(cells(at_once), quantiles), np.quantile(cells(singly), quantiles), rtol=0.02
    )


def test_a_million_pulses_in_one_call_reach_the_compliance(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    chip = formed(Chip(make_preset(), 3, exact=True))
    pulse(chip, SET, 1.2, 2.0, width=50e-9, count=1_000_000)
    assert np.median(cells(chip)) > 30e-6 * 1.4


def test_a_long_train_never_moves_a_cell_the_wrong_way(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    wild = {"switching.rate_sigma_cycle": 1.5, "relaxation.onset": 0.99}
    chip = formed(Chip(make_preset(replaced=wild), 3, exact=True))
    pulse(chip, PulseKind.RESET, 1.3, 3.0, count=16)
    before = chip.read_conductance(chip.whole)
    again = formed(Chip(make_preset(replaced=wild), 3, exact=True))
    pulse(again, PulseKind.RESET, 1.3, 3.0, count=18)
    assert (again.read_conductance(again.whole) <= before).all()
