"""Reading on ideal instruments: the same chip without noise and converters. Its cells relax."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.crossbar import Crossbar
from rgnn_hal_firmware.input_forms import input_form
from rgnn_hal_firmware.noise import Cells, FloatArray
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.refreshes import refreshes
from rgnn_hal_firmware.relaxation import Relaxation
from rgnn_hal_firmware.state import ChipState
from rgnn_hal_firmware.thermal import Thermal
from rgnn_hal_firmware.window import Side, Window

_Parts = tuple[FloatArray, FloatArray | None]


class ExactReadout:
    """Ideal instruments."""

    def __init__(
        self, parameters: ChipParameters, relaxation: Relaxation, thermal: Thermal
    ) -> None:
        self._relaxation = relaxation
        self._thermal = thermal
        self._read_ns = round(parameters.read_time * 1e9)
        self._refresh = parameters.telegraph.refresh
        self._relaxed: tuple[int, NDArray[np.float64], NDArray[np.float32]] | None = None
        self._crossbar = Crossbar(parameters)
        self._form = input_form(parameters)
        self._ready: tuple[tuple[Window, np.dtype[Any], int], _Parts] | None = None

    def currents(
        self, latched: FloatArray, window: Window, side: Side, state: ChipState, samples: int
    ) -> FloatArray:
        """`latched @ G` in the type of `latched`."""
        batch, dtype = latched.shape[0], latched.dtype
        currents = np.empty((batch, window.shape[1 if side == "rows" else 0]), dtype)
        started_ns = state.time_ns + state.product_time_ns
        vector_ns = samples * self._read_ns
        for part, refresh in refreshes(started_ns, batch, vector_ns, self._refresh_ns):
            linear, cubic = self._parts(window, dtype, refresh, state)
            np.matmul(latched[part], linear if side == "rows" else linear.T, out=currents[part])
            if cubic is not None:
                cubed = self._form.cubed(latched[part])
                currents[part] += cubed @ (cubic if side == "rows" else cubic.T)
        return currents

    def conductance(self, cells: Cells, state: ChipState, samples: int) -> NDArray[np.float64]:
        """The cells' conductances now."""
        refresh = (state.time_ns + state.product_time_ns) // self._refresh_ns
        return self._at(cells, refresh, state)

    def forget(self) -> None:
        """Conductances have changed."""
        self._relaxed = self._ready = None
        self._crossbar.forget()

    @property
    def _refresh_ns(self) -> int:
        return round(self._refresh * 1e9)

    def _parts(
        self, window: Window, dtype: np.dtype[Any], refresh: int, state: ChipState
    ) -> _Parts:
        """What products of `window` multiply with at `refresh`, (rows, columns)."""
        double, single = self._present(refresh, state)
        if self._crossbar.ideal:
            return (single if dtype == np.float32 else double)[window.slices], None
        key = window, dtype, refresh
        if self._ready is None or self._ready[0] != key:
            parts = self._crossbar.parts(double[window.slices], state.conductance, window)
            linear, cubic = (None if part is None else part.astype(dtype) for part in parts)
            assert linear is not None
            self._ready = key, (linear, cubic)
        return self._ready[1]

    def _present(
        self, refresh: int, state: ChipState
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Every cell of the chip as it is at `refresh`, in both precisions, S."""
        if self._relaxed is None or (self._relaxed[0] != refresh and self._relaxation.active):
            shape = state.conductance.shape
            present = self._at(np.arange(state.conductance.size), refresh, state).reshape(shape)
            self._relaxed = refresh, present, present.astype(np.float32)
        return self._relaxed[1:]

    def _at(self, cells: Cells, refresh: int, state: ChipState) -> NDArray[np.float64]:
        at_rest = state.conductance.reshape(-1)[cells]
        present = at_rest + self._relaxation.shift(state, cells, refresh * self._refresh)
        factor = self._thermal.factor(at_rest, cells)
        return present if factor is None else present * factor
