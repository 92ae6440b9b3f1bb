"""1/f noise: the slow wandering of every conductance about where it is at rest.

    G(t) = G (1 + sum_k s_k z_k(t)),    S_G(f) / G^2 = A f^-gamma

z_k holds a standard normal number for a time T_k, then another: Voss and McCartney's sum (Gardner,
Sci. Am. 238(4), 16 (1978)). Such a process has the spectrum 2 T_k sinc^2(f T_k); with T_k = 4^k T_0
and s_k^2 = c T_k^(gamma - 1) they add up to

    A = 2 c / ln 4 * integral x^(gamma - 1) sinc^2(x) dx

between 1 / T_last and 1 / T_0. The numbers are drawn for (cell, k, interval): the state at any time
is computed, nothing is stored for it, and all that looks at a cell at one time sees the same. As
amplitudes are relative, the noise depends on the state; values: a cell of 93 uS, read every 47 ms,
has 1.4e-5 / Hz (f / Hz)^-0.82 in all (NI-RRAM ret1.csv, 0.02-1 Hz). Most of that at 1 Hz is the
white noise of its reads, 1.3e-5 / Hz; without it A = 3.6e-6 / Hz and gamma = 1.35 +- 0.08.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma as gamma_function

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, cell_bits, further_bits, normal_of, uniform

_RATIO = 4.0
_END_OF_TIME = 1e12
"""s; later than this nothing moves, which keeps interval numbers within int64."""
_QUICK = 2
"""Terms that are remembered one by one, and the others together: as a rule only the fastest change
from one look to the next."""
_BLOCK = 1 << 14

Values = NDArray[np.float64]
Cells = NDArray[np.int64]


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
        self._seed = seed
        cells = parameters.array.rows * parameters.array.cols
        split = np.split(np.arange(count), range(1, _QUICK + 1))
        self._parts = [_Part(terms, cells) for terms in split if terms.size]

    @property
    def active(self) -> bool:
        """Whether there is any."""
        return bool(self._amplitudes.any())

    @property
    def relative_rms(self) -> float:
        """sd of a conductance over all times, relative to it."""
        return float(np.sqrt(np.sum(self._amplitudes**2)))

    def relative_shift(self, cells: Cells, time: float) -> NDArray[np.float32]:
        """(G(t) - G) / G of each of `cells` (flat indices) at `time` (s)."""
        intervals = np.floor(min(time, _END_OF_TIME) / self._durations + self._phases)
        shift = np.zeros(cells.shape, np.float32)
        for part in self._parts:
            stale = part.stale(cells, intervals)
            for start in range(0, stale.size, _BLOCK):
                some = stale[start : start + _BLOCK]
                part.remember(some, self._draw(some, part.terms, intervals))
            shift += part.shift[cells]
        return shift

    def _draw(self, cells: Cells, terms: NDArray[np.intp], intervals: Values) -> Values:
        """Sum of some terms."""
        total, bits = np.zeros(cells.shape), cell_bits(self._seed, Purpose.FLICKER, cells)
        for k in terms:
            draw = normal_of(further_bits(bits, int(intervals[k]) * 64 + int(k) + 1))
            draw *= self._amplitudes[k]
            total += draw
        return total


class _Part:
    """The sum of some terms of every cell, as far as it was asked for."""

    def __init__(self, terms: NDArray[np.intp], cells: int) -> None:
        self.terms = terms
        self.shift = np.zeros(cells, np.float32)
        self._drawn = np.zeros(cells, np.uint32)
        self._intervals = np.full(terms.size, np.nan)
        self._now = 0

    def stale(self, cells: Cells, intervals: Values) -> Cells:
        """Those of `cells` whose sum is not that of `intervals`."""
        if not np.array_equal(self._intervals, intervals[self.terms]):
            self._intervals = intervals[self.terms]
            self._now += 1
        stale: Cells = cells[self._drawn[cells] != self._now]
        return stale

    def remember(self, cells: Cells, shift: Values) -> None:
        """`shift` is the sum of `cells`."""
        self.shift[cells] = shift
        self._drawn[cells] = self._now


def _sinc_moment(exponent: float) -> float:
    """Integral of x^(exponent - 1) (sin(pi x) / (pi x))^2 over x > 0, for 0 < exponent < 2."""
    power = exponent - 2.0
    if abs(power + 1.0) < 1e-6:  # the gamma function has a pole where the cosine is zero
        return 0.5
    value = -gamma_function(power) * np.cos(power * np.pi / 2) / 2 ** (power + 1)
    return float(value * np.pi ** (-power - 2))
