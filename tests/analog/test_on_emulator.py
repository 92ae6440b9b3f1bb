"""Products on the emulated chip: right in the mean, with the noise that its cells have."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal.analog import AnalogMatrix, BitSerial, InputCoding, Multilevel, calibrate
from rgnn_hal.macro import Macro, Region, open_macro
from rgnn_hal.mapping import NEIGHBOUR, Placement, Site, place
from rgnn_hal.programming import form

REGION = Region(0, 128, 0, 65)
INPUTS = np.random.default_rng(0).normal(size=(200, 128))


def formed(query: str = "") -> tuple[Macro, Placement]:
    macro = open_macro(f"emulator://?seed=1{query}")
    form(macro, REGION)
    (placement,) = place([(128, 64)], NEIGHBOUR, [Site(0, REGION)])
    return macro, placement


@pytest.fixture(scope="module")
def matrix() -> Iterator[AnalogMatrix]:
    macro, placement = formed()
    with macro:
        yield AnalogMatrix.measure([macro], placement)


def test_the_exact_chip_multiplies_by_its_twin() -> None:
    macro, placement = formed("&exact=true")
    with macro:
        matrix = AnalogMatrix.measure([macro], placement)
        expected = INPUTS @ matrix.weights
        assert np.abs(matrix.product(INPUTS) - expected).max() < 1e-10 * np.abs(expected).max()
        assert matrix.weights.std() == pytest.approx(1.0)
        single = matrix.product(INPUTS.astype(np.float32))
        assert np.abs(single - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("coding", [Multilevel(), BitSerial(8)], ids=repr)
def test_the_mean_of_many_products_is_the_twins(matrix: AnalogMatrix, coding: InputCoding) -> None:
    error = replace(matrix, coding=coding, reads=64).product(INPUTS) - INPUTS @ matrix.weights
    scale = (INPUTS @ matrix.weights).std()
    # What is left is telegraph noise: cells that have switched since the twin was read.
    assert error.std() < 0.08 * scale
    assert abs(error.mean()) < 3e-3 * scale
    assert error.mean(axis=0).std() < 8e-3 * scale


def scatter(matrix: AnalogMatrix, reads: int, x: NDArray[np.float64]) -> float:
    """Standard deviation between products of equal inputs, taken one after the other."""
    several = matrix.with_reads(reads)
    return float((several.product(x) - several.product(x)).std() / np.sqrt(2))


def test_noise_falls_as_one_over_the_root_of_the_reads(matrix: AnalogMatrix) -> None:
    noise = {reads: scatter(matrix, reads, INPUTS) for reads in (1, 4, 16, 64)}
    for reads in (4, 16, 64):
        assert noise[reads] == pytest.approx(noise[1] / np.sqrt(reads), rel=0.15)


def test_noise_of_a_product_is_that_of_its_cells_and_of_the_converter(
    matrix: AnalogMatrix,
) -> None:
    macro = matrix.macros[0]
    reads = np.stack([macro.read_conductance(REGION) for _ in range(60)])
    cell = np.diff(reads, axis=0).var(axis=0) / 2
    assert np.median(cell) == pytest.approx(macro.spec.read_noise**2, rel=0.1)

    volts_per_x = 0.2 / np.abs(INPUTS).max(axis=1, keepdims=True)
    current = (INPUTS * volts_per_x) ** 2 @ (cell[:, 1:] + cell[:, :-1])
    rounding = 2 * macro.spec.current_step**2 / 12
    variance = (current + rounding) / (matrix.unit * volts_per_x) ** 2
    assert scatter(matrix, 1, INPUTS) == pytest.approx(np.sqrt(variance.mean()), rel=0.05)


def test_calibrated_columns_agree_between_calibrations(matrix: AnalogMatrix) -> None:
    macro = matrix.macros[0]
    one, other = (calibrate(macro, REGION, seed=seed) for seed in (1, 2))
    assert np.abs(one.gain - 1).max() > 2e-3
    assert (one.gain - other.gain).std() < 0.5 * one.gain.std()
    assert (one.zero - other.zero).std() < 0.2 * one.zero.std()


@pytest.mark.parametrize("cuts", [(1,), (7, 130), (199,)])
def test_splitting_a_batch_changes_nothing(cuts: tuple[int, ...]) -> None:
    results = []
    for parts in ([INPUTS], np.split(INPUTS, cuts)):
        macro, placement = formed()
        with macro:
            matrix = AnalogMatrix.measure([macro], placement)
            results.append(np.concatenate([matrix.product(part) for part in parts]))
    assert np.array_equal(results[0], results[1])


def test_too_many_rows_at_full_voltage_are_warned_of() -> None:
    # 256 formed cells of about 12 uS at 0.2 V would be 630 uA; the converters end at 400.
    region = Region(0, 256, 0, 9)
    (placement,) = place([(256, 8)], NEIGHBOUR, [Site(0, region)])
    with open_macro("emulator://?seed=1") as macro:
        form(macro, region)
        matrix = AnalogMatrix.measure([macro], placement)
        with pytest.warns(RuntimeWarning, match="use fewer rows per tile"):
            matrix.product(np.ones((1, 256)))
        assert matrix.ledger.saturated == 9
