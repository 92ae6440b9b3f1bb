import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rgnn_hal_firmware.randomness import NormalStream, Purpose, normal, uniform

CELLS = np.arange(200_000)
INTEGERS = st.integers(0, 2**64 - 1)


def test_draws_are_uniform_and_normal() -> None:
    assert stats.kstest(uniform(1, Purpose.CELL_READ, CELLS), "uniform").pvalue > 1e-3
    assert stats.kstest(normal(1, Purpose.CELL_READ, CELLS), "norm").pvalue > 1e-3


@pytest.mark.parametrize("other", ["cell", "event", "seed", "purpose"])
def test_draws_of_different_keys_are_independent(other: str) -> None:
    draw = normal(1, Purpose.CELL_READ, CELLS, 7)
    changed = {
        "cell": normal(1, Purpose.CELL_READ, CELLS + 1, 7),
        "event": normal(1, Purpose.CELL_READ, CELLS, 8),
        "seed": normal(2, Purpose.CELL_READ, CELLS, 7),
        "purpose": normal(1, Purpose.TRAP_STATE, CELLS, 7),
    }[other]
    assert abs(np.corrcoef(draw, changed)[0, 1]) < 4 / np.sqrt(CELLS.size)


@given(INTEGERS, st.sampled_from(Purpose), st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_a_draw_depends_on_its_own_cell_only(seed: int, purpose: Purpose, cells: list[int]) -> None:
    together = uniform(seed, purpose, np.array(cells), 3)
    apart = [uniform(seed, purpose, np.array([cell]), 3)[0] for cell in cells]
    np.testing.assert_array_equal(together, apart)


def test_draws_stay_the_same_for_ever() -> None:
    # Chips are identified by their seeds: other numbers here would be other chips.
    drawn = uniform(7, Purpose.BREAKDOWN_VOLTAGE, np.array([0, 1, 262143]), 5)
    np.testing.assert_allclose(
        drawn, [0.795705242275256, 0.5889966878107904, 0.39425061959700186], rtol=1e-15
    )
    stream = np.empty(3, np.float32)
    NormalStream(7, Purpose.PRODUCT_READ, 0, 512, 0, 512, 0).read(100_000, stream)
    np.testing.assert_allclose(stream, [-0.33065176, -1.0539471, -0.37422478], rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(INTEGERS, st.integers(0, 10**12), st.lists(st.integers(1, 40_000), min_size=1, max_size=8))
def test_a_stream_read_in_parts_is_the_stream(seed: int, start: int, parts: list[int]) -> None:
    whole = np.empty(sum(parts), np.float32)
    NormalStream(seed, Purpose.PRODUCT_READ, 1).read(start, whole)
    stream, position = NormalStream(seed, Purpose.PRODUCT_READ, 1), start
    for length in parts:
        part = np.empty(length, np.float32)
        stream.read(position, part)
        np.testing.assert_array_equal(part, whole[position - start :][:length])
        position += length


def test_a_stream_is_normal_far_into_its_tails() -> None:
    stream = np.empty(4_000_000, np.float32)
    NormalStream(5, Purpose.PRODUCT_READ, 1).read(0, stream)
    assert stream.mean(dtype=np.float64) == pytest.approx(0, abs=2e-3)
    assert stream.std(dtype=np.float64) == pytest.approx(1, abs=2e-3)
    assert stats.kurtosis(stream.astype(np.float64)) == pytest.approx(0, abs=0.01)
    for sd in (1.0, 2.0, 3.0, 4.0):
        expected = 2 * stats.norm.sf(sd) * stream.size
        assert np.sum(np.abs(stream) > sd) == pytest.approx(expected, abs=4.5 * expected**0.5)


def test_streams_of_different_keys_are_independent_normals() -> None:
    streams = np.empty((3, 100_000), np.float32)
    for row, key in zip(streams, [(1, 2), (2, 1), (1, 3)], strict=True):
        NormalStream(5, Purpose.PRODUCT_READ, *key).read(0, row)
        assert stats.kstest(row, "norm").pvalue > 1e-3
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(streams[one], streams[other])[0, 1]) < 4 / np.sqrt(100_000)
