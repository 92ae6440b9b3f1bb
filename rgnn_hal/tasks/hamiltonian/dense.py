"""A molecule's dense matrix, or a crystal's at Gamma, as padded blocks of pairs, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.tasks.hamiltonian.orbitals import OrbitalBasis
from rgnn_hal.tasks.hamiltonian.pairlist import PairList

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def blocks_of_dense(
    matrix: NDArray[Any], basis: OrbitalBasis, numbers: IntArray, pairs: PairList
) -> FloatArray:
    """Padded blocks (pairs, n, n) of a molecule's dense matrix."""
    places, present = _places(basis, numbers)
    rows, columns = places[pairs.first], places[pairs.second]
    blocks = np.asarray(matrix, dtype=np.float64)[rows[:, :, None], columns[:, None, :]]
    keep = present[pairs.first][:, :, None] & present[pairs.second][:, None, :]
    return np.asarray(np.where(keep, blocks, 0.0))


def dense_of_blocks(
    blocks: FloatArray, basis: OrbitalBasis, numbers: IntArray, pairs: PairList
) -> FloatArray:
    """The whole matrix of a molecule, or a crystal's at Gamma; both halves, exactly hermitian."""
    places, present = _places(basis, numbers)
    size = int(basis.offsets(numbers)[-1])
    dense = np.zeros((size, size))
    keep = present[pairs.first][:, :, None] & present[pairs.second][:, None, :]
    rows = np.broadcast_to(places[pairs.first][:, :, None], keep.shape)[keep]
    columns = np.broadcast_to(places[pairs.second][:, None, :], keep.shape)[keep]
    # On-site blocks hold both halves already: half of each, twice.
    half = np.where(pairs.on_site, 0.5, 1.0)[:, None, None] * blocks
    np.add.at(dense, (rows, columns), half[keep])
    return dense + dense.T


def _places(basis: OrbitalBasis, numbers: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """Index of every orbital of every atom, padded with 0, and which exist: (atoms, n) both."""
    offsets = basis.offsets(numbers)
    column = np.arange(basis.largest)
    present = column < np.diff(offsets)[:, None]
    return np.where(present, offsets[:-1, None] + column, 0), present
