"""Cells that no pulse moves.

An *open* cell never breaks down and stays at the pristine conductance. A *short* cell conducts from
the start, about 12 sd above formed cells. On the real chip shorts sit in a few rows of columns that
repeat every 56 (RGNN: columns 17, 73, 129, 185, 241); so here, besides a few anywhere:

    P(short | column) = short_density + short_column_density * [column = phase mod period]
    G_short ~ N(mean + short_excess_mean * sd, (short_excess_sd * sd)^2)

with mean and sd of formed cells. The phase is the chip's own.
"""

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import Purpose, normal, uniform


def stuck_conductance(parameters: ChipParameters, seed: int) -> NDArray[np.float64]:
    """Conductance of every defective cell and NaN for every healthy one, (rows, columns), S."""
    defects, forming, array = parameters.defects, parameters.forming, parameters.array
    cells = np.arange(array.rows * array.cols).reshape(array.rows, array.cols)
    kind = uniform(seed, Purpose.DEFECT_KIND, cells)
    phase = uniform(seed, Purpose.SHORT_COLUMN_PHASE, np.zeros(1, np.int64))[0]
    period = defects.short_column_period
    weak_column = np.arange(array.cols) % period == int(phase * period)
    short_density = defects.short_density + defects.short_column_density * weak_column
    opens = kind < defects.open_density
    shorts = ~opens & (kind < defects.open_density + short_density)

    stuck = np.full(cells.shape, np.nan)
    stuck[opens] = forming.pristine_conductance
    excess = defects.short_excess_mean + defects.short_excess_sd * normal(
        seed, Purpose.SHORT_CONDUCTANCE, cells[shorts]
    )
    stuck[shorts] = forming.conductance_mean + excess * forming.conductance_sd
    return stuck
