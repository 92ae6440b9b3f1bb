from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from rgnn_hal_firmware import Chip, Preset, PulseKind, Side, Window, new_chip

FloatArray = NDArray[np.floating[Any]]
Pulse = Callable[..., None]
Formed = Callable[[Chip], Chip]
MakePreset = Callable[..., Preset]

QUIET_INSTRUMENTS = {"periphery.offset_sd": 0.0, "periphery.gain_sd": 0.0}
NO_TRAPS = {"telegraph.cell_fraction": 0.0}
NO_FLICKER = {"flicker.relative_density": 0.0}


def multiply(
    chip: Chip,
    voltage: FloatArray,
    window: Window | None = None,
    side: Side = "rows",
    samples: int = 1,
) -> FloatArray:
    chip.apply(voltage, side, window or chip.whole)
    return chip.read(samples)


def voltages(batch: int, lines: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(-0.2, 0.2, (batch, lines))


def half_formed(chip: Chip, pulse: Pulse) -> Chip:
    """Formed cells beside pristine ones, which are quiet."""
    half = np.random.default_rng(1).random(chip.whole.shape) < 0.5
    pulse(chip, PulseKind.FORM, 4.0, 1.65, width=1e-3, mask=half)
    return chip


@pytest.mark.parametrize("window", [None, Window(3, 40, 10, 33)])
def test_an_exact_chip_multiplies_as_numpy_does(
    make_preset: MakePreset, formed: Formed, window: Window | None
) -> None:
    chip = formed(Chip(make_preset(), 1, exact=True))
    window = window or chip.whole
    conductance = chip.read_conductance(window)
    rows, cols = window.shape
    v, u = voltages(9, rows), voltages(9, cols)
    np.testing.assert_array_equal(multiply(chip, v, window), v @ conductance)
    np.testing.assert_array_equal(multiply(chip, u, window, "cols"), u @ conductance.T)
    single = multiply(chip, v.astype(np.float32), window)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, v @ conductance, rtol=0, atol=1e-10)


@pytest.mark.parametrize("side", ["rows", "cols"])
def test_noise_of_a_product_is_that_of_its_cells_drawn_one_by_one(
    make_preset: MakePreset, pulse: Pulse, side: Side
) -> None:
    white_only = {**QUIET_INSTRUMENTS, **NO_TRAPS, **NO_FLICKER}
    preset = make_preset(40, 24, {**white_only, "periphery.adc_bits": 24})
    chip = half_formed(Chip(preset, 1), pulse)
    rest = half_formed(Chip(preset, 1, exact=True), pulse).read_conductance(chip.whole)
    if side == "cols":
        rest = rest.T
    reads = 20_000
    v = voltages(1, rest.shape[0])
    measured = multiply(chip, np.repeat(v, reads, axis=0), side=side)

    rng = np.random.default_rng(2)
    sigma = 0.117e-6 * np.minimum(1.0, rest / 1e-6)
    brute = np.array(
        [v[0] @ (rest + sigma * rng.standard_normal(rest.shape)) for _ in range(reads)]
    )

    standard_error = brute.std(axis=0) / np.sqrt(reads)
    assert np.abs((measured.mean(axis=0) - v @ rest) / standard_error).max() < 4.5
    np.testing.assert_allclose(measured.std(axis=0), brute.std(axis=0), rtol=0.04)
    score = (measured - measured.mean(axis=0)) / measured.std(axis=0)
    correlation = score.T @ score / reads - np.eye(rest.shape[1])
    assert np.abs(correlation).max() < 5 / np.sqrt(reads)
    for column in range(rest.shape[1]):
        assert stats.ks_2samp(measured[:, column], brute[:, column]).pvalue > 1e-4


def test_noise_of_vectors_of_a_batch_is_independent(
    make_preset: MakePreset, formed: Formed
) -> None:
    slow = {"flicker.relative_density": 0.0, "periphery.adc_bits": 24}
    chip = formed(Chip(make_preset(40, 24, {**NO_TRAPS, **slow}), 1))
    reads = 20_000
    batches = [multiply(chip, np.repeat(voltages(1, 40), reads, axis=0)) for _ in range(2)]
    scores = [(batch - batch.mean(axis=0)) / batch.std(axis=0) for batch in batches]
    # 683 vectors of 24 normals fill a block of the stream.
    for lag in (1, 2, 64, 683):
        correlation = scores[0][lag:].T @ scores[0][:-lag] / (reads - lag)
        assert np.abs(correlation).max() < 5 / np.sqrt(reads)
    assert np.abs(scores[0].T @ scores[1] / reads).max() < 5 / np.sqrt(reads)


def test_samples_average_independent_conversions(make_preset: MakePreset, formed: Formed) -> None:
    preset = make_preset(replaced=NO_TRAPS)
    chip = formed(Chip(preset, 1))
    v = np.repeat(voltages(1, 64), 4000, axis=0)
    one, sixteen = multiply(chip, v), multiply(chip, v, samples=16)
    ratio = one.std(axis=0) / sixteen.std(axis=0)
    assert ratio.mean() == pytest.approx(4.0, rel=0.03)
    np.testing.assert_allclose(
        one.mean(axis=0), sixteen.mean(axis=0), atol=6 * one.std() / np.sqrt(4000)
    )


def test_samples_of_one_call_are_the_reads_of_many(make_preset: MakePreset, formed: Formed) -> None:
    one, many = formed(Chip(make_preset(), 1)), formed(Chip(make_preset(), 1))
    v = voltages(1, 64)
    averaged = multiply(one, v, samples=8)
    apart = [multiply(many, v) for _ in range(8)]
    np.testing.assert_allclose(averaged, np.mean(apart, axis=0), rtol=1e-12, atol=1e-20)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.integers(1, 3), st.booleans())
def test_a_batch_split_over_calls_gives_the_bits_of_the_whole(
    make_preset: MakePreset, parts: list[int], samples: int, transposed: bool
) -> None:
    preset = make_preset(96, 48, {"telegraph.time_constants": [1e-3, 100.0]})
    whole, split = half_formed_twins(preset)
    side: Side = "cols" if transposed else "rows"
    v = voltages(sum(parts), 48 if transposed else 96)
    at_once = multiply(whole, v, side=side, samples=samples)
    in_parts = [
        multiply(split, part, side=side, samples=samples)
        for part in np.split(v, np.cumsum(parts)[:-1])
    ]
    np.testing.assert_array_equal(np.concatenate(in_parts), at_once)


def test_a_split_float32_batch_differs_by_a_code_now_and_then_at_most(
    make_preset: MakePreset,
) -> None:
    # BLAS sums in another order for another batch: 1e-7 of a current, next to a step of 5e-8 A.
    whole, split = half_formed_twins(make_preset(512, 512))
    v = voltages(256, 512).astype(np.float32)
    at_once = multiply(whole, v)
    in_parts = np.concatenate([multiply(split, part) for part in np.split(v, [1, 2, 35, 100])])
    codes = (in_parts - at_once) / (400e-6 / 8191)
    assert np.abs(codes).max() < 1.01
    assert np.mean(np.abs(codes) > 0.5) < 2e-3


def half_formed_twins(preset: Preset) -> tuple[Chip, Chip]:
    twins = Chip(preset, 1), Chip(preset, 1)
    for chip in twins:
        shape = chip.whole.shape
        mask = np.arange(shape[0] * shape[1]).reshape(shape) % 7 > 0
        chip.pulse(
            PulseKind.FORM, mask, np.full(shape, 4.0), np.full(shape, 1.65), 1e-3, 1, chip.whole
        )
    return twins


@settings(deadline=None, max_examples=10)
@given(st.lists(st.sampled_from([0, 1, 2]), min_size=3, max_size=8))
def test_products_elsewhere_on_the_chip_change_nothing(
    make_preset: MakePreset, order: list[int]
) -> None:
    requests: list[tuple[Window, Side]] = [
        (Window(0, 32, 0, 48), "rows"),
        (Window(16, 96, 0, 48), "rows"),
        (Window(0, 32, 0, 48), "cols"),
    ]
    slow_and_fast = {"telegraph.time_constants": [1e-3, 100.0]}
    mixed, lonely = half_formed_twins(make_preset(96, 48, slow_and_fast))
    for step, which in enumerate(order):
        window, side = requests[which]
        lines = window.shape[0 if side == "rows" else 1]
        # 3000 vectors are half a refresh of the telegraph noise.
        v = voltages(3000, lines, seed=step)
        current = multiply(mixed, v, window, side)
        if which == 0:
            np.testing.assert_array_equal(current, multiply(lonely, v, window, side))


SLOW_TRAPS_ONLY = {
    "telegraph.cell_fraction": 1.0,
    "telegraph.time_constants": [1.0, 100.0],
    "read_noise.white": 0.0,
}


def test_slow_telegraph_noise_moves_products_with_time(
    make_preset: MakePreset, formed: Formed
) -> None:
    chip = formed(Chip(make_preset(replaced=SLOW_TRAPS_ONLY), 1))
    v = voltages(1, 64)
    first, again = multiply(chip, v), multiply(chip, v)
    chip.wait(1e6)
    later = multiply(chip, v)
    np.testing.assert_array_equal(first, again)
    assert np.mean(first != later) > 0.9


def test_products_and_single_reads_see_the_same_slow_noise(
    make_preset: MakePreset, formed: Formed
) -> None:
    preset = make_preset(replaced={**SLOW_TRAPS_ONLY, **QUIET_INSTRUMENTS})
    chip = formed(Chip(preset, 1))
    chip.wait(1e6)
    conductance = chip.read_conductance(chip.whole)
    v = voltages(20, 64)
    np.testing.assert_allclose(multiply(chip, v), v @ conductance, atol=4 * 400e-6 / 8191)


def test_fast_telegraph_noise_has_the_same_variance_in_products_and_single_reads(
    make_preset: MakePreset, formed: Formed
) -> None:
    preset = make_preset(replaced={"telegraph.cell_fraction": 0.3, **QUIET_INSTRUMENTS})
    chip = formed(Chip(preset, 1))
    cells = np.array([chip.read_conductance(chip.whole) for _ in range(1500)]).var(axis=0)
    v = np.repeat(voltages(1, 64), 20_000, axis=0)
    step = 400e-6 / 8191
    products = multiply(chip, v).var(axis=0) - step**2 / 12
    expected = v[0] ** 2 @ (cells - 6.25e-9**2 / 12)
    np.testing.assert_allclose(products, expected, rtol=0.12)
    assert products.mean() == pytest.approx(expected.mean(), rel=0.02)


def test_region_products_see_their_own_cells_and_converters(
    make_preset: MakePreset, formed: Formed
) -> None:
    preset = make_preset(replaced={**NO_TRAPS, "read_noise.white": 0.0})
    chip = formed(Chip(preset, 1))
    window = Window(5, 37, 11, 50)
    v = voltages(7, 32)
    alone = multiply(chip, v, window)
    embedded = np.zeros((7, 64))
    embedded[:, 5:37] = v
    np.testing.assert_array_equal(alone, multiply(chip, embedded)[:, 11:50])


def test_a_current_beyond_full_scale_saturates_there(formed: Formed) -> None:
    chip = formed(new_chip(seed=1))
    v = np.full((1, 512), 0.2)
    np.testing.assert_allclose(multiply(chip, v), 400e-6, rtol=1e-12)
    np.testing.assert_allclose(multiply(chip, -v), -400e-6, rtol=1e-12)
    np.testing.assert_allclose(multiply(chip, v.astype(np.float32), samples=3), 400e-6, rtol=1e-6)


def test_random_signed_inputs_on_128_rows_stay_far_from_full_scale(formed: Formed) -> None:
    chip = formed(new_chip(seed=1))
    assert np.abs(multiply(chip, voltages(256, 128), Window(0, 128, 0, 512))).max() < 200e-6


def test_a_grounded_chip_reads_the_offsets_of_its_converters(
    make_preset: MakePreset, formed: Formed
) -> None:
    chip = formed(Chip(make_preset(64, 512), 1))
    chip.ground()
    offset = chip.read()
    assert offset.shape == (1, 512)
    assert offset.std() == pytest.approx(100e-9, rel=0.15)
    np.testing.assert_array_equal(chip.read(), offset)


def test_gain_errors_belong_to_lines(make_preset: MakePreset, formed: Formed) -> None:
    preset = make_preset(64, 512, {**NO_TRAPS, "read_noise.white": 0.0, "periphery.offset_sd": 0.0})
    noisy = formed(Chip(preset, 1))
    exact = formed(Chip(preset, 1, exact=True))
    v = np.full((1, 64), 0.2)
    gain = multiply(noisy, v) / multiply(exact, v)
    assert gain.mean() == pytest.approx(1.0, abs=5e-4)
    assert gain.std() == pytest.approx(2e-3, rel=0.15)


def test_single_cells_are_read_on_the_published_grid(
    make_preset: MakePreset, formed: Formed
) -> None:
    chip = formed(Chip(make_preset(), 1))
    codes = chip.read_conductance(chip.whole) / 6.25e-9
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-6)


def test_a_cell_reads_the_same_whichever_cells_are_read_with_it(
    make_preset: MakePreset, formed: Formed
) -> None:
    together, apart = formed(Chip(make_preset(), 1)), formed(Chip(make_preset(), 1))
    whole = together.read_conductance(together.whole, samples=2)
    for quarter in (Window(0, 32, 0, 64), Window(32, 64, 0, 20), Window(32, 64, 20, 64)):
        part = apart.read_conductance(quarter, samples=2)
        np.testing.assert_array_equal(part, whole[quarter.slices])


def test_telegraph_noise_never_makes_a_pristine_cell_look_formed() -> None:
    chip = new_chip(seed=1)
    reads = np.max([chip.read_conductance(chip.whole) for _ in range(20)], axis=0)
    assert 0.15e-6 < reads[chip.healthy].max() < 0.27e-6


def test_pristine_cells_are_quiet(make_preset: MakePreset) -> None:
    chip = Chip(make_preset(replaced=NO_TRAPS), 1)
    reads = np.array([chip.read_conductance(chip.whole) for _ in range(50)])
    noise = reads.std(axis=0)[chip.healthy]
    assert noise.mean() == pytest.approx(0.0117e-6, rel=0.05)
