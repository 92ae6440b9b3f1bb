"""Frames as a regression meets them, and a store of them: files are read dozens of times.

A training goes through its file once for every member of a committee and once for every step of
their refinement. Reading a frame of ethanol and finding its neighbours takes 1.4 ms, a fifth of
what the rest of a step takes, and only one thread can do it at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.structures import FilePart, Graph, LabelledFrame, read_frames

_STORE_BYTES = 1 << 28
"""45,000 frames of ethanol, or 4,000 of 32 atoms of Li3PO4."""
_OBJECTS_BYTES = 2700
"""That an example takes beside its numbers, measured over 10,000."""


@dataclass(frozen=True)
class Example:
    """A structure's graph and what is to be learnt about it."""

    graph: Graph
    energy: float
    """eV, beyond what its composition says."""
    forces: NDArray[np.float64]
    """(atoms, 3), eV/angstrom."""

    @property
    def bytes(self) -> int:
        """Of memory."""
        parts = (self.graph.species, self.graph.centre, self.graph.neighbour)
        numbers = sum(part.nbytes for part in (*parts, self.graph.displacement, self.forces))
        return numbers + _OBJECTS_BYTES


class ExampleStore:
    """Examples of parts of one file; parts that come when it is full are read every time.

    Any number of threads may ask; a copy in another process starts empty.
    """

    def __init__(self) -> None:
        self._parts: dict[FilePart, tuple[Example, ...]] = {}
        self._bytes = 0
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[ExampleStore], tuple[()]]:
        return ExampleStore, ()

    def of(
        self, path: Path, part: FilePart, make: Callable[[LabelledFrame], Example]
    ) -> tuple[Example, ...]:
        """Those that `make` makes of the frames of a part, in order."""
        known = self._parts.get(part)
        if known is not None:
            return known
        made = tuple(map(make, read_frames(path, part)))
        size = sum(example.bytes for example in made)
        with self._lock:
            if part not in self._parts and self._bytes + size <= _STORE_BYTES:
                self._parts[part] = made
                self._bytes += size
        return made
