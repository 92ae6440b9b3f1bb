from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset, PulseKind, Window

SET, RESET = PulseKind.SET, PulseKind.RESET
Pulse = Callable[..., None]
MakePreset = Callable[..., Preset]
Formed = Callable[[Chip], Chip]

Change = Callable[..., NDArray[np.float64]]


@pytest.fixture
def change(make_preset: MakePreset, formed: Formed, pulse: Pulse) -> Change:
    """How every cell of a chip moves when cell (10, 20) is pulsed."""

    def moved(kind: PulseKind, row: float, column: float, count: int) -> NDArray[np.float64]:
        replaced = {"disturb.row_fraction": row, "disturb.column_fraction": column}
        chip = formed(Chip(make_preset(replaced=replaced), 3, exact=True))
        before = chip.read_conductance(chip.whole)
        mask = np.zeros(chip.whole.shape, np.bool_)
        mask[10, 20] = True
        pulse(chip, kind, 2.0, 2.4, mask=mask, count=count)
        return chip.read_conductance(chip.whole) - before

    return moved


@pytest.mark.parametrize(("kind", "sign"), [(SET, 1), (RESET, -1)])
def test_cells_that_share_a_line_with_a_pulsed_cell_move_its_way_a_little(
    change: Change, kind: PulseKind, sign: int
) -> None:
    moved = sign * change(kind, 0.5, 0.0, 10_000)
    row, others = np.delete(moved[10], 20), np.delete(moved, 10, axis=0)
    assert (others == 0.0).all()
    assert 0.01e-6 < np.median(row) < 0.3 * moved[10, 20]

    moved = sign * change(kind, 0.0, 0.5, 10_000)
    assert (np.delete(moved, 20, axis=1) == 0.0).all()
    assert np.median(np.delete(moved[:, 20], 10)) > 0.01e-6


def test_disturb_grows_with_pulses(change: Change) -> None:
    few, many = change(RESET, 0.5, 0.0, 1_000), change(RESET, 0.5, 0.0, 10_000)
    row = np.delete(many[10] / np.where(few[10] < 0, few[10], np.nan), 20)
    assert np.nanmedian(row) == pytest.approx(10.0, rel=0.1)


def test_no_share_of_the_voltage_disturbs_nobody(change: Change) -> None:
    moved = change(SET, 0.0, 0.0, 1_000_000)
    moved[10, 20] = 0.0
    assert (moved == 0.0).all()


def test_by_default_a_whole_image_may_be_written_beside_others_unseen(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    chip = formed(Chip(make_preset(), 3, exact=True))
    before = chip.read_conductance(chip.whole)
    half = Window(0, 64, 0, 32)
    for _ in range(100):
        pulse(chip, SET, 2.4, 2.0, window=half)
        pulse(chip, RESET, 2.4, 2.6, window=half)
    after = chip.read_conductance(chip.whole)
    np.testing.assert_allclose(after[:, 32:], before[:, 32:], rtol=1e-3)
    assert (after[:, :32] != before[:, :32]).mean() > 0.99


@pytest.mark.parametrize("unaddressed", [np.nan, np.inf, 1e300])
def test_amplitudes_outside_of_the_mask_are_not_looked_at(
    make_preset: MakePreset, formed: Formed, pulse: Pulse, unaddressed: float
) -> None:
    strong = make_preset(replaced={"disturb.row_fraction": 0.5, "disturb.column_fraction": 0.5})
    mask = np.zeros((64, 64), np.bool_)
    mask[10, 20] = True
    maps = []
    for outside in (2.0, unaddressed):
        chip = formed(Chip(strong, 3, exact=True))
        pulse(chip, RESET, np.where(mask, 2.0, outside), 2.4, mask=mask, count=10_000)
        maps.append(chip.read_conductance(chip.whole))
    np.testing.assert_array_equal(maps[0], maps[1])


def test_heat_speeds_disturb_up_as_it_does_switching(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    replaced = {
        "disturb.row_fraction": 0.5,
        "switching.activation_energy": 0.3,
        "thermal.coefficient": [0.0, 0.0, 0.0],
        "thermal.coefficient_sd": 0.0,
    }
    mask = np.zeros((64, 64), np.bool_)
    mask[10, 20] = True
    moved = []
    for kelvin in (300.0, 320.0):
        chip = formed(Chip(make_preset(replaced=replaced), 3, exact=True, temperature=kelvin))
        before = chip.read_conductance(chip.whole)
        pulse(chip, RESET, 2.0, 2.4, mask=mask, count=1_000)
        moved.append((chip.read_conductance(chip.whole) - before)[10, 21:])
    faster = np.exp(0.3 / 8.617333262e-5 * (1 / 300 - 1 / 320))
    assert np.median(moved[1] / moved[0]) == pytest.approx(faster, rel=0.03)


def test_worn_cells_are_disturbed_to_their_own_floor_and_dead_ones_not_at_all(
    make_preset: MakePreset, formed: Formed, pulse: Pulse
) -> None:
    def after_disturb(lifetime: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        replaced = {
            "disturb.row_fraction": 0.9,
            "endurance.hrs_exponent": 0.5,
            "endurance.lifetime_median": lifetime,
            "relaxation.sd_one_second": [0.0, 0.0, 0.0],
            "relaxation.sd_one_day": [0.0, 0.0, 0.0],
        }
        chip = formed(Chip(make_preset(replaced=replaced), 3, exact=True))
        pulse(chip, RESET, 0.9, 2.4, width=50e-9, count=400_000)
        pulse(chip, SET, 2.4, 2.4)
        mask = np.zeros((64, 64), np.bool_)
        mask[10, 20] = True
        before = chip.read_conductance(chip.whole)
        pulse(chip, RESET, 2.4, 3.0, mask=mask, width=1e-3, count=100_000)
        seen = chip.healthy[10] & ~mask[10]
        return before[10, seen], chip.read_conductance(chip.whole)[10, seen]

    worn_floor = 0.5e-6 * np.sqrt(1 + 400_001 / 2 / 2e4)
    assert after_disturb(1e12)[1] == pytest.approx(worn_floor, rel=1e-3)
    before, after = after_disturb(10.0)
    np.testing.assert_array_equal(before, after)
