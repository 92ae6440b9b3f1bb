"""BLAS is called by address: whatever does not fit is refused before it writes anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.readout.rank_update import add_gram


@given(rows=st.integers(0, 40), columns=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_the_upper_triangle_grows_by_the_gram_matrix(rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    block, before = random.standard_normal((rows, columns)), random.standard_normal((columns,) * 2)
    gram = before.copy(order="F")
    add_gram(block, gram)
    np.testing.assert_allclose(np.triu(gram - before), np.triu(block.T @ block), atol=1e-12)
    np.testing.assert_array_equal(np.tril(gram, -1), np.tril(before, -1))


GRAM = np.zeros((4, 4), order="F")


@pytest.mark.parametrize(
    ("block", "gram"),
    [
        (np.ones((3, 4), dtype=np.float32), GRAM),
        (np.ones((4, 3)).T, GRAM),
        (np.ones((3, 8))[:, ::2], GRAM),
        (np.ones((3, 5)), GRAM),
        (np.ones((3, 4)), np.zeros((4, 4), order="C")),
        (np.ones((3, 4)), np.zeros((4, 4), dtype=np.float32, order="F")),
        (np.ones((3, 4)), np.zeros((8, 4), order="F")[:4]),
    ],
)
def test_what_does_not_fit_is_refused(block: np.ndarray, gram: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Gram matri"):
        add_gram(block, gram)
    assert not gram.any()
