"""What a chip remembers: the state of every cell, how often each was used, and the time.

This is all that changes while a chip lives; everything else follows from its preset and its seed.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.window import Side, Window

StreamKey = tuple[Window, Side]


@dataclass
class StreamPosition:
    """How far the products of one window and side have come."""

    normals: int = 0
    """Elements of the noise stream that are used up."""
    conversions: int = 0
    """Samples of vectors converted."""


@dataclass
class ChipState:
    """Arrays have the chip's shape (rows, columns)."""

    conductance: NDArray[np.float64]
    """S, at rest: without noise and telegraph shifts."""
    formed: NDArray[np.bool_]
    """Whether the cell has broken down."""
    stress: NDArray[np.float32]
    """Share of the pristine cell's life that FORM pulses have used up; it breaks at 1."""
    pulses: NDArray[np.uint32]
    """SET and RESET pulses that the cell has seen: the number of its next random event."""
    pulsed_at: NDArray[np.float64]
    """Time of the cell's last pulse outside products, s: when its relaxation began."""
    reads: NDArray[np.uint32]
    """Single-cell reads, likewise."""
    time_ns: int = 0
    """Time outside products, ns."""
    product_time_ns: int = 0
    """Time in products, ns."""
    streams: dict[StreamKey, StreamPosition] = field(default_factory=dict)

    @classmethod
    def pristine(cls, parameters: ChipParameters) -> Self:
        """A chip fresh from the fab."""
        shape = parameters.array.rows, parameters.array.cols
        return cls(
            conductance=np.full(shape, parameters.forming.pristine_conductance),
            formed=np.zeros(shape, np.bool_),
            stress=np.zeros(shape, np.float32),
            pulses=np.zeros(shape, np.uint32),
            pulsed_at=np.zeros(shape),
            reads=np.zeros(shape, np.uint32),
        )

    @property
    def time(self) -> float:
        """Time outside products, s: what single cells live by."""
        return self.time_ns / 10**9

    def join_clocks(self) -> None:
        """Let the time in products have passed for every cell, and every stream begin here."""
        self.time_ns += self.product_time_ns
        self.product_time_ns = 0
        for position in self.streams.values():
            position.conversions = 0

    def copy_cells(self) -> "ChipState":
        """The same state with its own copy of what pulses change."""
        return replace(
            self,
            conductance=self.conductance.copy(),
            formed=self.formed.copy(),
            stress=self.stress.copy(),
            pulses=self.pulses.copy(),
            pulsed_at=self.pulsed_at.copy(),
            streams={key: replace(position) for key, position in self.streams.items()},
        )
