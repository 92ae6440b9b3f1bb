"""An average of reads is drawn at once, and cannot be told from reads taken one by one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from rgnn_hal_firmware import Chip, Preset, Window
from rgnn_hal_firmware.telegraph import _binomial

Formed = Callable[[Chip], Chip]
MakePreset = Callable[..., Preset]
Values = NDArray[np.float64]

WHITE = 0.117e-6
NO_TRAPS = {"telegraph.cell_fraction": 0.0, "flicker.relative_density": 0.0}


def averages(chip: Chip, samples: int, times: int) -> Values:
    return np.array([chip.read_conductance(chip.whole, samples) for _ in range(times)])


def reads_one_by_one(rest: Values, step: float, top: int, samples: int, times: int) -> Values:
    """What an ADC makes of white noise, sample by sample."""
    rng = np.random.default_rng(5)
    total = np.zeros((times, *rest.shape))
    for _ in range(samples):
        signal = (rest + WHITE * rng.standard_normal(total.shape)) / step
        total += np.clip(np.rint(signal), 0, top)
    return total * step / samples


@pytest.mark.parametrize(("steps", "samples"), [(18.72, 2), (1.6, 4), (1.0, 4), (0.2, 2)])
def test_an_average_is_distributed_as_reads_taken_one_by_one(
    make_preset: MakePreset, formed: Formed, steps: float, samples: int
) -> None:
    # From noise of many steps, where rounding is noise, to a fifth of one, where it is not.
    replaced = {**NO_TRAPS, "periphery.cell_step": WHITE / steps}
    chip = formed(Chip(make_preset(8, 8, replaced), 1))
    rest = formed(Chip(make_preset(8, 8, replaced), 1, exact=True)).read_conductance(chip.whole)
    ours = averages(chip, samples, 4000)
    theirs = reads_one_by_one(rest, WHITE / steps, 2**14 - 1, samples, 4000)
    standard_error = np.maximum(theirs.std(axis=0), 1e-12) / np.sqrt(4000)
    assert np.abs((ours - theirs).mean(axis=0) / standard_error).max() < 4.5 * np.sqrt(2)
    residual, reference = (ours - rest).ravel(), (theirs - rest).ravel()
    assert residual.std() == pytest.approx(reference.std(), rel=0.01)
    assert stats.kurtosis(residual) == pytest.approx(stats.kurtosis(reference), abs=0.06)
    code, count = np.unique(np.rint(ours * samples * steps / WHITE), return_counts=True)
    other, expected = np.unique(np.rint(theirs * samples * steps / WHITE), return_counts=True)
    both = np.union1d(code[count > 200], other[expected > 200])
    table: Any = [
        [dict(zip(code, count, strict=True)).get(value, 0) for value in both],
        [dict(zip(other, expected, strict=True)).get(value, 0) for value in both],
    ]
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_cells_at_an_end_of_the_range_are_clipped_read_by_read(
    make_preset: MakePreset, formed: Formed
) -> None:
    # 7 bits of 0.1 uS end at 12.7 uS, in the middle of the formed cells.
    step, top = 0.1e-6, 127
    replaced = {**NO_TRAPS, "periphery.cell_step": step, "periphery.adc_bits": 7}
    chip = formed(Chip(make_preset(16, 16, replaced), 1))
    rest = formed(Chip(make_preset(16, 16, replaced), 1, exact=True)).read_conductance(chip.whole)
    near = np.abs(rest - step * top) < 3 * WHITE
    ours = averages(chip, 4, 3000)
    theirs = reads_one_by_one(rest, step, top, 4, 3000)
    assert near.sum() > 20
    assert ours.max() == pytest.approx(step * top)
    error = (ours.mean(axis=0) - theirs.mean(axis=0))[near]
    assert np.abs(error).max() < 5 * WHITE / np.sqrt(4 * 1500)
    np.testing.assert_allclose(ours.std(axis=0)[near], theirs.std(axis=0)[near], atol=0.005e-6)


@pytest.mark.parametrize("samples", [4, 40])
def test_telegraph_noise_averages_as_in_reads_taken_one_by_one(
    make_preset: MakePreset, formed: Formed, samples: int
) -> None:
    preset = make_preset(64, 64, {"telegraph.cell_fraction": 1.0, "read_noise.white": 0.01e-6})
    together, apart = formed(Chip(preset, 1)), formed(Chip(preset, 1))
    rest = together.read_conductance(together.whole, 1024)
    ours = averages(together, samples, 40) - rest
    theirs = averages(apart, 1, 40 * samples).reshape(40, samples, 64, 64).mean(axis=1) - rest
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    assert stats.kurtosis(ours.ravel()) == pytest.approx(stats.kurtosis(theirs.ravel()), rel=0.2)
    levels = np.quantile(np.abs(theirs), [0.3, 0.5, 0.7, 0.9, 0.99])
    np.testing.assert_allclose(
        np.quantile(np.abs(ours), [0.3, 0.5, 0.7, 0.9, 0.99]), levels, rtol=0.05
    )


def test_how_often_a_trap_is_empty_is_binomial() -> None:
    draw = (np.arange(100_000) + 0.5) / 100_000
    for count, probability in ((1, 0.3), (4, 0.02), (16, 0.5), (16, 1 - 1e-9)):
        successes = _binomial(draw, count, np.full(draw.size, probability))
        expected = stats.binom.pmf(np.arange(count + 1), count, probability)
        share = np.bincount(successes.astype(int), minlength=count + 1) / draw.size
        np.testing.assert_allclose(share, expected, atol=2e-5)


def test_an_average_does_not_depend_on_which_cells_are_read_with_it(
    make_preset: MakePreset, formed: Formed
) -> None:
    together, apart = formed(Chip(make_preset(), 1)), formed(Chip(make_preset(), 1))
    whole = together.read_conductance(together.whole, 5)
    for row in range(64):
        window = together.whole._replace(row_start=row, row_stop=row + 1)
        np.testing.assert_array_equal(apart.read_conductance(window, 5)[0], whole[row])


def test_a_masked_read_is_that_part_of_a_whole_one_and_leaves_the_others_alone(
    make_preset: MakePreset, formed: Formed
) -> None:
    some, every = (formed(Chip(make_preset(16, 16), 9)) for _ in range(2))
    mask = np.zeros((8, 16), np.bool_)
    mask[2:5, ::3] = True
    window, start = Window(4, 12, 0, 16), some.time
    part = some.read_conductance(window, 4, mask)
    assert some.time - start == pytest.approx(3 * 4 * some.preset.parameters.read_time)
    whole = every.read_conductance(window, 4)
    np.testing.assert_array_equal(part[mask], whole[mask])
    assert np.isnan(part[~mask]).all()
    # The cells that were left out have their first read still before them.
    rest = some.read_conductance(window, 4, ~mask)
    np.testing.assert_allclose(rest[~mask], whole[~mask], atol=1e-9)
