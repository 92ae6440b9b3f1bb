"""Products through exact macros are NumPy's, whatever the scheme, the tiling and the coding."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from rgnn_hal.analog import (
    AnalogMatrix,
    BitSerial,
    InputCoding,
    Multilevel,
    OffsetBitSerial,
    TileCalibration,
)
from rgnn_hal.cost import Ledger
from rgnn_hal.macro import Capability, LimitError, NotSupportedError
from rgnn_hal.mapping import NEIGHBOUR, PAIR, SCHEMES, Scheme, Site, place
from tests.conftest import ArrayMacro, make_spec, random_conductance

UNSIGNED: dict[str, Any] = {"read_voltage": {"low": 0.0, "high": 0.2}}
CODINGS: list[InputCoding] = [Multilevel(), Multilevel(6), BitSerial(16), OffsetBitSerial(16)]


def exact_macros(count: int, rows: int = 8, cols: int = 6, **changes: Any) -> list[ArrayMacro]:
    return [
        ArrayMacro(make_spec(rows, cols, **changes), random_conductance(rows, cols, seed))
        for seed in range(count)
    ]


def on(
    macros: Sequence[ArrayMacro],
    shape: tuple[int, int],
    scheme: Scheme = NEIGHBOUR,
    coding: InputCoding | None = None,
    reads: int = 1,
) -> AnalogMatrix:
    """A matrix on the whole of `macros`, in siemens."""
    sites = [Site(number, macro.spec.region) for number, macro in enumerate(macros)]
    (placement,) = place([shape], scheme, sites)
    return AnalogMatrix.measure(macros, placement, unit=1.0, coding=coding, reads=reads)


def weights_of(macros: Sequence[ArrayMacro], matrix: AnalogMatrix) -> NDArray[np.float64]:
    """W taken from the arrays themselves, weight by weight."""
    weights = np.full(matrix.shape, np.nan)
    for tile in matrix.placement.tiles:
        cells = macros[tile.macro].conductance
        for i in range(tile.inputs):
            row = cells[tile.region.row_start + i, tile.region.slices[1]]
            for j in range(tile.outputs):
                weights[tile.input_start + i, tile.output_start + j] = {
                    "neighbour": lambda j, row=row: row[j + 1] - row[j],
                    "pair": lambda j, row=row: row[2 * j] - row[2 * j + 1],
                    "reference": lambda j, row=row: row[j] - row[-1],
                }[matrix.placement.scheme.name](j)
    return weights


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES.keys())
@pytest.mark.parametrize("coding", CODINGS, ids=repr)
@pytest.mark.parametrize("shape", [(8, 3), (3, 2), (16, 3), (8, 7), (20, 9)])
@pytest.mark.parametrize("window", [{}, UNSIGNED], ids=["signed", "unsigned"])
def test_products_are_those_of_numpy(
    scheme: Scheme, coding: InputCoding, shape: tuple[int, int], window: dict[str, Any]
) -> None:
    macros = exact_macros(12, **window)
    matrix = on(macros, shape, scheme, coding)
    weights = weights_of(macros, matrix)
    assert matrix.weights == pytest.approx(weights, rel=1e-12, abs=1e-20)
    x = np.random.default_rng(1).normal(size=(5, shape[0]))
    if isinstance(coding, Multilevel) and coding.bits is not None:
        # Inputs on the code's own grid, so that this coding is exact too.
        levels = 31 if not window else 63
        x = np.rint(x * 10).clip(-levels, levels)
        x[:, 0] = levels
    tolerance = 1e-4 if isinstance(coding, BitSerial | OffsetBitSerial) else 1e-12
    scale = np.abs(x).max() * np.abs(weights).sum(axis=0).max()
    assert np.abs(matrix.product(x) - x @ weights).max() <= tolerance * scale


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES.keys())
@pytest.mark.parametrize("coding", [Multilevel(), BitSerial(16), OffsetBitSerial(16)], ids=repr)
@pytest.mark.parametrize("shape", [(8, 3), (3, 2), (20, 9)])
@pytest.mark.parametrize("window", [{}, UNSIGNED], ids=["signed", "unsigned"])
def test_backwards_the_product_is_that_with_the_transpose(
    scheme: Scheme, coding: InputCoding, shape: tuple[int, int], window: dict[str, Any]
) -> None:
    macros = exact_macros(12, capabilities=frozenset({Capability.TRANSPOSE}), **window)
    matrix = on(macros, shape, scheme, coding).with_transpose()
    weights = weights_of(macros, matrix)
    y = np.random.default_rng(1).normal(size=(5, shape[1]))
    expected = y @ weights.T
    tolerance = 1e-12 if isinstance(coding, Multilevel) else 1e-4
    # Differences are of conductances: an error of coding counts against those.
    cells = max(float(macro.conductance.max()) for macro in macros)
    scale = shape[1] ** 2 * np.abs(y).max() * cells
    assert np.abs(matrix.transposed(y) - expected).max() <= tolerance * scale


def test_backwards_is_refused_where_columns_cannot_be_driven_before_anything_is_applied() -> None:
    (macro,) = exact_macros(1, capabilities=frozenset())
    matrix = on([macro], (8, 3))
    with pytest.raises(NotSupportedError, match="with_transpose"):
        matrix.transposed(np.ones((1, 3)))
    calls = len(macro.log)
    with pytest.raises(NotSupportedError, match="cannot drive columns"):
        matrix.with_transpose()
    assert len(macro.log) == calls


@given(st.integers(1, 6), st.integers(1, 5), st.data())
def test_a_batch_may_be_split_anywhere(batch: int, chunk: int, data: st.DataObject) -> None:
    macros = exact_macros(2, max_batch=chunk)
    coding = data.draw(st.sampled_from(CODINGS))
    x = np.random.default_rng(batch).normal(size=(batch, 12))
    cut = data.draw(st.integers(0, batch))
    matrix = on(macros, (12, 3), coding=coding)
    whole = on(exact_macros(2), (12, 3), coding=coding).product(x)
    parts = [matrix.product(part) for part in (x[:cut], x[cut:]) if len(part)]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_have_the_dtype_of_the_input(dtype: Any) -> None:
    macros = exact_macros(2)
    matrix = on(macros, (16, 3))
    x = np.random.default_rng(1).normal(size=(5, 16)).astype(dtype)
    y = matrix.product(x)
    assert y.dtype == dtype
    expected = x.astype(float) @ weights_of(macros, matrix)
    assert y == pytest.approx(expected, abs=50 * np.finfo(dtype).eps * np.abs(expected).max())


@pytest.mark.parametrize("magnitude", [1e-30, 1e-3, 1e30])
def test_products_scale_with_their_input(magnitude: float) -> None:
    matrix = on(exact_macros(1), (8, 3))
    x = np.random.default_rng(1).normal(size=(5, 8))
    assert matrix.product(x * magnitude) == pytest.approx(matrix.product(x) * magnitude, rel=1e-12)


def test_a_zero_vector_gives_zero_and_integers_and_lists_are_numbers() -> None:
    matrix = on(exact_macros(1), (8, 3))
    assert matrix.product(np.zeros((2, 8))) == pytest.approx(np.zeros((2, 3)), abs=1e-18)
    assert np.array_equal(matrix.product([[1] * 8]), matrix.product(np.ones((1, 8))))


def test_the_at_sign_is_the_product() -> None:
    matrix = on(exact_macros(1), (8, 3))
    x = np.ones((2, 8))
    assert np.array_equal(x @ matrix, matrix.product(x))


def test_weights_are_in_units_of_their_standard_deviation_by_default() -> None:
    macros = exact_macros(1)
    (placement,) = place([(8, 5)], NEIGHBOUR, [Site(0, macros[0].spec.region)])
    matrix = AnalogMatrix.measure(macros, placement)
    siemens = np.diff(macros[0].conductance, axis=1)
    assert matrix.unit == pytest.approx(siemens.std())
    assert matrix.weights == pytest.approx(siemens / siemens.std())
    x = np.random.default_rng(0).normal(size=(3, 8))
    assert matrix.product(x) == pytest.approx(x @ siemens / siemens.std())


def test_zero_and_gain_errors_of_the_columns_are_calibrated_away() -> None:
    zero, gain = np.linspace(-2e-7, 3e-7, 6), np.linspace(0.9, 1.2, 6)
    macro = ArrayMacro(conductance=random_conductance(8, 6), zero=zero, gain=gain)
    matrix = on([macro], (8, 5))
    assert matrix.calibrations[0].zero == pytest.approx(zero)
    assert matrix.calibrations[0].gain == pytest.approx(gain)
    x = np.random.default_rng(0).normal(size=(3, 8))
    assert matrix.product(x) == pytest.approx(x @ weights_of([macro], matrix), abs=1e-18)
    raw = replace(matrix, calibrations=(TileCalibration(0 * zero, 1 + 0 * gain),))
    assert np.abs(raw.product(x) - x @ matrix.weights).max() > 1e-7


def test_unequal_weights_have_no_unit_and_are_refused() -> None:
    macro = ArrayMacro()
    (placement,) = place([(8, 5)], NEIGHBOUR, [Site(0, macro.spec.region)])
    with pytest.raises(LimitError, match="carry nothing"):
        AnalogMatrix.measure([macro], placement)


@pytest.mark.parametrize(
    ("coding", "planes"), [(Multilevel(), 1), (BitSerial(8), 8), (OffsetBitSerial(4), 5)]
)
def test_the_ledger_counts_what_was_done(coding: InputCoding, planes: int) -> None:
    # 12 x 4 by pairs on macros of 8 x 6: tiles of 8 x 3, 8 x 1, 4 x 3 and 4 x 1 weights,
    # which are 8 x 6, 8 x 2, 4 x 6 and 4 x 2 cells.
    matrix = on(exact_macros(4), (12, 4), PAIR, coding, reads=3)
    assert matrix.ledger == Ledger()
    x = np.random.default_rng(0).normal(size=(10, 12))
    matrix.product(x)
    voltage = coding.encode(x, matrix.macros[0].spec).voltage
    cell_volts = 3 * (6 + 2) * float(np.abs(voltage).sum())  # each row drives 8 columns, 3 times
    assert matrix.ledger.cell_volts == pytest.approx(cell_volts)
    assert replace(matrix.ledger, cell_volts=0.0) == Ledger(
        products=10,
        multiplications=10 * 12 * 4,
        sent=10 * (8 + 8 + 4 + 4),
        received=10 * (3 + 1 + 3 + 1),
        planes=10 * planes * 4,
        samples=10 * planes * 4 * 3,
        drives=10 * planes * 3 * (8 + 8 + 4 + 4),
        conversions=10 * planes * 3 * (6 + 2 + 6 + 2),
        macs=10 * planes * 3 * (48 + 16 + 24 + 8),
    )
    assert matrix.ledger + matrix.ledger == Ledger(
        *(2 * count for count in vars(matrix.ledger).values())
    )


def test_matrices_made_from_one_another_share_cells_and_ledger() -> None:
    matrix = on(exact_macros(1), (8, 3))
    more = matrix.with_reads(4)
    assert (matrix.reads, more.reads) == (1, 4)
    more.product(np.ones((2, 8)))
    assert matrix.ledger is more.ledger
    assert matrix.ledger.conversions == 2 * 4 * 4


@pytest.mark.parametrize("reads", [0, -1, 65, True, 1.5])
def test_impossible_numbers_of_reads_are_refused(reads: Any) -> None:
    with pytest.raises(LimitError, match="reads"):
        on(exact_macros(1), (8, 3)).with_reads(reads)


BAD_INPUTS = {
    "one vector": np.ones(8),
    "too narrow": np.ones((2, 7)),
    "empty": np.ones((0, 8)),
    "NaN": np.where(np.eye(2, 8) > 0, np.nan, 1.0),
    "infinity": np.where(np.eye(2, 8) > 0, np.inf, 1.0),
    "complex": np.ones((2, 8), dtype=complex),
    "text": np.full((2, 8), "1"),
    "objects": np.ones((2, 8), dtype=object),
    "ragged": [[1.0] * 8, [1.0]],
}


@pytest.mark.parametrize("x", BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_bad_inputs_are_refused_and_nothing_is_driven_or_counted(x: Any) -> None:
    (macro,) = macros = exact_macros(1)
    matrix = on(macros, (8, 3))
    macro.log.clear()
    with pytest.raises(LimitError, match=r"input|product"):
        matrix.product(x)
    assert macro.log == []
    assert matrix.ledger == Ledger()


def saturating(low: float) -> AnalogMatrix:
    """A matrix whose converters end at 1 uA; inputs of 0.2 V on 8 rows of 10 uS give 16 uA."""
    macro = ArrayMacro(make_spec(current={"low": low, "high": 1e-6}, adc_bits=8, **UNSIGNED))
    (placement,) = place([(8, 5)], NEIGHBOUR, [Site(0, macro.spec.region)])
    return AnalogMatrix.measure([macro], placement, unit=1e-6)


def test_currents_at_full_scale_are_counted_and_warned_of() -> None:
    matrix = saturating(low=-1e-6)
    with pytest.warns(RuntimeWarning, match="12 of 24 currents reached .* -1e-06 ... 1e-06 A"):
        matrix.product(np.ones((2, 8)))
    assert matrix.ledger.saturated == 12


def test_no_current_is_no_saturation_of_a_converter_that_ends_at_zero() -> None:
    matrix = saturating(low=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix.product(np.zeros((2, 8)))
    assert matrix.ledger.saturated == 0
