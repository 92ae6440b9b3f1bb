"""Pulses that the multiplexer keeps apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from rgnn_hal_firmware.multiplexer import turns


@given(
    arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40)),
    st.integers(min_value=1, max_value=12),
)
def test_cells_of_a_row_and_a_position_take_one_turn(
    mask: NDArray[np.bool_], positions: int
) -> None:
    rows, columns = np.nonzero(mask)
    expected = len({(row, column % positions) for row, column in zip(rows, columns, strict=True)})
    assert turns(mask, positions) == expected
