"""A measurement is a value: what it is called, what it costs the cells, and how it is run."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.characterization.quantity import Findings, Values
from rgnn_hal.macro import DataError, Macro, MacroSpec, Region
from rgnn_hal.progress import Progress

_CONDUCTS = 0.25
"""Of the low end of the programming window: as `rgnn_hal.programming.form` tells formed cells."""


@runtime_checkable
class Measurement(Protocol):
    """One thing to measure through the contract alone."""

    @property
    def name(self) -> str:
        """Its name in files and on the command line."""

    @property
    def wears(self) -> bool:
        """Whether it pulses cells."""

    def run(self, macro: Macro, region: Region, progress: Progress) -> Findings:
        """Measure on `region`.

        Raises:
            NotSupportedError: the macro cannot do what the measurement needs.
            DataError: the region's cells do not allow it, for instance because none conducts.
        """


def conducting(spec: MacroSpec, conductance: Values) -> NDArray[np.bool_]:
    """Which cells are formed or short, by their conductance, S."""
    formed: NDArray[np.bool_] = conductance >= _CONDUCTS * spec.conductance.low
    return formed


def need_conducting(spec: MacroSpec, conductance: Values, region: Region) -> NDArray[np.bool_]:
    """Which cells conduct, if there are at least two."""
    formed = conducting(spec, conductance)
    if formed.sum() < 2:
        raise DataError(
            f"no cells conduct in region {region}; form them first (rgnn-hal form), "
            "choose another region, or allow wear"
        )
    return formed


def part_of(region: Region, cells: int) -> Region:
    """The first rows of `region`, and of one row the first columns, with about `cells` cells."""
    rows, cols = region.shape
    kept = max(1, min(rows, cells // cols))
    width = cols if kept > 1 or cols <= cells else cells
    return Region.of_shape((kept, width), (region.row_start, region.col_start))
