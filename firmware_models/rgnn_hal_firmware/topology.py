"""How lines are wired: what a segment of metal resists, and where contacts reach it.

Two planes of parallel lines cross, rows over columns, with a cell at each crossing. A line is a
chain of `segment` resistances between neighbouring cells. A contact (a driver, or a sense amplifier
that holds the line at virtual ground) reaches its first cell, its last one or both through a
`lead`. A segment of copper has

    R = rho / (width^2 aspect) * pitch * (1 + TCR (T - 300 K))

(NeuroSim, Param.cpp: 40 nm wide, rho = 4.03e-8 ohm m, aspect 1.9: 13.3 ohm/um; TCR = 0.451 %/K).
At a pitch of 4 widths that is 2.1 ohm; wide or stacked metal reaches 0.05-0.3 ohm.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.window import Window

Values = NDArray[np.float64]

_COPPER_TCR = 4.51e-3
_REFERENCE_TEMPERATURE = 300.0


def segment_resistance(
    width: float,
    pitch: float,
    *,
    aspect: float = 1.9,
    resistivity: float = 4.03e-8,
    temperature: float = 300.0,
) -> float:
    """Of the metal between neighbouring cells, ohm.

    Args:
        width: of the line, m.
        pitch: between neighbouring cells, m.
        aspect: height over width of the line.
        resistivity: at 300 K in a line that narrow, ohm m: several times that of bulk copper.
        temperature: K.
    """
    per_metre = resistivity / (width**2 * aspect)
    return per_metre * pitch * (1.0 + _COPPER_TCR * (temperature - _REFERENCE_TEMPERATURE))


@dataclass(frozen=True)
class Contacts:
    """Which ends of a line have a contact: (at its first cell, at its last), repeated over lines.

    Rows run from the first column to the last, columns from the first row to the last.
    """

    pattern: tuple[tuple[bool, bool], ...]


FIRST = Contacts(((True, False),))
"""Rows from the left, columns from the top."""
LAST = Contacts(((False, True),))
"""Rows from the right, columns from the bottom."""
BOTH = Contacts(((True, True),))
"""Half the way, and a quarter of the drop."""
ALTERNATING = Contacts(((True, False), (False, True)))
"""Even lines from the first cell, odd ones from the last: twice the pitch for each driver."""


@dataclass(frozen=True)
class Plane:
    """The parallel lines of one plane, as far as a read makes use of them."""

    segment: float
    """Between neighbouring cells of a line, ohm."""
    leads: Values
    """(lines, 2): from the contact to the first and to the last cell, ohm; inf is no contact."""

    def without_contacts(self, lines: NDArray[np.bool_]) -> Self:
        """The same with the marked lines floating."""
        return replace(self, leads=np.where(lines[:, None], np.inf, self.leads))


@dataclass(frozen=True)
class Wire:
    """The metal of one plane."""

    segment: float
    """Between neighbouring cells of a line, ohm."""
    lead: float
    """From a contact to the cell at its end, ohm; with what the driver or amplifier itself has."""
    contacts: Contacts

    def __post_init__(self) -> None:
        for name in ("segment", "lead"):
            value = getattr(self, name)
            if not 0.0 <= value < np.inf:
                raise ValueError(f"{name} is {value} ohm; give a finite resistance of at least 0")

    def plane(self, lines: range, before: int = 0, after: int = 0) -> Plane:
        """The lines numbered `lines` with their metal past `before` and `after` cut-off cells."""
        ways = self.lead + self.segment * np.array([before, after])
        present = np.resize(np.array(self.contacts.pattern), (lines.stop, 2))[lines.start :]
        return Plane(self.segment, np.where(present, ways, np.inf))


@dataclass(frozen=True)
class Wiring:
    """The metal of both planes. Equal wirings are equal: one may key a cache."""

    rows: Wire
    cols: Wire

    def planes(self, shape: tuple[int, int], window: Window) -> tuple[Plane, Plane]:
        """Rows and columns of an array of `shape` with every cell outside `window` cut off.

        That is what deselected word lines do in 1T1R: a cut-off cell leaves only its stretch of
        metal, which lengthens the lead. Lines that are merely not driven or not converted are at
        0 V and need no planes of their own: take the block of the whole transfer matrix.
        """
        rows = range(window.row_start, window.row_stop)
        cols = range(window.col_start, window.col_stop)
        return (
            self.rows.plane(rows, cols.start, shape[1] - cols.stop),
            self.cols.plane(cols, rows.start, shape[0] - rows.stop),
        )
