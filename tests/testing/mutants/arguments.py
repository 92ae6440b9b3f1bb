"""Defects of arguments: layouts that are misread, arrays that are written to, other types."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import LimitError, PulseKind, Region, Side
from rgnn_hal.macro.checks import FloatArray
from tests.testing.crossbar import EXACT, Crossbar
from tests.testing.mutants.catalogue import caught_by

PULSES_ONLY = EXACT.model_copy(update={"capabilities": frozenset({"virtual-clock"})})


def as_stored(value: ArrayLike) -> NDArray[Any]:
    """The numbers in the order of memory, whatever the strides say."""
    array = np.asarray(value)
    return array.ravel("K").reshape(array.shape) if array.ndim == 2 else array


@caught_by("arguments_are_left_alone")
class LayoutOfVoltagesIgnored(Crossbar):
    def apply(self, voltage: ArrayLike, **where: Any) -> None:
        super().apply(voltage if isinstance(voltage, list) else as_stored(voltage), **where)


@caught_by("arguments_are_left_alone")
class BytesOfVoltagesSwapped(Crossbar):
    def multiply(self, voltage: ArrayLike, **options: Any) -> FloatArray:
        if isinstance(voltage, np.ndarray) and not voltage.dtype.isnative:
            voltage = voltage.view(voltage.dtype.newbyteorder())
        return super().multiply(np.nan_to_num(voltage).clip(-0.2, 0.2), **options)


@caught_by("cell_arguments_are_left_alone", PULSES_ONLY)
class LayoutOfMasksIgnored(Crossbar):
    def pulse(self, kind: PulseKind, mask: ArrayLike, **rest: Any) -> None:
        super().pulse(kind, mask if isinstance(mask, list) else as_stored(mask), **rest)


@caught_by("cell_arguments_are_left_alone")
class LayoutOfTargetsIgnored(Crossbar):
    def program(self, conductance: ArrayLike, region: Region | None = None) -> None:
        super().program(as_stored(conductance), region)


@caught_by("voltages_are_each_cells_own", PULSES_ONLY)
class LayoutOfAmplitudesIgnored(Crossbar):
    def pulse(self, kind: PulseKind, mask: ArrayLike, *, voltage: ArrayLike, **rest: Any) -> None:
        super().pulse(kind, mask, voltage=as_stored(voltage), **rest)


@caught_by("gates_are_each_cells_own", PULSES_ONLY)
class OneGateForAll(Crossbar):
    def _pulse(self, *arguments: Any) -> None:
        kind, mask, voltage, gate, width, count, region = arguments
        gates = np.full_like(gate, gate.max())
        super()._pulse(kind, mask, voltage, gates, width, count, region)


@caught_by("count_is_a_number_of_pulses", PULSES_ONLY)
class CountIgnored(Crossbar):
    def _pulse(self, *arguments: Any) -> None:
        *others, count, region = arguments
        changed: tuple[Any, ...] = (*others, min(count, 1), region)
        super()._pulse(*changed)


@caught_by("count_is_a_number_of_pulses")
class CountOffByOne(Crossbar):
    def _pulse(self, *arguments: Any) -> None:
        *others, count, region = arguments
        changed: tuple[Any, ...] = (*others, max(1, count - 1), region)
        super()._pulse(*changed)


@caught_by("pulses_move_the_right_way", PULSES_ONLY)
class PulsesComeLater(Crossbar):
    """They are given when the cells are next looked at, with what the caller's mask is then."""

    pending: Any = None

    def pulse(self, kind: PulseKind, mask: ArrayLike, **rest: Any) -> None:
        super().pulse(kind, np.zeros_like(mask), **rest)
        self.pending = kind, mask, rest

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        if self.pending is not None:
            (kind, mask, rest), self.pending = self.pending, None
            super().pulse(kind, mask, **rest)
        return super()._read_conductance(region, samples)


@caught_by("single_cells_are_pulsed", PULSES_ONLY)
class SingleCellsAreSkipped(Crossbar):
    def _pulse(self, kind: PulseKind, mask: NDArray[np.bool_], *rest: Any) -> None:
        super()._pulse(kind, mask & (mask.sum() > 1), *rest)


@caught_by("any_order")
class EveryFifthProgramIsLost(Crossbar):
    programs = 0

    def _program(self, conductance: FloatArray, region: Region) -> None:
        self.programs += 1
        if self.programs % 5:
            super()._program(conductance, region)
        self.ground()


@caught_by("arguments_are_left_alone")
class ApplyWritesToItsArgument(Crossbar):
    def apply(self, voltage: ArrayLike, **where: Any) -> None:
        super().apply(voltage, **where)
        if isinstance(voltage, np.ndarray) and voltage.flags.writeable:
            voltage *= -1


@caught_by("arguments_are_left_alone")
class MaskedReadWritesToItsMask(Crossbar):
    def read_conductance(
        self, region: Region | None = None, samples: int = 1, *, mask: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        cells = super().read_conductance(region, samples, mask=mask)
        if isinstance(mask, np.ndarray) and mask.flags.writeable:
            mask[:] = True
        return cells


@caught_by("cell_arguments_are_left_alone", PULSES_ONLY)
class PulseWritesToItsMask(Crossbar):
    def pulse(self, kind: PulseKind, mask: ArrayLike, **rest: Any) -> None:
        super().pulse(kind, mask, **rest)
        if isinstance(mask, np.ndarray) and mask.flags.writeable:
            mask[:] = False


@caught_by("cell_arguments_are_left_alone")
class ProgramWritesToItsTargets(Crossbar):
    def program(self, conductance: ArrayLike, region: Region | None = None) -> None:
        super().program(conductance, region)
        if isinstance(conductance, np.ndarray) and conductance.flags.writeable:
            conductance[:] = 0


@caught_by("pulse_limits_are_accepted", PULSES_ONLY)
class SinglePrecisionLimitsRefused(Crossbar):
    """float32(0.9) is 0.9 - 2e-8."""

    def pulse(self, kind: PulseKind, mask: ArrayLike, *, voltage: ArrayLike, **rest: Any) -> None:
        super().pulse(kind, mask, voltage=np.asarray(voltage, np.float64), **rest)


@caught_by("largest_calls_are_accepted")
class IntegersOfNumPyRefused(Crossbar):
    def read(self, samples: int = 1) -> FloatArray:
        if not isinstance(samples, int):
            raise LimitError(f"{samples!r} is no integer")
        return super().read(samples)


@caught_by("shapes_that_do_not_fit_are_refused")
class ThreeAxesAccepted(Crossbar):
    def multiply(self, voltage: ArrayLike, **options: Any) -> FloatArray:
        if isinstance(voltage, np.ndarray) and voltage.ndim == 3:
            voltage = voltage.reshape(-1, voltage.shape[2])
        return super().multiply(voltage, **options)


@caught_by("shapes_that_do_not_fit_are_refused")
class TruthValuesAccepted(Crossbar):
    def apply(self, voltage: ArrayLike, **where: Any) -> None:
        if isinstance(voltage, np.ndarray) and voltage.dtype == np.bool_:
            voltage = voltage * 0.1
        super().apply(voltage, **where)


@caught_by("regions_beyond_are_refused")
class RegionsAreNotChecked(Crossbar):
    def multiply(self, voltage: ArrayLike, *, region: Any = None, **options: Any) -> FloatArray:
        if region is not None and region.cells:
            options["region"] = region
        return super().multiply(voltage, **options)


@caught_by("pulses_beyond_are_refused", PULSES_ONLY)
class MasksThatAreNoneComeOutUntyped(Crossbar):
    def pulse(self, kind: PulseKind, mask: ArrayLike, **rest: Any) -> None:
        super().pulse(kind, np.array(mask, np.bool_) if isinstance(mask, list) else mask, **rest)


@caught_by("reading_cells_and_waiting_ground")
class EmptyMaskedReadsGroundNothing(Crossbar):
    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        if not mask.any():
            return np.full(mask.shape, np.nan)
        return super()._read_cells(mask, region, samples)


@caught_by("batches_keep_their_order")
class LinesKeepTheirVoltages(Crossbar):
    """Lines that are not driven again keep what they had."""

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        before, same = self.latched[0], self.latched[1:] == (side, region)
        if same and before.shape == voltage.shape:
            voltage = np.where(voltage == 0, before.astype(voltage.dtype), voltage)
        super()._apply(voltage, side, region)
