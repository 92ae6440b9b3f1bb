"""1/f noise: the slow wandering of every conductance about where it is at rest.

    G(t) = G (1 + sum_k s_k z_k(t)),    S_G(f) / G^2 = A f^-gamma

z_k holds a standard normal number for a time T_k, then another: Voss and McCartney's sum (Gardner,
Sci. Am. 238(4), 16 (1978)). Such a process has the spectrum 2 T_k sinc^2(f T_k); with T_k = 4^k T_0
and s_k^2 = c T_k^(gamma - 1) they add up to

    A = 2 c / ln 4 * integral x^(gamma - 1) sinc^2(x) dx

between 1 / T_last and 1 / T_0. The numbers are drawn for (cell, k, interval): the state at any time
is computed, nothing is stored for it, and all that looks at a cell at one time sees the same. As
amplitudes are relative, the noise depends on the state; values: a cell of 93 uS has
A = 1.4e-5 / Hz^0.18 and gamma = 0.82 (NI-RRAM ret1.csv).
"""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma as gamma_function

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal, uniform
from rgnn_hal_firmware.window import Window

_RATIO = 4.0
_END_OF_TIME = 1e12
"""s; later than this nothing moves, which keeps interval numbers within int64."""
_KEPT = 2
"""Windows of which the latest numbers are kept."""

Values = NDArray[np.float64]


class Flicker:
    """The 1/f noise of one chip's cells."""

    def __init__(self, parameters: ChipParameters, seed: int) -> None:
        flicker = parameters.flicker
        shortest, longest = flicker.time_constants
        count = 1 + round(np.log(longest / shortest) / np.log(_RATIO))
        self._durations: Values = shortest * _RATIO ** np.arange(count)
        exponent = flicker.exponent
        scale = flicker.relative_density * np.log(_RATIO) / (2 * _sinc_moment(exponent))
        self._amplitudes: Values = np.sqrt(scale * self._durations ** (exponent - 1))
        self._phases = uniform(seed, Purpose.FLICKER, np.arange(count))
        self._cols = parameters.array.cols
        self._seed = seed
        self._kept: OrderedDict[Window, tuple[Values, NDArray[np.float32]]] = OrderedDict()

    @property
    def active(self) -> bool:
        """Whether there is any."""
        return bool(self._amplitudes.any())

    @property
    def relative_rms(self) -> float:
        """sd of a conductance over all times, relative to it."""
        return float(np.sqrt(np.sum(self._amplitudes**2)))

    def relative_shift(self, window: Window, time: float) -> NDArray[np.float32]:
        """(G(t) - G) / G of each cell of `window` at `time` (s)."""
        intervals = np.floor(min(time, _END_OF_TIME) / self._durations + self._phases)
        if window not in self._kept:
            parts = np.empty((intervals.size, *window.shape), np.float32)
            self._kept[window] = np.full(intervals.size, np.nan), parts
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(window)
        drawn, parts = self._kept[window]
        # Time passes little from one look to the next: as a rule only the fastest parts are new.
        cells = window.cells(self._cols)
        for k in np.flatnonzero(drawn != intervals):
            event = int(intervals[k]) * 64 + int(k) + 1
            parts[k] = normal(self._seed, Purpose.FLICKER, cells, event)
            parts[k] *= self._amplitudes[k]
        drawn[:] = intervals
        shift: NDArray[np.float32] = parts.sum(axis=0)
        return shift


def _sinc_moment(exponent: float) -> float:
    """Integral of x^(exponent - 1) (sin(pi x) / (pi x))^2 over x > 0, for 0 < exponent < 2."""
    power = exponent - 2.0
    if abs(power + 1.0) < 1e-6:  # the gamma function has a pole where the cosine is zero
        return 0.5
    value = -gamma_function(power) * np.cos(power * np.pi / 2) / 2 ** (power + 1)
    return float(value * np.pi ** (-power - 2))
