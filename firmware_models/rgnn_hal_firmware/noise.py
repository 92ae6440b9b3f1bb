"""Read noise: white in every cell, and telegraph noise in some.

All formed cells have the same white sigma, whatever their conductance (RGNN: flat over |w| and over
G). Towards high resistance it is the *relative* noise that saturates (Ielmini et al., Appl. Phys.
Lett. 96, 053503 (2010)), so pristine cells are quiet:

    sigma(G) = white * min(1, G / quiet_below)

Telegraph amplitudes scale likewise, and no trap blocks more than its cell conducts. `Disturbed` is
a window's cells with all that disturbs them; slow noise of other kinds (1/f) enters there too.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ReadNoiseParameters
from rgnn_hal_firmware.telegraph import Traps
from rgnn_hal_firmware.window import Window

FloatArray = NDArray[np.floating[Any]]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Disturbed:
    """The cells of a window; arrays have its shape (rows, columns)."""

    at_rest: Values
    """Conductance, S."""
    sigma: Values
    """White noise of one read, S."""
    loudness: Values
    """sigma over that of formed cells: 0 ... 1."""
    fast: Traps
    slow: Traps

    @classmethod
    def of(
        cls,
        conductance: Values,
        window: Window,
        noise: ReadNoiseParameters,
        traps: tuple[Traps, Traps],
    ) -> Self:
        """The cells of `window` on a chip of `conductance` (S) with fast and slow `traps`."""
        at_rest = conductance[window.slices].copy()
        loudness = np.minimum(at_rest / noise.quiet_below, 1.0)
        fast, slow = (kind.inside(window) for kind in traps)
        return cls(at_rest, noise.white * loudness, loudness, fast, slow)

    def conductance(self, time: float) -> Values:
        """Shifted by the slow traps as they are at `time` (s), S; a copy."""
        shifted = self.at_rest.copy()
        shifted[self.slow.where] += self.slow.shift_at(time) * self._scale(self.slow)
        return shifted

    def variance(self) -> Values:
        """Of one read or one sample: white and fast traps, S^2."""
        variance = self.sigma**2
        variance[self.fast.where] += self.fast.variance * self._scale(self.fast) ** 2
        return variance

    def disturb(self, sums: Values, number: NDArray[np.integer], reads: int) -> None:
        """Add the fast traps' shifts to `sums` (S) of `reads` reads, the first of `number`."""
        shift = self.fast.shift_of_reads(number[self.fast.where], reads)
        sums[self.fast.where] += shift * self._scale(self.fast)

    def picked(self, where: NDArray[np.bool_]) -> Self:
        """The cells of the mask `where` in one row, for `disturb`."""
        place = np.cumsum(where).reshape(where.shape) - 1
        kept = where[self.fast.where]
        col = place[self.fast.where][kept]
        fast = self.fast.moved(kept, np.zeros_like(col), col)
        one_row = {
            name: getattr(self, name)[where][None] for name in ("at_rest", "sigma", "loudness")
        }
        return replace(self, fast=fast, **one_row)

    def _scale(self, traps: Traps) -> Values:
        """By how much each trap's amplitude is smaller than in a formed cell."""
        conducts = self.at_rest[traps.where] / traps.amplitude
        return np.minimum(self.loudness[traps.where], conducts)
