"""Current against voltage: cells that are not filaments of metal conduct more at higher voltage.

    I = G v (1 + a v^2) / (1 + a V_ref^2)

G is the conductance at V_ref, where single cells are read and written; a depends on the state
(`Tabulated`). In a product both terms are linear in what the cells are, so that it stays exact at
the cost of one more matrix product: v @ linear + v^3 @ cubic. Values: G(0.3 V) / G(0.1 V) = 1.02,
1.08, 1.23 in cells of 80-200, 40-80, 10-40 uS (NI-RRAM read_multivolt.tsv) make a = 0.25, 1.0 and
3.0 / V^2.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.tabulated import Tabulated

Values = NDArray[np.float64]
FloatArray = NDArray[np.floating[Any]]


class Conduction:
    """The current-voltage curve of one kind of cell."""

    def __init__(self, parameters: ChipParameters) -> None:
        conduction = parameters.conduction
        self._cubic = Tabulated(conduction.levels, conduction.cubic)
        self._reference = conduction.reference_voltage

    @property
    def ohmic(self) -> bool:
        """Whether the curve is a straight line."""
        return self._cubic.largest == 0.0

    def split(self, conductance: FloatArray) -> tuple[Values, Values]:
        """Linear (S) and cubic (S / V^2) part of cells that read `conductance` (S)."""
        curvature = self._cubic.at(conductance)
        linear: Values = conductance / (1.0 + curvature * self._reference**2)
        return linear, linear * curvature
