"""Intervals over structures hold what they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.macro import DataError
from rgnn_hal.reproduction.resampling import mean_of_structures

errors = st.lists(st.floats(0.01, 100), min_size=2, max_size=20)


@given(errors, st.booleans())
@settings(max_examples=30)
def test_an_interval_holds_the_mean_of_all_elements(sums: list[float], root: bool) -> None:
    found = mean_of_structures(sums, [2.0] * len(sums), root=root)
    mean = sum(sums) / (2.0 * len(sums))
    assert found.value == pytest.approx(mean**0.5 if root else mean)
    assert 0 <= found.low <= found.value * (1 + 1e-12) and found.value <= found.high * (1 + 1e-12)


def test_many_equal_structures_give_the_standard_error() -> None:
    values = np.random.default_rng(1).normal(10.0, 2.0, size=400)
    found = mean_of_structures(values.tolist(), [1.0] * 400)
    assert (found.high - found.low) / 2 == pytest.approx(2.0 / 20, rel=0.15)


def test_two_of_three_intervals_of_few_structures_hold_the_truth() -> None:
    draw, held = np.random.default_rng(2), 0
    for seed in range(200):
        sample = draw.normal(10.0, 2.0, size=4)
        found = mean_of_structures(sample.tolist(), [1.0] * 4, seed=seed)
        held += found.low <= 10.0 <= found.high
    assert 0.5 < held / 200 < 0.75


def test_one_structure_has_no_spread() -> None:
    with pytest.raises(DataError, match="at least two"):
        mean_of_structures([1.0], [1.0])
