from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal_firmware import Chip, Preset, PulseKind, Window, new_chip

FORM = PulseKind.FORM
Pulse = Callable[..., None]


@pytest.mark.parametrize("voltage", [3.2, 3.35, 3.433, 3.5, 3.7])
def test_the_share_of_cells_that_one_pulse_forms_follows_the_published_distribution(
    pulse: Pulse, voltage: float
) -> None:
    chip = new_chip(seed=2, exact=True)
    pulse(chip, FORM, voltage, 1.65, width=1e-3)
    formed = chip.read_conductance(chip.whole)[chip.healthy] > 1e-6
    assert formed.mean() == pytest.approx(NormalDist(3.433, 0.114).cdf(voltage), abs=0.005)


def test_a_pulse_ten_times_longer_forms_as_much_as_one_a_step_higher(pulse: Pulse) -> None:
    longer, higher = new_chip(seed=2, exact=True), new_chip(seed=2, exact=True)
    pulse(longer, FORM, 3.3, 1.65, width=10e-3)
    pulse(higher, FORM, 3.5, 1.65, width=1e-3)
    np.testing.assert_array_equal(
        longer.read_conductance(longer.whole), higher.read_conductance(higher.whole)
    )


def test_pristine_cells_conduct_a_tenth_of_a_microsiemens(pulse: Pulse) -> None:
    chip = new_chip(seed=2, exact=True)
    pulse(chip, FORM, 2.0, 1.65, width=1e-3)
    pulse(chip, PulseKind.SET, 2.4, 2.4, width=10e-3)
    pulse(chip, PulseKind.RESET, 2.4, 3.0, width=10e-3)
    np.testing.assert_array_equal(chip.read_conductance(chip.whole)[chip.healthy], 0.1e-6)


def test_a_formed_cell_ignores_pulses_of_no_higher_compliance(pulse: Pulse) -> None:
    chip = new_chip(seed=2, exact=True)
    pulse(chip, FORM, 4.0, 1.65, width=1e-3)
    before = chip.read_conductance(chip.whole)
    pulse(chip, FORM, 4.0, 1.65, width=1e-3, count=5)
    pulse(chip, FORM, 4.0, 1.0, width=10e-3)
    np.testing.assert_array_equal(chip.read_conductance(chip.whole), before)


@pytest.mark.parametrize("gate", [0.9, 1.65, 2.0, 2.4])
def test_the_mean_follows_the_compliance_current(pulse: Pulse, gate: float) -> None:
    chip = new_chip(seed=2, exact=True)
    pulse(chip, FORM, 4.0, gate, width=1e-3)
    formed = chip.read_conductance(chip.whole)[chip.healthy]
    assert formed.mean() == pytest.approx(12.3e-6 * (gate - 0.6) / 1.05, rel=0.01)
    assert formed.std() / formed.mean() == pytest.approx(0.15, abs=0.005)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=24 * 16, max_size=24 * 16), st.integers(1, 6))
def test_how_cells_and_pulses_are_grouped_into_calls_does_not_matter(
    make_preset: Callable[..., Preset], pulse: Pulse, group_of: list[int], count: int
) -> None:
    preset = make_preset(24, 16)
    together, apart = Chip(preset, 4, exact=True), Chip(preset, 4, exact=True)
    pulse(together, FORM, 3.35, 1.65, width=1e-3, count=count)
    groups = np.array(group_of).reshape(24, 16)
    for group in range(4):
        for _ in range(count):
            pulse(apart, FORM, 3.35, 1.65, width=1e-3, mask=groups == group)
    one, other = (chip.read_conductance(chip.whole) for chip in (together, apart))
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_defects_are_few_and_no_pulse_moves_them(pulse: Pulse) -> None:
    chip = new_chip(seed=2, exact=True)
    defects = ~chip.healthy
    assert 0 < defects.sum() < 1e-3 * defects.size
    before = chip.read_conductance(chip.whole)[defects]
    pulse(chip, FORM, 4.0, 2.4, width=10e-3)
    pulse(chip, PulseKind.SET, 2.4, 2.4, width=10e-3)
    pulse(chip, PulseKind.RESET, 2.4, 3.0, width=10e-3)
    np.testing.assert_array_equal(chip.read_conductance(chip.whole)[defects], before)
    assert ((before == 0.1e-6) | (before > 28e-6)).all()


def test_another_seed_is_another_chip(pulse: Pulse) -> None:
    chips = [new_chip(seed=seed, exact=True) for seed in (1, 2)]
    for chip in chips:
        pulse(chip, FORM, 4.0, 1.65, width=1e-3)
    one, other = (chip.read_conductance(Window(0, 100, 0, 100)).ravel() for chip in chips)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.06
