"""Defects of memory: arrays that are shared where the contract promises copies."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import Region, Side
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import Crossbar
from tests.testing.mutants.catalogue import caught_by


@caught_by("results_never_change")
class ResultIsABuffer(Crossbar):
    buffers: dict[Any, FloatArray]

    def _read(self, samples: int) -> FloatArray:
        current = super()._read(samples)
        self.__dict__.setdefault("buffers", {})
        buffer = self.buffers.setdefault((current.shape, current.dtype), current)
        buffer[:] = current
        return buffer


@caught_by("results_may_be_written_to")
class CellsAreAView(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        self.ground()
        whole = region.shape == self.conductance.shape
        block = self.conductance[region.slices]
        return block if whole or block.flags.c_contiguous else block.copy()


@caught_by("voltages_are_copied")
class CallersBufferIsKept(Crossbar):
    def apply(
        self, voltage: ArrayLike, *, side: Side = "rows", region: Region | None = None
    ) -> None:
        super().apply(voltage, side=side, region=region)
        with self.lock:
            self.latched = np.asarray(voltage), *self.latched[1:]


@caught_by("cell_arguments_are_copied")
class CallersTargetIsKept(Crossbar):
    pending: tuple[NDArray[np.float64], Region] | None = None

    def program(self, conductance: ArrayLike, region: Region | None = None) -> None:
        super().program(conductance, region)
        self.pending = np.asarray(conductance), region or self.spec.region

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        if self.pending is not None:
            self.conductance[self.pending[1].slices] = self.pending[0]
        return super()._read_conductance(region, samples)


@caught_by("arguments_are_left_alone")
class WritesToItsArgument(Crossbar):
    def multiply(self, voltage: ArrayLike, **options: Any) -> FloatArray:
        current = super().multiply(voltage, **options)
        if isinstance(voltage, np.ndarray) and voltage.flags.writeable:
            voltage *= 0.5
        return current


@caught_by("currents_are_sums")
class CellsAreFloat32(Crossbar):
    def _read_conductance(self, region: Region, samples: int) -> Any:
        return super()._read_conductance(region, samples).astype(np.float32)


@caught_by("currents_are_sums")
class ResultIsFortranOrdered(Crossbar):
    def _read(self, samples: int) -> FloatArray:
        return np.asfortranarray(super()._read(samples))
