"""Source-measure units that the `smu-matrix` driver knows: what they can source, and how quiet.

Current ranges and what integrating for less than a line cycle adds to an error (in parts of the
range) are from the data sheet of the 2600B series, meter specifications of the 2601B, 2602B and
2604B. That a third of that error is white noise is a guess, and so is the shortest pulse that a
script on the instrument times well.
"""

from dataclasses import dataclass
from math import log10

import numpy as np

_DERATING = {0.001: 0.5e-2, 0.01: 0.05e-2, 0.1: 0.01e-2, 1.0: 0.0}
"""NPLC to part of a range from 1 uA to 100 mA."""
_RESOLUTION = 1e-6
"""Of a range: default display resolution."""


@dataclass(frozen=True)
class SmuModel:
    """One model."""

    name: str
    channels: tuple[str, ...]
    max_voltage: float
    """V."""
    max_current: float
    """A."""
    ranges: tuple[float, ...]
    """Full scales of the ammeter that are used here, A."""
    nplc: tuple[float, float] = (0.001, 25.0)
    """Shortest and longest integration, power line cycles."""
    min_pulse_width: float = 100e-6
    """s."""
    tsp_link: bool = True
    """Whether it can be a node among others: SPEC-2602B, "System expansion"."""

    def noise(self, range_: float, nplc: float) -> float:
        """White noise of one reading, rms, A."""
        places = [log10(entry) for entry in _DERATING]
        derating = float(np.interp(log10(nplc), places, list(_DERATING.values())))
        return range_ * (derating / 3 + _RESOLUTION)


_RANGES = (1e-6, 10e-6, 100e-6, 1e-3, 10e-3, 100e-3)
SMU_MODELS = {
    name: SmuModel(name, channels, 40.0, 3.0, _RANGES, tsp_link=tsp_link)
    for name, channels, tsp_link in (
        ("2601B", ("smua",), True),
        ("2602B", ("smua", "smub"), True),
        ("2604B", ("smua", "smub"), False),
    )
}
MATRIX_MODELS = ("707B",)
