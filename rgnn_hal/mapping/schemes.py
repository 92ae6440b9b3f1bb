"""Differential schemes: how signed weights live in conductances, which are never negative.

A scheme is a linear map D along the column axis: weights = G D, and because the crossbar is linear,
outputs = currents D with the same D. Backwards, voltages x D^T on the columns make currents
G D x = weights x on the rows. Three schemes, for `n` outputs:

* neighbour, w_j = G_(j+1) - G_j, n + 1 columns: what the paper's chip data are (half the cells of
  pairs; neighbouring weights share a cell, so they correlate by -0.5, and so does their noise),
* pair, w_j = G_(2j) - G_(2j+1), 2 n columns: independent weights,
* reference, w_j = G_j - G_n, n + 1 columns: one shared column, whose noise is common to all.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import LimitError, Range
from rgnn_hal.macro.checks import FloatArray, float_array


@dataclass(frozen=True)
class Scheme:
    """One way to write signed weights as differences of conductances."""

    name: str
    columns: Callable[[int], int]
    """Physical columns for a number of outputs."""
    difference: Callable[[FloatArray], FloatArray]
    """D along the last axis: (..., columns) conductances or currents -> (..., outputs)."""
    spread: Callable[[FloatArray], FloatArray]
    """D^T along the last axis: (..., outputs) -> (..., columns), what columns are driven with."""
    _split: Callable[[NDArray[np.float64], Range], NDArray[np.float64]]

    def outputs(self, columns: int) -> int:
        """Most outputs that fit into a number of physical columns."""
        return max(bisect_right(range(columns + 1), columns, key=self.columns) - 1, 0)

    def conductances(self, weights: NDArray[np.float64], window: Range) -> NDArray[np.float64]:
        """Conductances (rows, columns), S, whose differences are `weights` (rows, outputs), S.

        Raises:
            LimitError: the weights need conductances outside `window`, naming the scale that fits.
        """
        weights = float_array("weights", weights).astype(np.float64, copy=False)
        if not np.isfinite(weights).all():
            raise LimitError("weights hold NaN or infinity; every weight must be a finite number")
        conductance = self._split(weights, window)
        needed = float(np.ptp(conductance, axis=-1).max(initial=0.0))
        available = window.high - window.low
        # 1e-9: rounding of sums must not refuse weights that use the window to its very ends.
        if conductance.min(initial=window.low) < window.low - 1e-9 * available or (
            conductance.max(initial=window.high) > window.high + 1e-9 * available
        ):
            raise LimitError(
                f"scheme {self.name} needs conductances that span {needed:g} S in one row, the "
                f"window {window.low:g} ... {window.high:g} S offers {available:g} S; "
                f"scale the weights by {0.999 * available / needed:.4g} or less"
            )
        return np.clip(conductance, window.low, window.high)


def _split_pair(weights: NDArray[np.float64], window: Range) -> NDArray[np.float64]:
    # One cell of each pair stays at the low end: read noise and read energy grow with conductance.
    conductance = np.empty((*weights.shape[:-1], 2 * weights.shape[-1]))
    conductance[..., 0::2] = window.low + np.maximum(weights, 0.0)
    conductance[..., 1::2] = window.low + np.maximum(-weights, 0.0)
    return conductance


def _split_neighbour(weights: NDArray[np.float64], window: Range) -> NDArray[np.float64]:
    steps = np.concatenate([np.zeros((*weights.shape[:-1], 1)), np.cumsum(weights, axis=-1)], -1)
    lifted: NDArray[np.float64] = steps - steps.min(axis=-1, keepdims=True) + window.low
    return lifted


def _split_reference(weights: NDArray[np.float64], window: Range) -> NDArray[np.float64]:
    levels = np.concatenate([weights, np.zeros((*weights.shape[:-1], 1))], axis=-1)
    lifted: NDArray[np.float64] = levels - levels.min(axis=-1, keepdims=True) + window.low
    return lifted


def _spread_pair(x: FloatArray) -> FloatArray:
    return np.stack([x, -x], axis=-1).reshape(*x.shape[:-1], -1)


def _spread_neighbour(x: FloatArray) -> FloatArray:
    end = np.zeros_like(x[..., :1])
    return -np.diff(x, axis=-1, prepend=end, append=end)


def _spread_reference(x: FloatArray) -> FloatArray:
    return np.concatenate([x, -x.sum(axis=-1, keepdims=True)], axis=-1)


NEIGHBOUR = Scheme(
    "neighbour",
    lambda n: n + 1,
    lambda x: x[..., 1:] - x[..., :-1],
    _spread_neighbour,
    _split_neighbour,
)
PAIR = Scheme(
    "pair", lambda n: 2 * n, lambda x: x[..., 0::2] - x[..., 1::2], _spread_pair, _split_pair
)
REFERENCE = Scheme(
    "reference",
    lambda n: n + 1,
    lambda x: x[..., :-1] - x[..., -1:],
    _spread_reference,
    _split_reference,
)

SCHEMES: Mapping[str, Scheme] = {scheme.name: scheme for scheme in (NEIGHBOUR, PAIR, REFERENCE)}
"""Every scheme by its name."""
