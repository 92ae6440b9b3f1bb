"""Read noise: white and 1/f in every cell, and telegraph noise in some.

All formed cells have the same white sigma, whatever their conductance (RGNN: flat over |w| and over
G). Towards high resistance it is the *relative* noise that saturates (Ielmini et al., Appl. Phys.
Lett. 96, 053503 (2010)), so pristine cells are quiet:

    sigma(G) = white * min(1, G / quiet_below)

1/f noise and slow traps are state: they move with the time and do not average out within a read.
Telegraph amplitudes scale likewise, and no trap blocks more than its cell conducts. `Disturbances`
are all of one chip, `Disturbed` a window's cells with all that moves and disturbs them.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.cell_parameters import ReadNoiseParameters
from rgnn_hal_firmware.conduction import Conduction
from rgnn_hal_firmware.flicker import Flicker
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.relaxation import Relaxation
from rgnn_hal_firmware.state import ChipState
from rgnn_hal_firmware.telegraph import Traps
from rgnn_hal_firmware.thermal import Thermal
from rgnn_hal_firmware.window import Window

FloatArray = NDArray[np.floating[Any]]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Disturbances:
    """All that disturbs one chip's cells."""

    noise: ReadNoiseParameters
    fast: Traps
    slow: Traps
    refresh: float
    """Grid of chip time on which slow traps move, s."""
    relaxation: Relaxation
    flicker: Flicker
    conduction: Conduction
    thermal: Thermal

    @classmethod
    def of(
        cls, parameters: ChipParameters, seed: int, relaxation: Relaxation, thermal: Thermal
    ) -> Self:
        """The chip's own."""
        refresh = parameters.telegraph.refresh
        fast, slow = Traps.of(parameters, seed).split(refresh)
        return cls(
            noise=parameters.read_noise,
            fast=fast,
            slow=slow,
            refresh=refresh,
            relaxation=relaxation,
            flicker=Flicker(parameters, seed),
            conduction=Conduction(parameters),
            thermal=thermal,
        )

    def inside(self, window: Window, state: ChipState) -> "Disturbed":
        """The cells of `window` on a chip in `state`."""
        at_rest = state.conductance[window.slices].copy()
        loudness = np.minimum(at_rest / self.noise.quiet_below, 1.0)
        return Disturbed(
            at_rest=at_rest,
            sigma=self.noise.white * loudness,
            loudness=loudness,
            fast=self.fast.inside(window),
            slow=self.slow.inside(window),
            window=window,
            state=state,
            chip=self,
        )


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
    window: Window
    state: ChipState
    """Of the chip when the cells were pulsed last."""
    chip: Disturbances

    @property
    def moves(self) -> bool:
        """Whether `conductance` depends on the time."""
        chip = self.chip
        return bool(self.slow.cell.size) or chip.relaxation.active or chip.flicker.active

    def conductance(self, time: float) -> Values:
        """Relaxed, with 1/f noise and slow traps, as the cells are at `time` (s), S; a copy."""
        present = self.at_rest + self.chip.relaxation.shift(self.state, self.window, time)
        if self.chip.flicker.active:
            present += self.at_rest * self.chip.flicker.relative_shift(self.window, time)
        if self.slow.cell.size:
            step = np.floor(time / self.chip.refresh) * self.chip.refresh
            present[self.slow.where] += self.slow.shift_at(step) * self._scale(self.slow)
        factor = self.chip.thermal.factor(self.at_rest, self.window)
        return present if factor is None else present * factor

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
