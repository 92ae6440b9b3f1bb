"""Defects of refusing: what should be refused is done, or half done."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rgnn_hal.macro import LimitError, MacroSpec, PulseKind, Region, Side
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import EXACT, NOISY, PLAIN, Crossbar
from tests.testing.mutants.catalogue import caught_by


@caught_by("voltages_beyond_are_refused")
class ClipsSilently(Crossbar):
    def apply(self, voltage: ArrayLike, **where: Any) -> None:
        limit = self.spec.read_voltage
        array = np.asarray(voltage)
        if array.dtype.kind == "f":
            array = array.clip(array.dtype.type(limit.low), array.dtype.type(limit.high))
        super().apply(array, **where)


@caught_by("voltages_beyond_are_refused")
class AcceptsNaN(Crossbar):
    def multiply(self, voltage: ArrayLike, **options: Any) -> FloatArray:
        array = np.asarray(voltage)
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), array.dtype.type(0), array)
        return super().multiply(array, **options)


@caught_by("voltages_beyond_are_refused")
class LimitIsRoundedUp(Crossbar):
    def apply(self, voltage: ArrayLike, **where: Any) -> None:
        array = np.asarray(voltage)
        if array.dtype.kind == "f":
            array = np.round(array, 6)
        super().apply(array, **where)


@caught_by("shapes_that_do_not_fit_are_refused")
class BatchOffByOne(Crossbar):
    def multiply(self, voltage: ArrayLike, **options: Any) -> FloatArray:
        if isinstance(voltage, np.ndarray) and len(voltage) == self.spec.max_batch + 1:
            voltage = voltage[:-1]
        return super().multiply(voltage, **options)


@caught_by("regions_beyond_are_refused")
class RegionsAreCut(Crossbar):
    def read_conductance(
        self, region: Region | None = None, samples: int = 1, *, mask: ArrayLike | None = None
    ) -> Any:
        if region is not None and region.row_start < self.spec.rows < region.row_stop:
            region = Region(region.row_start, self.spec.rows, region.col_start, region.col_stop)
        return super().read_conductance(region, samples, mask=mask)


@caught_by("pulses_beyond_are_refused")
class RejectedPulseIsHalfDone(Crossbar):
    def pulse(self, kind: PulseKind, mask: ArrayLike, *, voltage: ArrayLike, **rest: Any) -> None:
        try:
            super().pulse(kind, mask, voltage=voltage, **rest)
        except LimitError:
            self.conductance[0] *= 1.01
            raise


@caught_by("targets_beyond_are_refused")
class RejectedTargetIsHalfWritten(Crossbar):
    def program(self, conductance: ArrayLike, region: Region | None = None) -> None:
        array, window = np.asarray(conductance), self.spec.conductance
        place = region or self.spec.region
        if array.ndim == 2 and array.dtype == np.float64:
            for row, values in enumerate(array):
                if not ((values >= window.low) & (values <= window.high)).all():
                    raise LimitError(f"row {row} is outside the window")
                if row < place.shape[0] and values.shape == place.shape[1:]:
                    self.conductance[place.slices][row] = values
        super().program(conductance, region)


@caught_by("refusals_leave_no_trace", NOISY)
class RefusalsDrawNoise(Crossbar):
    def apply(self, voltage: ArrayLike, **where: Any) -> None:
        self.noise.normal()
        super().apply(voltage, **where)


@caught_by("voltages_beyond_are_refused")
class RefusalsGround(Crossbar):
    def apply(self, voltage: ArrayLike, **where: Any) -> None:
        try:
            super().apply(voltage, **where)
        except LimitError:
            self.safe()
            raise


@caught_by("undeclared_is_refused", PLAIN)
class FallsBackOnUndeclaredTranspose(Crossbar):
    def apply(
        self, voltage: ArrayLike, *, side: Side = "rows", region: Region | None = None
    ) -> None:
        if side == "cols":
            self.latched = np.array(voltage, np.float64), side, region or self.spec.region
            return
        super().apply(voltage, side=side, region=region)


@caught_by("undeclared_is_refused", PLAIN)
class FallsBackOnUndeclaredProgramming(Crossbar):
    def program(self, conductance: ArrayLike, region: Region | None = None) -> None:
        self._program(np.array(conductance, np.float64), region or self.spec.region)


@caught_by("bad_numbers_are_refused")
class SamplesAreCut(Crossbar):
    def read(self, samples: int = 1) -> FloatArray:
        if isinstance(samples, int):
            samples = min(samples, self.spec.max_samples)
        return super().read(samples)


@caught_by("opens_with_its_spec")
class SpecChanges(Crossbar):
    openings = 0

    def __init__(self, spec: MacroSpec = EXACT) -> None:
        type(self).openings += 1
        super().__init__(spec.model_copy(update={"max_samples": 8 + self.openings}))
