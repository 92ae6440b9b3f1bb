"""Defects of products: wrong sums, wrong lines, wrong order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import MacroSpec, Region, Side
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import EXACT, NOISY, Crossbar
from tests.testing.mutants.catalogue import caught_by


@caught_by("currents_are_sums")
class RegionOffByOne(Crossbar):
    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        start = max(region.col_start - 1, 0)
        width = region.shape[1]
        moved = Region(region.row_start, region.row_stop, start, start + width)
        return super().crossing(side, moved)


@caught_by("currents_are_sums")
class RegionIgnored(Crossbar):
    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        return super().crossing(side, Region.of_shape(region.shape))


@caught_by("currents_are_sums")
class SquareRegionTransposed(Crossbar):
    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        crossing = super().crossing(side, region)
        return crossing.T if region.shape[0] == region.shape[1] else crossing


@caught_by("currents_are_sums")
class WrongSideOnSquares(Crossbar):
    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        square = region.shape[0] == region.shape[1]
        return super().crossing("rows" if square else side, region)


@caught_by("batches_keep_their_order")
class BatchReversed(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        return np.ascontiguousarray(super()._read(samples)[::-1])


@caught_by("currents_are_sums")
class SignFlipped(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        return -super()._read(samples)


@caught_by("currents_are_sums", NOISY)
class SignFlippedInNoise(SignFlipped):
    pass


@caught_by("multiply_is_apply_and_read")
class MultiplyDiffers(Crossbar):
    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        return super()._multiply(voltage, side, region, samples) * voltage.dtype.type(1.0001)


@caught_by("multiply_is_apply_and_read")
class MultiplyDoesNotLatch(Crossbar):
    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        before = self.latched
        current = super()._multiply(voltage, side, region, samples)
        self.latched = before
        return current


@caught_by("applying_replaces")
class ReadsStaleResults(Crossbar):
    last: FloatArray | None = None

    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        stale, self.last = self.last, current
        return current if stale is None or stale.shape != current.shape else stale


@caught_by("reading_repeats")
class ReadUnlatches(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        self.ground()
        return current


@caught_by("reads_see_pulses")
class CacheOutlivesPulses(Crossbar):
    def __init__(self, spec: MacroSpec = EXACT) -> None:
        self.cache: dict[Any, NDArray[np.float64]] = {}
        super().__init__(spec)

    def crossing(self, side: Side, region: Region) -> NDArray[np.float64]:
        if (side, region) not in self.cache:
            self.cache[side, region] = super().crossing(side, region).copy()
        return self.cache[side, region]


@caught_by("currents_are_sums")
class CalibrationOfAnotherRegion(Crossbar):
    """Subtracts the offsets of the first columns, whatever columns are read."""

    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        return current - self.offset[: current.shape[1]].astype(current.dtype)


@caught_by("pulsing_grounds")
class CalibrationGoesStale(Crossbar):
    """Pulses warm the converters; the offsets that are subtracted were measured at opening."""

    def _pulse(self, *arguments: Any) -> None:
        super()._pulse(*arguments)
        self.offset = self.offset + 1e-9

    def _read(self, samples: int) -> FloatArray:
        return super()._read(samples)


@caught_by("currents_have_the_type_of_voltages")
class AlwaysFloat64(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        return super()._read(samples).astype(np.float64)


@caught_by("samples_average", NOISY)
class SamplesIgnored(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        return super()._read(1)


@caught_by("samples_average", NOISY)
class SamplesOfCellsIgnored(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        return super()._read_conductance(region, 1)


@caught_by("samples_average")
class SamplesAddUp(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        return super()._read(samples) * samples


@caught_by("noise_is_within_spec", NOISY)
class NoisierThanDeclared(Crossbar):
    def __init__(self, spec: MacroSpec = NOISY) -> None:
        super().__init__(spec)
        self.read_noise *= 4


@caught_by("splitting_changes_nothing", NOISY)
class NoiseDependsOnTheBatch(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        self.noise = np.random.default_rng(len(self.latched[0]))
        return super()._read(samples)


@caught_by("largest_calls_are_accepted")
class LongBatchesAreTorn(Crossbar):
    """Vectors after the eighth are those of an earlier transfer."""

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        voltage[8:] = 0
        super()._apply(voltage, side, region)


@caught_by("every_cell_can_be_read")
class LargeBlocksAreTorn(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        cells = super()._read_conductance(region, samples)
        if region.cells > 64:
            cells.reshape(-1)[64:] = 0
        return cells
