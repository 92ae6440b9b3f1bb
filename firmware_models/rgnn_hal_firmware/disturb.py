"""Half-select disturb: what a pulse does to the other cells of its lines.

In a 1T1R array the gates and one electrode run along the rows, the other electrode along the
columns. A pulse to one cell opens the gates of its row and drives its column, so that the rest of
the row has open gates at the inhibit level of its columns, and the rest of the column full voltage
behind closed gates. Either way a share kappa of the voltage is left over the cell:

    x = sum over pulses to others of the line: w / w_ref 10^((kappa V - V_cell) / volts_per_decade)

SET and RESET move the cell by x h(T) as their own pulses do (`switching`), worn as it is
(`endurance`), SET up to the conductance that the strongest gate of the call allows. Far below its
switching voltage a cell is steeper than near it: a decade is fewer volts here than in `switching`,
or no array would hold its states. FORM leaves others alone. An x below 1e-6, which no read can
tell, is taken as none; kappa = 0 is exactly none.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.switching import Thresholds
from rgnn_hal_firmware.window import Window

Values = NDArray[np.float64]
FloatArray = NDArray[np.floating[Any]]

_UNSEEN = 1e-6


class Disturb:
    """How much pulses to some cells of a window work on the others of their lines."""

    def __init__(self, parameters: ChipParameters, heat: float = 1.0) -> None:
        self._disturb = parameters.disturb
        self._shape = parameters.array.rows, parameters.array.cols
        self._rate = heat / parameters.switching.reference_width

    def work(
        self,
        mask: NDArray[np.bool_],
        voltage: FloatArray,
        window: Window,
        threshold: Thresholds,
        duration: float,
        highest: float,
    ) -> Values | None:
        """x of every cell of the chip, (rows, columns); None where nobody would see it.

        `mask`, `voltage` (V) are of the window's shape, `threshold` is V_cell of the whole chip;
        each pulsed cell is pulsed for `duration` (s) in all, with no more than `highest` (V).
        """
        disturb = self._disturb
        if disturb.row_fraction == disturb.column_fraction == 0.0:
            return None
        scale = duration * self._rate
        seen = _UNSEEN / (scale * self._decades(-threshold.lowest))
        if self._most(mask.shape, highest) < seen:
            return None
        # Whatever stands outside of the mask is not addressed: it may be NaN.
        applied = np.where(mask, voltage, 0.0)
        rows, cols = np.zeros(self._shape[0]), np.zeros(self._shape[1])
        own = np.zeros(self._shape)
        inside = own[window.slices]
        for lines, axis, share in (
            (rows[window.slices[0]], 1, disturb.row_fraction),
            (cols[window.slices[1]], 0, disturb.column_fraction),
        ):
            if share > 0.0:
                each = self._decades(applied * share) * mask
                lines += each.sum(axis=axis)
                inside += each
        if rows.max() + cols.max() < seen:
            return None
        work = rows[:, None] + cols - own
        work *= scale * self._decades(-threshold.of_cells.reshape(self._shape))
        return np.maximum(work, 0.0, out=work)

    def _most(self, shape: tuple[int, ...], highest: float) -> float:
        """More than what any cell can see when all others of a window are pulsed."""
        rows, cols = shape
        along_row = cols * self._decades(highest * self._disturb.row_fraction)
        along_col = rows * self._decades(highest * self._disturb.column_fraction)
        return float(along_row + along_col)

    def _decades(self, voltage: FloatArray | float) -> Values:
        return np.asarray(10.0 ** (voltage / self._disturb.volts_per_decade))
