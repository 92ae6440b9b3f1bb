import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.readout import Statistics, StatisticsBuilder


def random_rows(rows: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, columns)), rng.standard_normal(rows)


def collect(rows: np.ndarray, targets: np.ndarray, pieces: int = 1) -> Statistics:
    builder = StatisticsBuilder(rows.shape[1])
    for part in np.array_split(np.arange(len(rows)), pieces):
        builder.add(rows[part], targets[part])
    return builder.finish()


def test_the_sums_are_those_of_the_whole_matrix() -> None:
    rows, targets = random_rows(1300, 7)
    statistics = collect(rows, targets, pieces=9)
    np.testing.assert_allclose(np.triu(statistics.gram), np.triu(rows.T @ rows), rtol=1e-12)
    np.testing.assert_allclose(statistics.moment, rows.T @ targets, rtol=1e-11)
    np.testing.assert_allclose(statistics.square, targets @ targets)
    assert statistics.rows == 1300


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(1, 39), seed=st.integers(0, 1000))
def test_the_statistics_of_two_shards_add_to_those_of_all_rows(cut: int, seed: int) -> None:
    rows, targets = random_rows(40, 5, seed)
    merged = collect(rows[:cut], targets[:cut]) + collect(rows[cut:], targets[cut:])
    whole = collect(rows, targets)
    np.testing.assert_allclose(merged.gram, whole.gram, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(merged.moment, whole.moment, rtol=1e-12, atol=1e-13)
    assert merged.rows == whole.rows


def test_the_mean_square_error_needs_no_rows() -> None:
    rows, targets = random_rows(60, 5)
    readout = np.random.default_rng(1).standard_normal(5)
    expected = np.mean((rows @ readout - targets) ** 2)
    np.testing.assert_allclose(collect(rows, targets).mean_square_error(readout), expected)


def test_memory_does_not_grow_with_the_number_of_rows() -> None:
    def peak(batches: int) -> int:
        rows, targets = random_rows(100, 200)
        tracemalloc.start()
        builder = StatisticsBuilder(200)
        for _ in range(batches):
            builder.add(rows, targets)
        builder.finish()
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return high

    assert peak(60) < 1.05 * peak(12)


def test_rows_handed_over_may_be_overwritten_by_the_caller() -> None:
    rows, targets = random_rows(30, 4)
    expected = collect(rows, targets)
    builder = StatisticsBuilder(4)
    buffer = rows.copy()
    builder.add(buffer, targets)
    buffer[:] = np.nan
    np.testing.assert_array_equal(builder.finish().gram, expected.gram)


def test_blocks_of_any_size_sum_up_alike() -> None:
    rows = np.random.default_rng(3).standard_normal((1500, 5))
    sums = []
    for sizes in ((1500,), (1, 600, 899), (100,) * 15):
        builder = StatisticsBuilder(5)
        for block in np.split(rows, np.cumsum(sizes)[:-1]):
            builder.add(block, block[:, 0])
        sums.append(builder.finish())
    for other in sums[1:]:
        np.testing.assert_allclose(np.triu(other.gram), np.triu(sums[0].gram), rtol=1e-12)
        assert other.rows == 1500
