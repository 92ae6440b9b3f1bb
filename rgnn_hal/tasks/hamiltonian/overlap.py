"""Overlaps without a macro: two-centre integrals are functions of one distance.

    S_ij[L, M] = sum_n c_n R_n(r_ij) Y_LM(r_ij / |r_ij|),      S_ii constant

so a digital least-squares fit per (pair of elements, L) reproduces them to the accuracy of the
radial basis. It serves structures whose overlap nobody has computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.readout.ridge import solve_normal_equations
from rgnn_hal.structures import RadialBasis
from rgnn_hal.tasks.hamiltonian.blocks import BlockTensors, GroupKey, Kind
from rgnn_hal.tasks.hamiltonian.features import Geometry, two_centre

_RADIAL = 32
_STRENGTHS = (1e-14, 1e-13, 1e-12, 1e-10)
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class OverlapModel:
    """Coefficients (radial, targets) per group and kind; (1, targets) on one atom."""

    reach: float
    """Longest pair that was fitted, angstrom."""
    coefficients: Mapping[tuple[GroupKey, Kind], FloatArray]

    def blocks(self, tensors: BlockTensors, vectors: FloatArray) -> FloatArray:
        """Overlaps (count, n1, n2) of bonds (count, 3), angstrom."""
        key, count = tensors.key, len(vectors)
        geometry = _geometry(key, vectors, self.reach, tensors)
        found = {
            kind: _rows(key, kind, geometry, count) @ self.coefficients[key, kind]
            for kind in tensors.transforms
            if (key, kind) in self.coefficients
        }
        return tensors.blocks(found, count)


def fit_overlap(
    tensors: BlockTensors, vectors: FloatArray, blocks: FloatArray, reach: float
) -> dict[Kind, FloatArray]:
    """Coefficients of one group from bonds (count, 3) and overlaps (count, n1, n2)."""
    geometry = _geometry(tensors.key, vectors, reach, tensors)
    fitted = {}
    for kind in tensors.transforms:
        if kind[1] or (tensors.key.on_site and kind != (0, 0)):
            continue
        rows = _rows(tensors.key, kind, geometry, len(vectors))
        rows = rows.reshape(-1, rows.shape[2])
        targets = tensors.tensors(blocks, kind).reshape(len(rows), -1)
        fitted[kind] = _solve(rows, targets)
    return fitted


def _solve(rows: FloatArray, targets: FloatArray) -> FloatArray:
    gram, moments = rows.T @ rows, rows.T @ targets
    solutions = (solve_normal_equations(gram, moments, strength) for strength in _STRENGTHS)
    return next(solution for solution in solutions if solution is not None)


def _geometry(
    key: GroupKey, vectors: FloatArray, reach: float, tensors: BlockTensors
) -> Geometry | None:
    if key.on_site:
        return None
    top = max(degree for degree, _ in tensors.transforms)
    return Geometry.of(vectors, RadialBasis(1.2 * reach, _RADIAL, decay=0.0), top)


def _rows(key: GroupKey, kind: Kind, geometry: Geometry | None, count: int) -> FloatArray:
    if geometry is None:
        return np.ones((count, 1, 1))
    rows: FloatArray = two_centre(geometry, kind[0]).numpy()
    return rows
