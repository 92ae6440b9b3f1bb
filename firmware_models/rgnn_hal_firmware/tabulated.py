"""How a quantity depends on the state of a cell: values at a few conductances, linear between.

Below the first and above the last level the quantity stays what it is there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
FloatArray = NDArray[np.floating[Any]]

_ENTRIES = 4096


class Tabulated:
    """`values` at `levels` (S, rising); looked up in a fine table, to 1/4096 of the last level."""

    def __init__(self, levels: tuple[float, ...], values: tuple[float, ...]) -> None:
        self._per_siemens = _ENTRIES / levels[-1]
        grid = (np.arange(_ENTRIES + 1) + 0.5) / self._per_siemens
        self._table: Values = np.interp(grid, levels, values)

    def at(self, conductance: FloatArray) -> Values:
        """The quantity in cells of `conductance` (S), of the same shape."""
        entry = np.minimum(conductance * self._per_siemens, _ENTRIES).astype(np.int16)
        found: Values = self._table.take(entry, mode="clip")
        return found

    @property
    def largest(self) -> float:
        """Largest absolute value."""
        return float(np.abs(self._table).max())
