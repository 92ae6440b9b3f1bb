"""Current ranges of a 2601B, 2602B or 2604B, and how wrong a reading is.

From the data sheet of the 2600B series (meter specifications, accuracy of one year at 23 degrees,
and the table of what shorter integration adds in per cent of range):

    error <= gain * reading + offset + derating(NPLC) * range

How the manufacturer's limits spread over instruments is not public. Guesses: gain and offset of one
instrument are normal with a third of their limits, and a third of the derating is white noise rms.
"""

from bisect import bisect_left
from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_SIGMAS_IN_A_LIMIT = 3.0


@dataclass(frozen=True)
class CurrentRange:
    """One range of the ammeter."""

    full_scale: float
    """A."""
    gain: float
    """Limit of the gain error, 1."""
    offset: float
    """Limit of the offset, A."""

    @property
    def resolution(self) -> float:
        """Default display resolution, A."""
        return self.full_scale * 1e-6

    def noise(self, nplc: float) -> float:
        """White noise of one reading, rms, A."""
        derating = _derating(nplc, _SLOW if self.full_scale <= 100e-9 else _FAST)
        return self.full_scale * derating / _SIGMAS_IN_A_LIMIT + self.resolution


RANGES = (
    CurrentRange(100e-9, 0.05e-2, 100e-12),
    CurrentRange(1e-6, 0.025e-2, 500e-12),
    CurrentRange(10e-6, 0.025e-2, 1.5e-9),
    CurrentRange(100e-6, 0.02e-2, 25e-9),
    CurrentRange(1e-3, 0.02e-2, 200e-9),
    CurrentRange(10e-3, 0.02e-2, 2.5e-6),
    CurrentRange(100e-3, 0.02e-2, 20e-6),
    CurrentRange(1.0, 0.03e-2, 1.5e-3),
    CurrentRange(3.0, 0.05e-2, 3.5e-3),
)
MAX_VOLTAGE = 40.0
MAX_CURRENT = 3.0
MIN_NPLC, MAX_NPLC = 0.001, 25.0
LINE_FREQUENCY = 50.0
"""Of the simulated mains, Hz."""

_FAST = {0.001: 0.5e-2, 0.01: 0.05e-2, 0.1: 0.01e-2, 1.0: 0.0}
_SLOW = {0.001: 1e-2, 0.01: 0.1e-2, 0.1: 0.01e-2, 1.0: 0.0}
"""Of the range 100 nA."""


def range_for(current: float) -> CurrentRange:
    """The lowest range that reaches `current`, A; the highest for more."""
    place = bisect_left([one.full_scale for one in RANGES], abs(current) * (1 - 1e-9))
    return RANGES[min(place, len(RANGES) - 1)]


class Ammeter:
    """One channel's errors: which of all instruments of the type it is.

    Args:
        seed: any whole numbers.
    """

    def __init__(self, *seed: int) -> None:
        draw = np.random.default_rng(seed)
        self._gain = draw.normal(size=len(RANGES)) / _SIGMAS_IN_A_LIMIT
        self._offset = draw.normal(size=len(RANGES)) / _SIGMAS_IN_A_LIMIT
        self._draw = draw

    def read(self, current: Values, used: CurrentRange, nplc: float) -> Values:
        """What currents (A) read as on a range."""
        place = RANGES.index(used)
        systematic = current * used.gain * self._gain[place] + used.offset * self._offset[place]
        noise = used.noise(nplc) * self._draw.normal(size=current.shape)
        return np.asarray(current + systematic + noise)


def _derating(nplc: float, table: dict[float, float]) -> float:
    """Error added by integrating for `nplc`, 1; between entries logarithmic in the time."""
    places = [log10(entry) for entry in table]
    return float(np.interp(log10(nplc), places, list(table.values())))
