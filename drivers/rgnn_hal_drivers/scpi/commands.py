"""Commands as the dialect writes them: text, and blocks that are sent from where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import PulseKind, Region, Side
from rgnn_hal.macro.checks import FloatArray
from rgnn_hal_drivers.visa_stream import Piece

Command = Sequence[Piece]


@dataclass(frozen=True)
class Drive:
    """What is latched, but for the voltages themselves."""

    batch: int
    region: Region
    side: Side
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """(batch, sensed lines), which is what a read answers."""
        return self.batch, self.region.shape[1 if self.side == "rows" else 0]

    @property
    def nbytes(self) -> int:
        """Of the voltages and of the currents together."""
        return self.batch * sum(self.region.shape) * self.dtype.itemsize

    @property
    def text(self) -> str:
        """The parameters of `MACRo:VOLTage`."""
        kind = f"REAL{8 * self.dtype.itemsize}"
        return f"{self.side.upper()},{bounds(self.region)},{self.batch},{kind}"


def pulse(
    kind: PulseKind,
    mask: NDArray[np.bool_],
    voltage: FloatArray,
    gate_voltage: FloatArray,
    width: float,
    count: int,
    region: Region,
) -> Command:
    """Pulses; amplitudes are float64, and one number where all are equal."""
    head = f"MACR:PULS {kind.upper()},{bounds(region)},{width:.17g},{count},REAL64,"
    amplitude, gate = block(_shortest(voltage)), block(_shortest(gate_voltage))
    return [head.encode(), *block(mask), b",", *amplitude, b",", *gate]


def apply(drive: Drive, voltage: FloatArray) -> Command:
    """Latch voltages."""
    return [f"MACR:VOLT {drive.text},".encode(), *block(voltage)]


def multiply(drive: Drive, voltage: FloatArray, samples: int) -> Command:
    """Latch voltages and read."""
    return [f"MACR:MULT? {drive.text},{samples},".encode(), *block(voltage)]


def conductance(region: Region, samples: int, mask: NDArray[np.bool_] | None) -> Command:
    """Read cell by cell, all or those of a mask."""
    head = f"MACR:COND? {bounds(region)},{samples}"
    return text(head) if mask is None else [f"{head},".encode(), *block(mask)]


def text(command: str) -> Command:
    """A command without blocks."""
    return [command.encode("ascii")]


def bounds(region: Region) -> str:
    """`r0,r1,c0,c1`."""
    return f"{region.row_start},{region.row_stop},{region.col_start},{region.col_stop}"


def block(array: NDArray[Any]) -> Command:
    """A definite-length block, little-endian: header and bytes, which are not copied."""
    body = raw(np.ascontiguousarray(array, array.dtype.newbyteorder("<")))
    length = str(len(body))
    return [f"#{len(length)}{length}".encode("ascii"), body]


def raw(array: NDArray[Any]) -> memoryview:
    """The memory of a C-contiguous array as bytes."""
    return array.reshape(-1).view(np.uint8).data


def _shortest(amplitude: FloatArray) -> FloatArray:
    return amplitude[:1, :1] if amplitude.min() == amplitude.max() else amplitude
