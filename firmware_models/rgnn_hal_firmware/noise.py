"""White read noise: independent in every cell and every read, additive.

Formed cells all have the same sigma, whatever their conductance (RGNN: flat over |w| and over G).
Towards high resistance it is the *relative* noise that saturates (Ielmini et al., Appl. Phys. Lett.
96, 053503 (2010)), so pristine cells are quiet:

    sigma(G) = white * min(1, G / quiet_below)

The noise of a product's current is exactly normal with variance sum_r v_r^2 sigma(G_rc)^2. As sigma
is the same in all but the few quiet cells, this is a sum over v^2 minus a product with the quiet
cells' rows and columns only, instead of a second full matrix product.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
_RESOLUTION = 4096.0


def loudness(conductance: NDArray[np.float64], quiet_below: float) -> NDArray[np.float64]:
    """sigma(G) over the sigma of formed cells: 0 ... 1, the shape of `conductance` (S)."""
    ratio: NDArray[np.float64] = np.clip(conductance / quiet_below, 0.0, 1.0)
    return ratio


@dataclass(frozen=True)
class NoiseShape:
    """Which cells of a window are quieter than formed ones, for products."""

    driven: NDArray[np.intp]
    """Driven lines with a quiet cell, (d,)."""
    sensed: NDArray[np.intp]
    """Sensed lines with a quiet cell, (s,)."""
    reduction: FloatArray
    """1 - (sigma / white)^2 of their crossings, (d, s)."""

    @classmethod
    def of(cls, relative_sigma: NDArray[np.float64], dtype: np.dtype[Any]) -> "NoiseShape":
        """From sigma / white of a window, (driven, sensed)."""
        # Rounded to 12 bits so that float64 sums over DAC codes are exact in any order.
        reduction = np.rint((1.0 - relative_sigma**2) * _RESOLUTION) / _RESOLUTION
        quiet = reduction > 0
        driven, sensed = np.flatnonzero(quiet.any(axis=1)), np.flatnonzero(quiet.any(axis=0))
        block = reduction[np.ix_(driven, sensed)].astype(dtype)
        return cls(driven, sensed, block)

    def deviation(self, voltage: FloatArray, sensed: int) -> FloatArray:
        """sqrt(sum_r v_r^2 (sigma / white)^2), unit of v.

        (batch, `sensed`), or (batch, 1) where all sensed lines are equal.
        """
        square = voltage * voltage
        total: FloatArray = square.sum(axis=1, keepdims=True)
        if not self.driven.size:
            return np.sqrt(total, out=total)
        deviation = np.empty((voltage.shape[0], sensed), voltage.dtype)
        deviation[:] = np.sqrt(total)
        quiet = square.take(self.driven, axis=1) @ self.reduction
        np.subtract(total, quiet, out=quiet)
        np.maximum(quiet, 0.0, out=quiet)
        deviation[:, self.sensed] = np.sqrt(quiet, out=quiet)
        return deviation
