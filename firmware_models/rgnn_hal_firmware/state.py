"""What a chip remembers: the state of every cell, how often each was used, and the time.

This is all that changes while a chip lives; everything else follows from its preset and its seed.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.window import Side, Window

StreamKey = tuple[Window, Side]

Cells = NDArray[np.int64]

_SPARSE = 4
"""Times as many cells are copied in a row before it takes longer than picking single ones."""
_PULSED = "conductance", "pulses", "pulsed_at"
"""What every pulse changes in cells."""
_FORMED = "formed", "stress"
"""What FORM changes besides."""


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
    """Pulses that the cell has seen since it was first SET or RESET, with that one: the number of
    its next random event."""
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

    def remember(self, *, forming: bool) -> "Memory":
        """What the clocks are, to begin with; `forming` tells which pulses will follow."""
        streams = {key: replace(position) for key, position in self.streams.items()}
        names = _PULSED + _FORMED if forming else _PULSED
        return Memory(self, names, self.time_ns, self.product_time_ns, streams)


@dataclass(frozen=True)
class Memory:
    """What a chip was: its clocks, and those cells that were noted before pulses changed them."""

    state: ChipState
    names: tuple[str, ...]
    """Of the arrays that are noted."""
    time_ns: int
    product_time_ns: int
    streams: dict[StreamKey, StreamPosition]
    _noted: list[tuple[slice | Cells, list[NDArray[Any]]]] = field(default_factory=list)

    def note(self, cells: Cells) -> None:
        """Keep what pulses are about to change in `cells` (flat indices, rising)."""
        place = _hull(cells)
        values = [array[place] for array in self._arrays()]
        if isinstance(place, slice):
            values = [value.copy() for value in values]
        self._noted.append((place, values))

    def recall(self) -> None:
        """Make the chip what it was."""
        for place, values in reversed(self._noted):
            for array, value in zip(self._arrays(), values, strict=True):
                array[place] = value
        self.state.time_ns, self.state.product_time_ns = self.time_ns, self.product_time_ns
        self.state.streams = self.streams

    def _arrays(self) -> list[NDArray[Any]]:
        return [getattr(self.state, name).reshape(-1) for name in self.names]


def _hull(cells: Cells) -> slice | Cells:
    """`cells`, or all from the first to the last where that takes less time: a slice."""
    if not cells.size:
        return cells
    first, stop = int(cells[0]), int(cells[-1]) + 1
    return slice(first, stop) if stop - first < _SPARSE * cells.size else cells
