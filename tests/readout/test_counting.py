"""The dense algebra of readouts, which torch does not see, reports what it did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.cost import products, recording
from rgnn_hal.readout import SharedStatisticsBuilder, StatisticsBuilder
from rgnn_hal.readout.ridge import solve_ridge


@given(st.integers(1, 900), st.integers(1, 12))
def test_a_gram_matrix_takes_half_of_its_products(rows: int, columns: int) -> None:
    x = np.random.default_rng(0).normal(size=(rows, columns))
    with recording() as work:
        builder = StatisticsBuilder(columns)
        builder.add(x, x[:, 0])
        builder.finish()
    # X^T y, and the upper triangle of X^T X with its diagonal.
    assert work.digital == products(rows * columns + rows * columns * (columns + 1) // 2)


def test_many_targets_share_the_gram_matrix() -> None:
    x = np.random.default_rng(0).normal(size=(40, 6))
    with recording() as work:
        builder = SharedStatisticsBuilder(6, 5)
        builder.add(x, x[:, :5])
        builder.finish()
    assert work.digital == products(40 * 6 * 5 + 40 * 21)


def test_a_solve_costs_a_sixth_of_the_cube() -> None:
    x = np.random.default_rng(0).normal(size=(100, 30))
    builder = StatisticsBuilder(30)
    builder.add(x, x[:, 0])
    statistics = builder.finish()
    with recording() as work:
        solve_ridge(statistics, 1e-6)
    assert work.digital.macs == pytest.approx(30**3 / 6 + 30**2, rel=0.01)
