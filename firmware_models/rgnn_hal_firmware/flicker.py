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
from rgnn_hal_firmware.randomness import CellBits, Purpose, normal_of, uniform
from rgnn_hal_firmware.span import span

_RATIO = 4.0
_END_OF_TIME = 1e12
"""s; later than this nothing moves, which keeps interval numbers within int64."""
_LEVELS = 3
"""Sums that are remembered: of all terms, of all but the fastest, of all but the two fastest. As a
rule only the fastest change from one look to the next."""

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
        cells = parameters.array.rows * parameters.array.cols
        self._bits = CellBits(seed, Purpose.FLICKER, cells)
        self._sums = [_Sum(first, cells) for first in range(min(_LEVELS, count))]

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
        return self._sum(0, cells, span(cells), intervals)

    def _sum(
        self, first: int, cells: Cells, place: slice | Cells, intervals: Values
    ) -> NDArray[np.float32]:
        """Of the terms from number `first` on; `place` picks `cells` from an array of all."""
        kept, slower = self._sums[first], first + 1
        stale = kept.stale(place, intervals)
        if stale.size:
            where = place
            if stale.size < cells.size:
                cells = where = cells[stale]
            last = slower == len(self._sums)
            total = self._draw(cells, range(first, intervals.size if last else slower), intervals)
            if not last:
                total += self._sum(slower, cells, where, intervals)
            kept.remember(where, total)
        return kept.shift[place]

    def _draw(self, cells: Cells, terms: range, intervals: Values) -> Values:
        """Sum of some terms."""
        total = np.zeros(cells.shape)
        for k in terms:
            draw = normal_of(self._bits.draw(cells, int(intervals[k]) * 64 + k + 1))
            draw *= self._amplitudes[k]
            total += draw
        return total


class _Sum:
    """The sum of the terms from number `first` on, of every cell, as far as it was asked for."""

    def __init__(self, first: int, cells: int) -> None:
        self.shift = np.zeros(cells, np.float32)
        self._first = first
        self._intervals: Values = np.empty(0)
        self._now = 0
        self._drawn = np.zeros(cells, np.uint32)

    def stale(self, cells: slice | Cells, intervals: Values) -> Cells:
        """The places among `cells` of those whose sum is not that of `intervals`."""
        if not np.array_equal(self._intervals, intervals[self._first :]):
            self._intervals = intervals[self._first :]
            self._now += 1
        return np.flatnonzero(self._drawn[cells] != self._now)

    def remember(self, cells: slice | Cells, shift: Values) -> None:
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
