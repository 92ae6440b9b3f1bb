"""Checks of arguments against a `MacroSpec`, done once for every driver before it sees a call.

Each function returns the argument in the form drivers are promised, or raises `LimitError` with the
value, the limit and the remedy. Arrays are copied first and checked then, so that a thread that
writes into the caller's buffer cannot slip a value past its check.
"""

import sys
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro.errors import LimitError, NotSupportedError
from rgnn_hal.macro.region import Region
from rgnn_hal.macro.spec import Capability, MacroSpec, PulseKind, PulseLimits, Range, Side

FloatArray = NDArray[np.floating[Any]]


def check_region(spec: MacroSpec, region: Region | None) -> Region:
    """`region` if it lies on the macro; the whole macro for None."""
    if region is None:
        return spec.region
    if not isinstance(region, Region):
        raise LimitError(f"region {region!r} is no Region; read text with Region.parse")
    if not spec.region.contains(region):
        raise LimitError(
            f"region {region} reaches beyond the macro's {spec.rows} rows x {spec.cols} columns"
        )
    return region


def check_side(spec: MacroSpec, side: Side) -> None:
    """`side` is known, and `"cols"` only where the hardware can be read transposed."""
    if side not in ("rows", "cols"):
        raise LimitError(f"side {side!r} is neither 'rows' nor 'cols'")
    if side == "cols" and Capability.TRANSPOSE not in spec.capabilities:
        raise NotSupportedError("this macro cannot drive columns and sense rows; use side='rows'")


def check_drive(
    spec: MacroSpec, voltage: ArrayLike, side: Side, region: Region | None
) -> tuple[FloatArray, Region]:
    """Voltages to latch and the region whose lines they drive: all checks of `apply`."""
    region = check_region(spec, region)
    check_side(spec, side)
    return check_voltage(spec, voltage, region, side), region


def check_voltage(spec: MacroSpec, voltage: ArrayLike, region: Region, side: Side) -> FloatArray:
    """`voltage` as a C-contiguous float32 or float64 copy of shape (batch, driven lines), V."""
    array = float_array("voltage", voltage)
    lines = region.shape[0 if side == "rows" else 1]
    if array.ndim != 2 or array.shape[1] != lines:
        raise LimitError(
            f"voltage of shape {array.shape} does not fit: {side} of region {region} need "
            f"(batch, {lines}); for one vector pass voltage[None, :]"
        )
    if not 1 <= array.shape[0] <= spec.max_batch:
        raise LimitError(
            f"a batch of {array.shape[0]} vectors is outside 1 ... {spec.max_batch}; split it"
        )
    _check_within("voltage", array, spec.read_voltage, "V", "read limit")
    return array


def check_conductance(spec: MacroSpec, conductance: ArrayLike, region: Region) -> FloatArray:
    """`conductance` as a C-contiguous copy of the region's shape within the window, S."""
    array = float_array("conductance", conductance)
    if array.shape != region.shape:
        raise LimitError(
            f"conductance of shape {array.shape} does not fit region {region} of {region.shape}"
        )
    _check_within("conductance", array, spec.conductance, "S", "conductance window")
    return array


def check_mask(mask: ArrayLike, region: Region) -> NDArray[np.bool_]:
    """`mask` as a boolean copy of the region's shape."""
    try:
        array = np.asarray(mask)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists
        raise LimitError(f"mask is no array of truth values: {error}") from error
    if array.dtype != np.bool_ or array.shape != region.shape:
        raise LimitError(
            f"mask is {array.dtype} of shape {array.shape}; "
            f"region {region} needs bool of {region.shape}"
        )
    return np.array(array, order="C")


def check_pulse(
    spec: MacroSpec,
    kind: PulseKind,
    mask: NDArray[np.bool_],
    voltage: ArrayLike,
    gate_voltage: ArrayLike,
    width: float,
    count: int,
) -> tuple[FloatArray, FloatArray]:
    """Amplitudes (cell, gate) as float64 arrays of the mask's shape, V, checked where it is set."""
    limits = pulse_limits(spec, kind)
    amplitudes = []
    for name, value, limit in (
        ("voltage", voltage, limits.voltage),
        ("gate_voltage", gate_voltage, limits.gate_voltage),
    ):
        array = float_array(name, value)
        try:
            every = np.broadcast_to(array, mask.shape)
        except ValueError:
            raise LimitError(
                f"{name} of shape {array.shape} does not broadcast to the mask's {mask.shape}"
            ) from None
        # Picking the cells of a mask takes longer than all else; mostly all values are good.
        if not _is_within(array, limit):
            _check_within(name, every[mask], limit, "V", f"{kind.upper()} limit")
        private = every if every.shape != array.shape else array
        widened = np.require(private, np.float64, ["C", "W"])
        if array.dtype == np.float32:
            # float32(0.9) meets a limit of 0.9 V, but widened it is 2e-8 V below.
            np.clip(widened, limit.low, limit.high, out=widened)
        amplitudes.append(widened)
    if not _is_number(width) or width not in limits.width:
        raise LimitError(
            f"width {width!r} s is outside the {kind.upper()} limit "
            f"{limits.width.low:g} ... {limits.width.high:g} s"
        )
    check_count("count", count, limits.max_count)
    return amplitudes[0], amplitudes[1]


def pulse_limits(spec: MacroSpec, kind: PulseKind) -> PulseLimits:
    """The envelope of `kind`, or `NotSupportedError` where the macro has no such pulse."""
    try:
        return spec.pulses[PulseKind(kind)]
    except (KeyError, ValueError):
        known = ", ".join(spec.pulses) or "none"
        raise NotSupportedError(
            f"this macro has no {str(kind)!r} pulses; it has: {known}"
        ) from None


def check_count(name: str, value: int, most: int) -> None:
    """`value` is an integer from 1 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
        raise LimitError(f"{name} {value!r} is not an integer in 1 ... {most}")


def check_duration(duration: float) -> float:
    """`duration` is a finite number of seconds, not negative."""
    if not _is_number(duration) or not 0.0 <= duration <= sys.float_info.max:
        raise LimitError(f"cannot wait {duration!r} s; give a finite time >= 0")
    return float(duration)


def float_array(name: str, value: ArrayLike) -> FloatArray:
    """`value` as a C-contiguous copy, float32 if it is so, float64 for any other real numbers."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, torch tensors with grad
        raise LimitError(f"{name} is no array of numbers: {error}") from error
    if array.dtype.kind not in "iuf":
        raise LimitError(f"{name} has type {array.dtype}; pass float32 or float64 numbers")
    return np.array(array, dtype=np.float32 if array.dtype == np.float32 else np.float64, order="C")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_within(array: FloatArray, limit: Range) -> bool:
    if array.size == 0:
        return True
    low, high = _ends(array, limit)
    # The comparisons are written so that NaN, for which both are false, is refused too.
    return bool(array.min() >= low and array.max() <= high)


def _ends(array: FloatArray, limit: Range) -> tuple[np.floating[Any], np.floating[Any]]:
    """In the array's own precision: float32(0.2), which is 0.2 + 3e-9, meets a limit of 0.2."""
    return array.dtype.type(limit.low), array.dtype.type(limit.high)


def _check_within(name: str, array: FloatArray, limit: Range, unit: str, what: str) -> None:
    if _is_within(array, limit):
        return
    low, high = _ends(array, limit)
    where = np.argwhere(~((array >= low) & (array <= high)))
    examples = ", ".join(f"{array[tuple(index)]} at {tuple(index.tolist())}" for index in where[:3])
    raise LimitError(
        f"{len(where)} of {array.size} {name} values are outside the {what} "
        f"{limit.low} ... {limit.high} {unit}: {examples}; nothing was done"
    )
