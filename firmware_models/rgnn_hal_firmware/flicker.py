"""1/f noise: the slow wandering of every conductance about where it is at rest.

    G(t) = G (1 + sum_k s_k z_k(t)),    S_G(f) / G^2 = A f^-gamma

z_k holds a standard normal number for a time T_k, then another: Voss and McCartney's sum (Gardner,
Sci. Am. 238(4), 16 (1978)). Such a process has the spectrum 2 T_k sinc^2(f T_k); with T_k = 4^k T_0
and s_k^2 = c T_k^(gamma - 1) they add up to

    A = 2 c / ln 4 * integral x^(gamma - 1) sinc^2(x) dx

between 1 / T_last and 1 / T_0. The numbers of all cells are drawn for (k, interval): the state at
any time is computed, nothing is stored for it, and all that looks at a cell at one time sees the
same. As amplitudes are relative, the noise depends on the state; values: a cell of 93 uS, read
every 47 ms, has 1.4e-5 / Hz (f / Hz)^-0.82 in all (NI-RRAM ret1.csv, 0.02-1 Hz). Most of that at
1 Hz is the white noise of its reads, 1.3e-5 / Hz; without it A = 3.6e-6 / Hz and gamma = 1.35 +-
0.08.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma as gamma_function

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import NormalStream, Purpose, uniform
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
        self._seed = seed
        self._cells = parameters.array.rows * parameters.array.cols
        self._sums: list[_Sum | None] = [None] * min(_LEVELS, count)

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
        return self._sum(0, tuple(map(int, intervals)))[span(cells)]

    def _sum(self, first: int, intervals: tuple[int, ...]) -> NDArray[np.float32]:
        """Of the terms from number `first` on, of every cell."""
        kept, now = self._sums[first], intervals[first:]
        if kept is not None and kept.intervals == now:
            return kept.shift
        following = first + 1
        if following < len(self._sums):
            shift = self._term(first, intervals[first])
            shift += self._sum(following, intervals)
        else:
            shift = self._term(first, intervals[first])
            for k in range(following, len(intervals)):
                shift += self._term(k, intervals[k])
        self._sums[first] = _Sum(now, shift)
        return shift

    def _term(self, k: int, interval: int) -> NDArray[np.float32]:
        """s_k z_k of every cell in an interval: a tenth of the time that single draws take."""
        values = np.empty(self._cells, np.float32)
        NormalStream(self._seed, Purpose.FLICKER, k, interval).read(0, values)
        values *= np.float32(self._amplitudes[k])
        return values


@dataclass(frozen=True)
class _Sum:
    """The sum of the terms from one on, of every cell, in some intervals of these terms."""

    intervals: tuple[int, ...]
    shift: NDArray[np.float32]


def _sinc_moment(exponent: float) -> float:
    """Integral of x^(exponent - 1) (sin(pi x) / (pi x))^2 over x > 0, for 0 < exponent < 2."""
    power = exponent - 2.0
    if abs(power + 1.0) < 1e-6:  # the gamma function has a pole where the cosine is zero
        return 0.5
    value = -gamma_function(power) * np.cos(power * np.pi / 2) / 2 ** (power + 1)
    return float(value * np.pi ** (-power - 2))
