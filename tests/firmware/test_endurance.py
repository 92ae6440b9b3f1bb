from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset, PulseKind

SET, RESET = PulseKind.SET, PulseKind.RESET
Pulse = Callable[..., None]
MakePreset = Callable[..., Preset]
Formed = Callable[[Chip], Chip]


def cells(chip: Chip) -> NDArray[np.float64]:
    return chip.read_conductance(chip.whole)[chip.healthy]


@pytest.fixture
def chip(make_preset: MakePreset, formed: Formed) -> Chip:
    return formed(Chip(make_preset(), 3, exact=True))


def after_cycles(chip: Chip, pulse: Pulse, cycles: int) -> tuple[float, float]:
    """Median LRS and HRS after so many more pulses of either kind."""
    pulse(chip, SET, 2.4, 2.0, count=cycles)
    pulse(chip, RESET, 2.4, 3.0, count=cycles)
    pulse(chip, SET, 2.4, 2.0, width=1e-5)
    high = float(np.median(cells(chip)))
    pulse(chip, RESET, 2.4, 3.0, width=1e-3)
    return high, float(np.median(cells(chip)))


def test_states_close_in_on_each_other_as_on_a_real_chip(chip: Chip, pulse: Pulse) -> None:
    fresh_high, fresh_low = after_cycles(chip, pulse, 1)
    for more, measured in ((30_000, 90 / 93), (270_000, 81 / 93), (1_700_000, 77 / 93)):
        high, low = after_cycles(chip, pulse, more)
        assert high / fresh_high == pytest.approx(measured, abs=0.02)
    assert low / fresh_low == pytest.approx(9.5 / 7.3, rel=0.05)


def test_worn_out_cells_stay_where_they_are(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    replaced = {"endurance.lifetime_median": 1e5, "endurance.lifetime_sigma": 0.5}
    chip = formed(Chip(make_preset(replaced=replaced), 3, exact=True))
    shares = []
    for more in (50_000, 50_000, 100_000, 800_000):
        pulse(chip, SET, 2.4, 2.0, count=more)
        pulse(chip, RESET, 2.4, 3.0, count=more)
        pulse(chip, SET, 2.4, 2.0, width=1e-5)
        before = cells(chip)
        pulse(chip, RESET, 2.4, 3.0, width=1e-3)
        shares.append(float(np.mean(cells(chip) == before)))
    # ln N is normal: shares at 0.5, 1, 2 and 10 times the median.
    np.testing.assert_allclose(shares, [0.083, 0.5, 0.917, 1.0], atol=0.03)


def test_a_train_is_as_quick_however_long_it_is(chip: Chip, pulse: Pulse) -> None:
    pulse(chip, RESET, 2.4, 3.0, count=1_000_000)
    assert cells(chip).max() < 1e-6
