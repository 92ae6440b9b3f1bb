"""Power laws are found again, with errors that mean what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.macro import DataError
from rgnn_hal.reproduction.scaling import Estimate, envelope, fit_power_law, middle_of

exponents = st.floats(-1, 4)
prefactors = st.floats(1e-6, 1e3)
sizes = st.lists(st.integers(1, 500), min_size=3, max_size=8, unique=True)


@given(exponents, prefactors, sizes)
def test_an_exact_law_is_found_exactly(p: float, a: float, n: list[int]) -> None:
    law = fit_power_law(n, [a * size**p for size in n])
    assert law.exponent == pytest.approx(p, abs=1e-6)
    assert law.at(1000).value == pytest.approx(a * 1000**p, rel=1e-4)
    assert law.exponent_error < 1e-6


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    draw, n = np.random.default_rng(0), np.array([3.0, 6, 9, 12, 18])
    inside = predicted = 0
    for _ in range(2000):
        noise = np.exp(0.1 * draw.normal(size=6))
        law = fit_power_law(n.tolist(), (2 * n**2.5 * noise[:5]).tolist())
        inside += abs(law.exponent - 2.5) <= law.exponent_error
        estimate = law.at(100)
        predicted += estimate.low <= 2 * 100**2.5 * noise[5] <= estimate.high
    assert inside / 2000 == pytest.approx(0.6827, abs=0.035)
    assert predicted / 2000 == pytest.approx(0.6827, abs=0.035)


def test_uncertainty_grows_away_from_the_data() -> None:
    law = fit_power_law([2, 4, 8, 16], [1.0, 2.2, 3.9, 8.1])
    near, far = law.at(6), law.at(600)
    assert far.high / far.low > near.high / near.low > 1


@given(sizes)
def test_two_sizes_or_times_of_zero_show_no_law(n: list[int]) -> None:
    with pytest.raises(DataError, match="at least three sizes"):
        fit_power_law(n[:2], [1.0, 2.0])
    with pytest.raises(DataError, match="positive"):
        fit_power_law(n, [0.0] * len(n))


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(1, 2), st.floats(1, 2))
def test_errors_of_ratios_add_in_quadrature(a: float, b: float, f: float, g: float) -> None:
    ratio = Estimate(a, a / f, a * f) / Estimate(b, b / g, b * g)
    spread = math.exp(math.hypot(math.log(f), math.log(g)))
    assert ratio.value == pytest.approx(a / b)
    assert ratio.interval == pytest.approx((a / b / spread, a / b * spread))


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=20))
def test_summaries_lie_within_what_they_summarise(values: list[float]) -> None:
    middle = middle_of(values)
    assert min(values) <= middle.low <= middle.value <= middle.high <= max(values)
    whole = envelope([Estimate(v, 0.9 * v, 1.1 * v) for v in values])
    assert whole.low == pytest.approx(0.9 * min(values))
    assert whole.high == pytest.approx(1.1 * max(values))
    assert whole.low < whole.value < whole.high
