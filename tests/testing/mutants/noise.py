"""Defects of noise, averages and resolution."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import MacroSpec, Region, Side
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import EXACT, NOISY, Crossbar
from tests.testing.mutants.catalogue import caught_by


@caught_by("small_voltages_count", NOISY)
class FiveBitsOfFourteen(Crossbar):
    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        step = voltage.dtype.type(0.4 / 31)
        super()._apply(np.round(voltage / step) * step, side, region)


@caught_by("small_voltages_count", NOISY)
class SmallVoltagesVanish(Crossbar):
    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        super()._apply(voltage * (np.abs(voltage) > 2e-3), side, region)


@caught_by("currents_are_sums", NOISY)
class NegativeVoltagesAreClipped(Crossbar):
    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        super()._apply(voltage.clip(min=0), side, region)


@caught_by("limits_are_accepted", NOISY)
class GainOffBySevenPercent(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        return current * current.dtype.type(1.07)


@caught_by("samples_average", NOISY)
class SamplesOfReadIgnored(Crossbar):
    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        self._apply(voltage, side, region)
        return super()._read(samples)

    def _read(self, samples: int) -> FloatArray:
        return super()._read(1)


@caught_by("samples_average", NOISY)
class SamplesOfMaskedReadsIgnored(Crossbar):
    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        return super()._read_cells(mask, region, 1)


@caught_by("samples_average", NOISY)
class TooFewSamples(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        return super()._read(max(1, round(samples**0.5)))


@caught_by("noise_is_within_spec", NOISY)
class CellsNoisierThanDeclared(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        usual, self.read_noise = self.read_noise, 2.5 * self.read_noise
        cells = super()._read_conductance(region, samples)
        self.read_noise = usual
        return cells


@caught_by("noise_is_within_spec", NOISY)
class CurrentsNoisierThanDeclared(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        usual, self.read_noise = self.read_noise, 2 * self.read_noise
        current = super()._read(samples)
        self.read_noise = usual
        return current


@caught_by("noise_is_new_in_every_read", NOISY)
class NoiseIsFrozen(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        self.noise = np.random.default_rng(3)
        return super()._read(samples)


@caught_by("noise_is_new_in_every_read", NOISY)
class NoiseOfCellsIsFrozen(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        self.noise = np.random.default_rng(3)
        return super()._read_conductance(region, samples)


@caught_by("noise_is_new_in_every_read", NOISY)
class ReadsAreCached(Crossbar):
    cache: FloatArray | None = None

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self.cache = None
        super()._apply(voltage, side, region)

    def ground(self) -> None:
        self.cache = None
        super().ground()

    def _read(self, samples: int) -> FloatArray:
        if self.cache is None:
            self.cache = super()._read(samples)
        return self.cache.copy()


@caught_by("noise_is_new_in_every_read", NOISY)
class EqualVectorsAreReadOnce(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        _, first, place = np.unique(self.latched[0], axis=0, return_index=True, return_inverse=True)
        return np.ascontiguousarray(current[first[np.ravel(place)]])


@caught_by("noise_is_new_in_every_read", NOISY)
class NoiseRepeatsWithinABatch(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        (voltage, side, region), state = self.latched, self.noise.bit_generator.state
        parts = []
        for start in range(0, len(voltage), 4):
            self.noise.bit_generator.state = state
            self.latched = voltage[start : start + 4], side, region
            parts.append(super()._read(samples))
        self.latched = voltage, side, region
        return np.concatenate(parts)


@caught_by("results_may_be_written_to", NOISY)
class OneRowWearsAway(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        self.conductance[self.spec.rows // 2] *= 0.98
        return super()._read_conductance(region, samples)


@caught_by("emulation_is_reproducible", NOISY)
class NoiseIsSharedByInstances(Crossbar):
    shared = np.random.default_rng(5)

    def __init__(self, spec: MacroSpec = NOISY) -> None:
        super().__init__(spec)
        self.noise = self.shared


@caught_by("largest_calls_are_accepted", EXACT.model_copy(update={"max_batch": 10**6}))
class LongBatchesAreTruncated(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        return super()._read(samples)[:1000].copy()


@caught_by("largest_calls_are_accepted", NOISY)
class TheRestOfABatchIsLost(Crossbar):
    """Batches travel in blocks of five; the last, shorter one repeats what came before."""

    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        rest = len(current) % 5
        if len(current) > 5 and rest:
            current[-rest:] = current[0]
        return current


@caught_by("currents_have_the_type_of_voltages")
class AveragesAreFloat64(Crossbar):
    def read(self, samples: int = 1) -> Any:
        current = super().read(samples)
        return current.astype(np.float64) if samples > 1 else current


@caught_by("currents_have_the_type_of_voltages")
class GroundedReadsKeepTheType(Crossbar):
    def ground(self) -> None:
        before = self.__dict__.get("latched")
        super().ground()
        if before is not None:
            self.latched = self.latched[0].astype(before[0].dtype), *self.latched[1:]
