"""Endurance: what pulses wear out.

With n cycles behind it, two pulses each, a cell reaches less in SET and keeps more in RESET, until
at its own number of cycles N it stays where it is:

    G_c -> G_c (1 + n / n_0)^-b_LRS,    G_floor -> G_floor (1 + n / n_0)^b_HRS
    ln N normal over cells

n_0 = 2e4 and b_LRS = 0.044 follow the trend measured on a real chip: LRS 93 -> 90 -> 81 -> 77 uS
over 1e4 ... 1e6 cycles and more, HRS up by a third (NI-RRAM 1us_endurance.tsv).
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normals_of_all

Values = NDArray[np.float64]
Cells = NDArray[np.int64]
Events = NDArray[np.uint32]

_PULSES_PER_CYCLE = 2
_YOUNG = 1 << 12
"""Pulses up to which wear is looked up: most cells never see more."""


class Endurance:
    """The wear of one chip's cells; `pulses` are those that each cell has behind it."""

    def __init__(self, parameters: ChipParameters, seed: int) -> None:
        self._endurance = parameters.endurance
        self._count = parameters.array.rows * parameters.array.cols
        self._seed = seed
        young = np.arange(_YOUNG, dtype=np.uint32)
        self._young = {exponent: self._power(young, exponent) for exponent in self._exponents}

    def compliance(self, pulses: Events) -> Values:
        """G_c over that of a fresh cell."""
        return self._factor(pulses, self._exponents[0])

    def floor(self, pulses: Events) -> Values:
        """G_floor over that of a fresh cell."""
        return self._factor(pulses, self._exponents[1])

    def alive(self, cells: Cells, pulses: Events) -> NDArray[np.bool_] | None:
        """Whether `cells` (flat indices) still answer; None where all of them do."""
        lifetime, weakest = self._lifetime
        if not pulses.size or pulses.max() < weakest:
            return None
        return np.asarray(pulses < lifetime[cells])

    @cached_property
    def _lifetime(self) -> tuple[NDArray[np.float32], float]:
        """Pulses that each cell lives for, flat, and the fewest of them."""
        draw = normals_of_all(self._seed, Purpose.LIFETIME, self._count)
        cycles = np.exp(self._endurance.lifetime_sigma * draw.astype(np.float64))
        cycles *= self._endurance.lifetime_median * _PULSES_PER_CYCLE
        pulses = cycles.astype(np.float32)
        return pulses, float(pulses.min())

    @property
    def _exponents(self) -> tuple[float, float]:
        return -self._endurance.lrs_exponent, self._endurance.hrs_exponent

    def _factor(self, pulses: Events, exponent: float) -> Values:
        if pulses.size and pulses.max() < _YOUNG:
            return np.asarray(self._young[exponent].take(pulses))
        return self._power(pulses, exponent)

    def _power(self, pulses: Events, exponent: float) -> Values:
        worn = pulses / (_PULSES_PER_CYCLE * self._endurance.onset_cycles)
        np.log1p(worn, out=worn)
        worn *= exponent
        return np.asarray(np.exp(worn, out=worn))
