"""Error bars of correlated chains.

Averages over blocks of L consecutive steps of one walker become independent once L exceeds the
autocorrelation time, and the standard error estimated from them stops rising (Flyvbjerg and
Petersen, J. Chem. Phys. 91, 461 (1989)). Many walkers give many blocks even at the longest L, so
the plateau is read off where the error bar of the error bar still allows it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST_BLOCKS = 32


@dataclass(frozen=True)
class Blocked:
    """A mean with its error."""

    mean: float
    standard_error: float
    autocorrelation: float
    """Integrated autocorrelation time, steps: samples per independent sample; 1 if independent."""


def blocked(chains: NDArray[np.float64]) -> Blocked:
    """The mean of `chains` (steps, walkers) and its standard error."""
    chains = np.asarray(chains, dtype=np.float64)
    mean, naive, best = float(chains.mean()), 0.0, 0.0
    blocks = chains
    while blocks.size >= min(_LEAST_BLOCKS, chains.size):
        error = float(blocks.std(ddof=1) / math.sqrt(blocks.size)) if blocks.size > 1 else math.nan
        naive = naive or error
        best = max(best, error)
        even = len(blocks) // 2
        if even == 0:
            break
        blocks = 0.5 * (blocks[: 2 * even : 2] + blocks[1 : 2 * even : 2])
    time = (best / naive) ** 2 if naive > 0 else 1.0
    return Blocked(mean, best, time)
