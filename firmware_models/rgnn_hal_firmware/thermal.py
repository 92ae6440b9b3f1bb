"""Temperature: conductances follow it, each cell with its own coefficient.

    G(T) = G exp((alpha(G) + sd z) (T - 300 K))

Filaments conduct like metal and lose (alpha < 0), resistive states are activated and gain
(alpha > 0); coefficients are a distribution over cells, in which either sign occurs (arXiv
2105.05534; doi:10.1109/TED.2023.3266186). States are kept as they are at 300 K: temperature is
where the chip works, not what it is.

Two effects are left out. Johnson noise, sqrt(4 k T G B), is 0.5 nA of a cell of 12 uS in 1 MHz or
2 nS at 0.2 V, a fiftieth of the white noise of a read. For how breakdown voltages move with
temperature no source was found that fits these cells; SET and RESET follow `arrhenius`.
"""

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal
from rgnn_hal_firmware.tabulated import Tabulated

Values = NDArray[np.float64]
Cells = NDArray[np.int64]

ROOM = 300.0
"""K: where conductances are stated."""


_BOLTZMANN = 8.617333262e-5
"""eV/K."""


def arrhenius(activation_energy: float, temperature: float) -> float:
    """ln of a rate at `temperature` (K) over that at 300 K, for a barrier in eV."""
    return activation_energy / _BOLTZMANN * (1.0 / ROOM - 1.0 / temperature)


class Thermal:
    """One chip's cells at `temperature`, K."""

    def __init__(self, parameters: ChipParameters, seed: int, temperature: float) -> None:
        thermal = parameters.thermal
        self._coefficient = Tabulated(thermal.levels, thermal.coefficient)
        self._sd = thermal.coefficient_sd
        self._above_room = temperature - ROOM
        self._seed = seed

    def factor(self, conductance: Values, cells: Cells) -> Values | None:
        """G(T) / G(300 K) of `cells` (flat indices), of `conductance` (S); None at 300 K."""
        if self._above_room == 0.0:
            return None
        draw = normal(self._seed, Purpose.TEMPERATURE_COEFFICIENT, cells)
        exponent = self._coefficient.at(conductance) + self._sd * draw
        return np.asarray(np.exp(exponent * self._above_room))
