"""How long the device may take: time-outs that follow from the operation.

    seconds = timeout_s + bytes / 1 MB/s + duration on the device's clock          (real)
                                         + 1e-4 s per cell, 1e-6 s per sample      (simulated)

A real device pulses and reads for as long as the physics takes, at worst cell by cell; a simulated
one jumps in time, but has to calculate. 1 MB/s is what GPIB carries. The simulation's rate is a
guess with a margin of about a hundred on chips without wires; those with wires need up to 40 s for
the first product of 512 x 512 cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import Capability, MacroSpec, Region
from rgnn_hal_drivers.scpi.commands import Drive

_SLOWEST_WIRE = 1e6
"""B/s."""
_CALCULATION_PER_CELL = 1e-4
_CALCULATION_PER_SAMPLE = 1e-6
"""s."""
_MARGIN = 1.5
"""For everything that a device does between its pulses and samples."""


@dataclass(frozen=True)
class Durations:
    """Of the operations of one macro, s; `timeout` is what an operation without work may take."""

    spec: MacroSpec
    timeout: float

    def pulses(self, mask: NDArray[np.bool_], width: float, count: int, sent: int) -> float:
        """Of pulses to the cells of a mask, one after the other."""
        cells = int(np.count_nonzero(mask))
        return self._total(cells * count * width, mask.size, 0, sent)

    def products(self, drive: Drive, samples: int) -> float:
        """Of sensing what is driven; of driving it alone with 0 samples."""
        values = drive.batch * samples
        lines = sum(drive.region.shape)
        physical = values * self.spec.read_time
        return self._total(physical, drive.region.cells, values * lines, drive.nbytes)

    def cells(self, region: Region, samples: int) -> float:
        """Of reading cell by cell."""
        values = region.cells * samples
        return self._total(values * self.spec.read_time, region.cells, values, 8 * region.cells)

    def waiting(self, duration: float) -> float:
        """Of letting time pass."""
        return self._total(duration, 0, 0, 0)

    def _total(self, physical: float, cells: int, samples: int, carried: int) -> float:
        if Capability.VIRTUAL_CLOCK in self.spec.capabilities:
            working = cells * _CALCULATION_PER_CELL + samples * _CALCULATION_PER_SAMPLE
        else:
            working = _MARGIN * physical
        return self.timeout + carried / _SLOWEST_WIRE + working
