import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.readout import NoiseStatistics, StatisticsBuilder
from rgnn_hal.readout.packed import pack_noise, pack_statistics, unpack_noise, unpack_statistics


@given(columns=st.integers(1, 9), rows=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_packed_statistics_come_back_to_the_bit_and_take_half(
    columns: int, rows: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    builder = StatisticsBuilder(columns)
    builder.add(rng.standard_normal((rows, columns)), rng.standard_normal(rows))
    statistics = builder.finish()
    packed = pack_statistics(statistics)
    found = unpack_statistics(packed)
    assert packed["gram"].size == columns * (columns + 1) // 2
    np.testing.assert_array_equal(np.triu(found.gram), np.triu(statistics.gram))
    np.testing.assert_array_equal(found.moment, statistics.moment)
    assert (found.square, found.rows) == (statistics.square, statistics.rows)
    assert found.gram.flags.f_contiguous


def test_packed_noise_comes_back() -> None:
    groups = np.array([[0, 2], [1, 3]])
    noise = NoiseStatistics.empty(groups).with_rows(np.arange(12.0).reshape(3, 4))
    found = unpack_noise(pack_noise(noise))
    np.testing.assert_array_equal(found.covariance, noise.covariance)
    np.testing.assert_array_equal(found.groups, groups)
    assert found.rows == 3


def test_a_truncated_triangle_is_refused() -> None:
    arrays = {"gram": np.zeros(5), "moment": np.zeros(3), "counted": np.zeros(2)}
    with pytest.raises(ValueError, match="no triangle of 3"):
        unpack_statistics(arrays)
