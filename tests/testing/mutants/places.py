"""Defects of places: edges, neighbours, addresses that lose bits, regions that are not told."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import MacroSpec, PulseKind, Region, Side
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import EXACT, NOISY, Crossbar
from tests.testing.mutants.catalogue import caught_by

PULSES_ONLY = {"capabilities": frozenset({"virtual-clock", "transpose"})}
LARGE = EXACT.model_copy(update={"rows": 40, "cols": 36})
NOISY_LARGE = NOISY.model_copy(update={"rows": 40, "cols": 36})
NOISY_PULSED = NOISY_LARGE.model_copy(update=PULSES_ONLY)


def at_the_end(region: Region, spec: MacroSpec) -> Region:
    """The region, one column to the left if it ends with the last one and is not the first."""
    left = int(region.col_stop == spec.cols and region.col_start > 0)
    return Region(
        region.row_start, region.row_stop, region.col_start - left, region.col_stop - left
    )


@caught_by("currents_are_sums", NOISY)
class LastColumnIsDead(Crossbar):
    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        block = self.conductance.copy()
        block[:, -1] = 0
        block = block[region.slices]
        return block if side == "rows" else block.T


@caught_by("currents_are_sums", NOISY_LARGE)
class OneColumnIsFlipped(Crossbar):
    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        block = self.conductance.copy()
        block[:, self.spec.cols // 2] *= -1
        block = block[region.slices]
        return block if side == "rows" else block.T


@caught_by("batches_keep_their_order", NOISY_LARGE)
class TwoColumnsAreSwapped(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        _, side, region = self.latched
        place = self.spec.cols // 2 - region.col_start
        if side == "rows" and 0 <= place < current.shape[1] - 1:
            current[:, [place, place + 1]] = current[:, [place + 1, place]]
        return current


@caught_by("currents_are_sums", NOISY_LARGE)
class OneRowIsNotDriven(Crossbar):
    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        block = self.conductance.copy()
        if side == "rows":
            block[self.spec.rows // 2] = 0
        block = block[region.slices]
        return block if side == "rows" else block.T


@caught_by("limits_are_accepted", NOISY_LARGE)
class OneColumnOfCellsReadsLow(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        cells = super()._read_conductance(region, samples)
        place = self.spec.cols // 2 - region.col_start
        if 0 <= place < cells.shape[1]:
            cells[:, place] *= 0.7
        return cells


@caught_by("corners_are_where_they_are", LARGE)
class LastColumnsAreReadShifted(Crossbar):
    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        return super().crossing(side, at_the_end(region, self.spec))


@caught_by("corners_are_where_they_are", NOISY_LARGE)
class LastCellsAreReadShifted(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        return super()._read_conductance(at_the_end(region, self.spec), samples)


@caught_by("programs_stay_in_their_region", NOISY_LARGE)
class LastTargetsAreShifted(Crossbar):
    def _program(self, conductance: FloatArray, region: Region) -> None:
        super()._program(conductance, at_the_end(region, self.spec))


@caught_by("pulses_stay_in_their_region", NOISY_PULSED)
class LastPulsesAreShifted(Crossbar):
    def _pulse(self, *arguments: Any) -> None:
        *others, region = arguments
        changed: tuple[Any, ...] = (*others, at_the_end(region, self.spec))
        super()._pulse(*changed)


@caught_by("programs_stay_in_their_region", NOISY)
class TargetsReachTheNextColumn(Crossbar):
    def _program(self, conductance: FloatArray, region: Region) -> None:
        super()._program(conductance, region)
        rows, cols = region.slices
        if cols.stop < self.spec.cols:
            self.conductance[rows, cols.stop] = conductance[:, -1]


@caught_by("pulses_stay_in_their_region", NOISY_PULSED)
class PulsesReachTheNextRow(Crossbar):
    def _pulse(self, kind: PulseKind, mask: NDArray[np.bool_], *rest: Any) -> None:
        super()._pulse(kind, mask, *rest)
        voltage, gate_voltage, width, count, region = rest
        if region.row_stop < self.spec.rows:
            last = mask[-1:], voltage[-1:], gate_voltage[-1:], width, count
            below = Region.of_shape((1, region.shape[1]), (region.row_stop, region.col_start))
            super()._pulse(kind, *last, below)


@caught_by("pulses_stay_in_their_region", NOISY_PULSED)
class PulsesHaveAnAlias(Crossbar):
    """The highest address line of rows is not connected: 32 is 0."""

    def _pulse(self, *arguments: Any) -> None:
        super()._pulse(*arguments)
        *others, region = arguments
        if region.row_start >= 32:
            alias = Region.of_shape(region.shape, (region.row_start - 32, region.col_start))
            changed: tuple[Any, ...] = (*others, alias)
            super()._pulse(*changed)


@caught_by("programs_stay_in_their_region", LARGE)
class TargetsHaveAnAlias(Crossbar):
    def _program(self, conductance: FloatArray, region: Region) -> None:
        super()._program(conductance, region)
        if region.row_start >= 32:
            alias = Region.of_shape(region.shape, (region.row_start - 32, region.col_start))
            super()._program(conductance, alias)


@caught_by("no_region_is_the_whole_macro", LARGE)
class NoRegionIsTheLastRegion(Crossbar):
    last: Region | None = None

    def multiply(self, voltage: ArrayLike, **options: Any) -> FloatArray:
        region = options.get("region")
        if region is None and self.last and self.last.shape[0] == np.shape(voltage)[1]:
            options["region"] = self.last
        self.last = region or self.last
        return super().multiply(voltage, **options)


@caught_by("no_region_is_the_whole_macro")
class NoRegionOfCellsIsTheLast(Crossbar):
    last: Region | None = None

    def read_conductance(
        self, region: Region | None = None, samples: int = 1, *, mask: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        self.last = region or self.last
        return super().read_conductance(self.last, samples, mask=mask)


@caught_by("whole_programs_are_whole", NOISY_LARGE)
class WholeProgramsEndHalfway(Crossbar):
    def _program(self, conductance: FloatArray, region: Region) -> None:
        if region == self.spec.region:
            half = self.spec.rows // 2
            conductance, region = conductance[:half], Region(0, half, 0, self.spec.cols)
        super()._program(conductance, region)
