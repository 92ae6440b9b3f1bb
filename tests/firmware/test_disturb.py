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
