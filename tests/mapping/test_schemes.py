"""Schemes write signed weights as differences of conductances within the window, and back."""

import re
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from rgnn_hal.macro import LimitError, Range
from rgnn_hal.mapping import NEIGHBOUR, PAIR, REFERENCE, SCHEMES, Scheme

WINDOW = Range(low=1e-6, high=40e-6)
SPAN = WINDOW.high - WINDOW.low
Weights = NDArray[np.float64]

unit_weights = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=7),
    elements=st.floats(-1, 1, allow_subnormal=False),
)
every_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES.keys())


def span_needed(scheme: Scheme, row: Weights) -> float:
    """Width of the window that one row of weights needs, straight from the definition."""
    if scheme is PAIR:
        return float(np.abs(row).max())
    if scheme is REFERENCE:
        return float(max(*row, 0.0) - min(*row, 0.0))
    return max(abs(float(row[i:j].sum())) for i in range(len(row)) for j in range(i, len(row) + 1))


def fitted(scheme: Scheme, weights: Weights) -> Weights:
    """`weights` scaled so that the widest row just fits into the window."""
    widest = max(span_needed(scheme, row) for row in weights)
    return weights * (SPAN / widest) if widest > 0 else weights


@every_scheme
@given(unit_weights)
def test_differences_of_the_conductances_are_the_weights(scheme: Scheme, weights: Weights) -> None:
    weights = fitted(scheme, weights)
    conductance = scheme.conductances(weights, WINDOW)
    assert conductance.shape == (len(weights), scheme.columns(weights.shape[1]))
    assert conductance.min() >= WINDOW.low
    assert conductance.max() <= WINDOW.high
    assert scheme.difference(conductance) == pytest.approx(weights, abs=3e-9 * SPAN)


@every_scheme
@given(st.integers(1, 7), st.integers(0, 99))
def test_what_drives_columns_is_the_transpose_of_the_difference(
    scheme: Scheme, outputs: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    conductance = rng.normal(size=(4, scheme.columns(outputs)))
    x = rng.normal(size=(3, outputs))
    expected = x @ scheme.difference(conductance).T
    assert scheme.spread(x) @ conductance.T == pytest.approx(expected, abs=1e-13)


@every_scheme
@given(unit_weights, st.floats(1.001, 1e6))
def test_weights_that_do_not_fit_are_refused_with_a_scale_that_does(
    scheme: Scheme, weights: Weights, excess: float
) -> None:
    if not weights.any():
        weights = np.ones_like(weights)
    weights = fitted(scheme, weights) * excess
    with pytest.raises(LimitError) as caught:
        scheme.conductances(weights, WINDOW)
    advice = re.search(r"scale the weights by (\S+) or less", str(caught.value))
    assert advice is not None
    scale = float(advice.group(1))
    assert scale == pytest.approx(1 / excess, rel=2e-3)
    scheme.conductances(weights * scale, WINDOW)


@every_scheme
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(scheme: Scheme, bad: float) -> None:
    weights = np.full((3, 4), 1e-6)
    weights[1, 2] = bad
    with pytest.raises(LimitError, match="finite"):
        scheme.conductances(weights, WINDOW)


@every_scheme
@pytest.mark.parametrize("weights", [np.ones((2, 2), complex), [["a"]], [[1.0], [1.0, 2.0]]])
def test_weights_that_are_no_real_numbers_are_refused(scheme: Scheme, weights: Any) -> None:
    with pytest.raises(LimitError, match="weights"):
        scheme.conductances(weights, WINDOW)


@every_scheme
@given(st.integers(-3, 600))
def test_outputs_is_the_largest_number_that_fits(scheme: Scheme, columns: int) -> None:
    fitting = [n for n in range(1, 700) if scheme.columns(n) <= columns]
    assert scheme.outputs(columns) == max(fitting, default=0)


def test_outputs_holds_for_any_scheme_whose_columns_grow() -> None:
    triple = Scheme("triple", lambda n: 3 * n, lambda x: x, lambda x: x, lambda w, _: w)
    assert [triple.outputs(columns) for columns in (0, 2, 3, 5, 6, 12)] == [0, 0, 1, 1, 2, 4]


def test_the_schemes_are_those_of_their_definitions() -> None:
    conductance = np.array([[1.0, 4.0, 9.0, 16.0]])
    assert NEIGHBOUR.difference(conductance).tolist() == [[3.0, 5.0, 7.0]]
    assert PAIR.difference(conductance).tolist() == [[-3.0, -7.0]]
    assert REFERENCE.difference(conductance).tolist() == [[-15.0, -12.0, -7.0]]


def test_neighbouring_weights_of_independent_cells_correlate_by_minus_one_half() -> None:
    cells = np.random.default_rng(0).normal(size=(20_000, 9))
    correlation = np.corrcoef(NEIGHBOUR.difference(cells), rowvar=False)
    assert np.diag(correlation, 1) == pytest.approx(np.full(7, -0.5), abs=0.03)
    assert np.diag(correlation, 2) == pytest.approx(np.zeros(6), abs=0.03)


def test_a_pair_keeps_one_of_its_cells_at_the_low_end() -> None:
    conductance = PAIR.conductances(np.array([[5e-6, -7e-6, 0.0]]), WINDOW)
    expected = WINDOW.low + np.array([[5e-6, 0, 0, 7e-6, 0, 0]])
    assert conductance == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("scheme", [NEIGHBOUR, REFERENCE])
def test_rows_of_shared_columns_are_lifted_to_the_low_end(scheme: Scheme) -> None:
    weights = np.random.default_rng(1).normal(size=(5, 6)) * 1e-6
    conductance = scheme.conductances(weights, WINDOW)
    assert conductance.min(axis=1) == pytest.approx(np.full(5, WINDOW.low))
