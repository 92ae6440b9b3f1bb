"""Products for measuring: as many rows as the column converters can take, zero error removed.

The zero error of a converter cancels in I(V) - I(-V); where the macro knows only positive voltages,
a product with zero volts is subtracted instead.
"""

from dataclasses import dataclass

import numpy as np

from rgnn_hal.characterization.measurement import need_conducting
from rgnn_hal.characterization.quantity import Values
from rgnn_hal.macro import Macro, Region

_SHARE = 0.8
"""Of full scale that products use: room for noise and for gain errors."""
_SAMPLES = 64
_VECTORS = 64


@dataclass(frozen=True)
class Drive:
    """Rows of a region that may be driven together up to `voltage`."""

    region: Region
    voltage: float
    """V."""
    conductance: Values
    """Of the region's cells, read one by one, S."""

    @classmethod
    def of(cls, macro: Macro, region: Region) -> "Drive":
        """The first rows of `region` whose largest column current stays within 0.8 of full scale.

        Raises:
            DataError: no cell conducts.
        """
        spec = macro.spec
        conductance = macro.read_conductance(region, min(_SAMPLES, spec.max_samples))
        need_conducting(spec, conductance, region)
        voltage = spec.read_voltage.high
        load = np.cumsum(conductance, axis=0).max(axis=1) * voltage
        rows = max(1, int((load <= _SHARE * spec.current.high).sum()))
        place = (region.row_start, region.col_start)
        return cls(
            Region.of_shape((rows, region.shape[1]), place), voltage, conductance[:rows].copy()
        )

    def currents(self, macro: Macro, voltage: Values) -> Values:
        """Zero-corrected currents (vectors, columns), A, of `voltage` (vectors, rows) >= 0, V."""
        bipolar = macro.spec.read_voltage.low <= -float(voltage.max())
        forward = self._mean(macro, voltage)
        if bipolar:
            return (forward - self._mean(macro, -voltage)) / 2
        return forward - self._mean(macro, np.zeros_like(voltage[:1]))

    def _mean(self, macro: Macro, voltage: Values) -> Values:
        """Mean of repeated products, (vectors, columns), A."""
        spec = macro.spec
        samples = min(_SAMPLES, spec.max_samples)
        total = np.zeros((voltage.shape[0], self.region.shape[1]))
        repeats = max(1, _VECTORS // samples)
        for _ in range(repeats):
            for start in range(0, voltage.shape[0], spec.max_batch):
                part = voltage[start : start + spec.max_batch]
                total[start : start + spec.max_batch] += macro.multiply(
                    part, region=self.region, samples=samples
                )
        return total / repeats
