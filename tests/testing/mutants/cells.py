"""Defects of writing cells, and of the lines afterwards."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import MacroSpec, PulseKind, Region, Side
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import EXACT, NOISY, PERSISTENT, Crossbar
from tests.testing.mutants.catalogue import caught_by

PULSES_ONLY = EXACT.model_copy(update={"capabilities": frozenset({"virtual-clock"})})


@caught_by("pulses_stay_in_their_mask", PULSES_ONLY)
class BlocksAreTorn(Crossbar):
    """Only the first 32 cells of a block arrive."""

    def _pulse(self, kind: PulseKind, mask: NDArray[np.bool_], *rest: Any) -> None:
        mask.reshape(-1)[32:] = False
        super()._pulse(kind, mask, *rest)


@caught_by("whole_pulses_are_whole", NOISY)
class LargeBlocksOfPulsesAreTorn(Crossbar):
    def _pulse(self, kind: PulseKind, mask: NDArray[np.bool_], *rest: Any) -> None:
        mask.reshape(-1)[64:] = False
        super()._pulse(kind, mask, *rest)


@caught_by("programming_works")
class TargetsAreTorn(Crossbar):
    def _program(self, conductance: FloatArray, region: Region) -> None:
        half = Region(region.row_start, region.row_stop - 1, region.col_start, region.col_stop)
        super()._program(conductance[:-1], half)


@caught_by("pulses_stay_in_their_mask")
class MaskIgnored(Crossbar):
    def _pulse(self, kind: PulseKind, mask: NDArray[np.bool_], *rest: Any) -> None:
        super()._pulse(kind, mask | mask.any(), *rest)


@caught_by("pulses_stay_in_their_mask")
class PulsesIgnoreTheRegion(Crossbar):
    def _pulse(self, kind: PulseKind, mask: NDArray[np.bool_], *rest: Any) -> None:
        voltage, gate_voltage, width, count, _ = rest
        place = Region.of_shape((mask.shape[0], mask.shape[1]))
        super()._pulse(kind, mask, voltage, gate_voltage, width, count, place)


@caught_by("pulses_move_the_right_way")
class PolarityReversed(Crossbar):
    def _pulse(self, kind: PulseKind, *rest: Any) -> None:
        swapped = {PulseKind.SET: PulseKind.RESET, PulseKind.RESET: PulseKind.SET}
        super()._pulse(swapped.get(kind, kind), *rest)


@caught_by("pulses_move_the_right_way")
class InstrumentErrorOfPulsesSwallowed(Crossbar):
    """The instrument takes at most 40 cells at once and says so; the driver does not listen."""

    def _pulse(self, kind: PulseKind, mask: NDArray[np.bool_], *rest: Any) -> None:
        if mask.sum() > 40:
            self.ground()
            return
        super()._pulse(kind, mask, *rest)


@caught_by("voltages_are_each_cells_own")
class OneAmplitudeForAll(Crossbar):
    def _pulse(
        self, kind: PulseKind, mask: NDArray[np.bool_], voltage: FloatArray, *rest: Any
    ) -> None:
        super()._pulse(kind, mask, np.full_like(voltage, voltage.max()), *rest)


@caught_by("voltages_are_each_cells_own", NOISY)
class AmplitudesShifted(Crossbar):
    def _pulse(
        self, kind: PulseKind, mask: NDArray[np.bool_], voltage: FloatArray, *rest: Any
    ) -> None:
        super()._pulse(kind, mask, np.roll(voltage, 1, axis=1), *rest)


@caught_by("reading_disturbs_nothing")
class StrongReadsDisturb(Crossbar):
    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        super()._apply(voltage, side, region)
        if np.abs(voltage).max() > 0.97 * self.spec.read_voltage.high:
            self.conductance[region.slices] *= 0.999


@caught_by("safe_grounds")
class SafeDoesNothing(Crossbar):
    def _safe(self) -> None:
        pass


@caught_by("safe_grounds")
class SafeForgetsTheColumns(Crossbar):
    def _safe(self) -> None:
        if self.latched[1] == "rows":
            self.ground()


@caught_by("safe_grounds")
class SafeToggles(Crossbar):
    before: Any = None

    def _safe(self) -> None:
        if self.before is None:
            self.before = self.latched
            self.ground()
        else:
            self.latched, self.before = self.before, None


@caught_by("safe_grounds")
class SecondSafeFails(Crossbar):
    grounded = False

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self.grounded = False
        super()._apply(voltage, side, region)

    def _safe(self) -> None:
        if self.grounded and not self.closed:
            raise RuntimeError("output is off already")
        self.grounded = True
        self.ground()


@caught_by("pulsing_grounds")
class PulsesLeaveLinesLive(Crossbar):
    def _pulse(self, *arguments: Any) -> None:
        live = self.latched
        super()._pulse(*arguments)
        self.latched = live


@caught_by("reading_cells_and_waiting_ground")
class CellReadsLeaveLinesLive(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        live = self.latched
        cells = super()._read_conductance(region, samples)
        self.latched = live
        return cells


@caught_by("cells_persist", PERSISTENT)
class CellsAreForgotten(Crossbar):
    def _close(self) -> None:
        self.silicon.pop(self.key, None)
        super()._close()


@caught_by("masked_reads_tell_their_cells")
class MaskOfReadsIgnored(Crossbar):
    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        return self._read_conductance(region, samples)


@caught_by("masked_reads_tell_their_cells")
class MaskedReadsMixUpTheirCells(Crossbar):
    """Cells are read row by row, and told column by column."""

    def __init__(self, spec: MacroSpec = EXACT) -> None:
        super().__init__(spec)
        self.conductance *= np.linspace(1.0, 2.0, self.conductance.size).reshape(spec.rows, -1)

    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        told = np.full(mask.shape, np.nan)
        told.T[mask.T] = self._read_conductance(region, samples)[mask]
        return told
