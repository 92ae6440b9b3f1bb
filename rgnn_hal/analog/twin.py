"""The digital twin: the weights that a macro holds, as read back, with their uncertainty.

Derivatives need the weights themselves, not products with them. Reading every cell several times
gives each weight and, from the scatter of group averages, its standard error. The twin describes
the cells at the time of reading; drift makes it stale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rgnn_hal.cost import Ledger, record
from rgnn_hal.macro import Macro
from rgnn_hal.mapping import Placement

_GROUPS = 4


@dataclass(frozen=True)
class DigitalTwin:
    """Weights (inputs, outputs) and their standard errors, both in the matrix's units."""

    weights: NDArray[np.float64]
    uncertainty: NDArray[np.float64]

    def in_units_of(self, unit: float) -> "DigitalTwin":
        """The same twin with weights and errors divided by `unit`."""
        return DigitalTwin(self.weights / unit, self.uncertainty / unit)

    def product(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """(batch, inputs) -> (batch, outputs), without hardware and without noise."""
        return x @ self.weights

    def tensor(self, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """The weights as a torch tensor (inputs, outputs)."""
        return torch.tensor(self.weights, dtype=dtype)


def read_twin(macros: Sequence[Macro], placement: Placement, *, samples: int = 64) -> DigitalTwin:
    """Read back the weights of a placed matrix, S, averaging `samples` reads of each cell.

    They are taken in four groups, each of no more samples than the macro averages.
    """
    weights = np.zeros((_GROUPS, *placement.shape))
    for tile in placement.tiles:
        macro = macros[tile.macro]
        with macro.lock:
            share = min(max(samples // _GROUPS, 1), macro.spec.max_samples)
            for group in weights:
                conductance = macro.read_conductance(tile.region, share)
                record(Ledger(cell_reads=share * tile.region.cells))
                group[tile.input_slice, tile.output_slice] = placement.scheme.difference(
                    conductance
                )
    return DigitalTwin(weights.mean(axis=0), weights.std(axis=0, ddof=1) / np.sqrt(_GROUPS))
