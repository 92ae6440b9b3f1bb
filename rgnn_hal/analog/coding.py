"""Input coding: how a vector of numbers becomes read voltages.

A coding writes every sample as a weighted sum of voltage vectors, its planes:

    x[b] = sum_p weight[b, p] * voltage[b, p]      (weight in units of x per volt)

and because the crossbar is linear, the product is the same sum over the planes' currents. Ranges
are per sample, never shared across a batch, so a prediction does not depend on its batch mates;
numbers are rounded to nearest, because truncation shifts every input by half a step.

Read noise of a plane does not depend on what the plane weighs. One multilevel plane therefore costs
one read where eight bit planes cost eight; with the same eight reads averaged, the multilevel code
has a quarter of the bit-serial noise variance (sum_k 4^k b_k / (2^8 - 1)^2 against x^2 / 8).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rgnn_hal.macro import LimitError, MacroSpec
from rgnn_hal.macro.checks import FloatArray


@dataclass(frozen=True)
class CodedInput:
    """`voltage` (batch, planes, inputs), V, and `weight` (batch, planes), units of x per volt."""

    voltage: FloatArray
    weight: FloatArray


class InputCoding(Protocol):
    """A way to write vectors as voltages."""

    def encode(self, x: FloatArray, spec: MacroSpec) -> CodedInput:
        """Planes of `x` (batch, inputs), finite, for a macro's read voltage window."""


@dataclass(frozen=True)
class Multilevel:
    """One voltage level per input value.

    Signed windows take signed voltages in one plane; a window without negative voltages takes the
    positive and the negative part in two planes. `bits` rounds to that many bits before the macro's
    own converter does; None leaves it to the converter.
    """

    bits: int | None = None

    def __post_init__(self) -> None:
        if self.bits is not None:
            _check_bits(self.bits)

    def encode(self, x: FloatArray, spec: MacroSpec) -> CodedInput:
        """See `InputCoding`."""
        full, signed = _full_scale(spec, x)
        scale = _range(np.abs(x).max(axis=1))
        fraction = x / scale[:, None]
        if self.bits is not None:
            levels = 2 ** (self.bits - 1) - 1 if signed else 2**self.bits - 1
            fraction = np.rint(fraction * levels) / levels
        weight = _per_volt(scale, full)[:, None]
        if signed:
            return CodedInput((fraction * full)[:, None, :], weight)
        phases = np.stack([np.maximum(fraction, 0), np.maximum(-fraction, 0)], axis=1)
        return CodedInput(phases * full, np.concatenate([weight, -weight], axis=1))


@dataclass(frozen=True)
class BitSerial:
    """Sign and magnitude: `bits` planes of on/off voltages, doubling in weight.

    A signed window carries the sign in the voltage; otherwise the negative inputs take as many
    planes again.
    """

    bits: int = 8

    def __post_init__(self) -> None:
        _check_bits(self.bits)

    def encode(self, x: FloatArray, spec: MacroSpec) -> CodedInput:
        """See `InputCoding`."""
        full, signed = _full_scale(spec, x)
        scale = _range(np.abs(x).max(axis=1))
        planes = _bit_planes(np.abs(x) / scale[:, None], self.bits) * full
        weight = _bit_weights(scale, self.bits, full)
        if signed:
            return CodedInput(planes * np.sign(x)[:, None, :], weight)
        phases = np.concatenate(
            [planes * (x > 0)[:, None, :], planes * (x < 0)[:, None, :]], axis=1
        )
        return CodedInput(phases, np.concatenate([weight, -weight], axis=1))


@dataclass(frozen=True)
class OffsetBitSerial:
    """The paper's coding: x - min(x) in `bits` planes, and one plane of ones for the offset."""

    bits: int = 8

    def __post_init__(self) -> None:
        _check_bits(self.bits)

    def encode(self, x: FloatArray, spec: MacroSpec) -> CodedInput:
        """See `InputCoding`."""
        full, _ = _full_scale(spec, x)
        low = x.min(axis=1)
        span = _range(x.max(axis=1) - low)
        planes = _bit_planes((x - low[:, None]) / span[:, None], self.bits) * full
        ones = np.full((x.shape[0], 1, x.shape[1]), full, dtype=x.dtype)
        weight = np.concatenate(
            [_bit_weights(span, self.bits, full), _per_volt(low, full)[:, None]], axis=1
        )
        return CodedInput(np.concatenate([planes, ones], axis=1), weight)


def _full_scale(spec: MacroSpec, x: FloatArray) -> tuple[float, bool]:
    """Largest usable amplitude, V, representable in x's dtype within the window; and signedness."""
    signed = spec.read_voltage.low < 0
    limit = (
        min(spec.read_voltage.high, -spec.read_voltage.low) if signed else spec.read_voltage.high
    )
    full = x.dtype.type(limit)
    # float32(0.2) is 0.2 + 3e-9: a macro's checks let it pass, but no plane should exceed a limit.
    return float(full if float(full) <= limit else np.nextafter(full, x.dtype.type(0))), signed


def _range(width: FloatArray) -> FloatArray:
    """Per-sample range; 1 for constant samples, which then code to zero."""
    return np.where(width > 0, width, width.dtype.type(1))


def _bit_planes(fraction: FloatArray, bits: int) -> FloatArray:
    """0 or 1 (batch, bits, inputs) of fractions in 0 ... 1, least significant bit first."""
    levels = np.rint(fraction * (2**bits - 1)).astype(np.uint32)
    shifts = np.arange(bits, dtype=np.uint32)[None, :, None]
    planes: FloatArray = ((levels[:, None, :] >> shifts) & 1).astype(fraction.dtype)
    return planes


def _bit_weights(scale: FloatArray, bits: int, full: float) -> FloatArray:
    _per_volt(scale, full)
    weights = 2.0 ** np.arange(bits) / ((2**bits - 1) * full)
    scaled: FloatArray = scale[:, None] * weights[None, :].astype(scale.dtype)
    return scaled


def _per_volt(scale: FloatArray, full: float) -> FloatArray:
    """`scale / full`, refused where the type of `scale` cannot hold it."""
    largest = float(np.finfo(scale.dtype).max) * full
    if (beyond := np.abs(scale) > largest).any():
        raise LimitError(
            f"inputs span {np.abs(scale[beyond]).max():g}, more than the {largest:g} that "
            f"{scale.dtype} can code; scale them down"
        )
    return scale / scale.dtype.type(full)


def _check_bits(bits: int) -> None:
    if not 2 <= bits <= 16:
        raise LimitError(f"input coding with {bits!r} bits is not possible; use 2 ... 16")
