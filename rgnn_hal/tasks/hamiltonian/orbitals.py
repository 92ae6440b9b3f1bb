"""Which orbitals an atom carries and in which order: the one place that knows conventions.

An atom of an element has shells; a shell of angular momentum l has 2l+1 real solid harmonics of
Condon-Shortley-free sign (x, y, z; xy, yz, 3z2-r2, xz, x2-y2; ...). Codes differ in their order
only, and the standard is that of `rgnn_hal.structures.spherical_harmonics`, m = -l..l:

    l   standard (m = -l..l)              PySCF        OpenMX
    1   y, z, x                           x, y, z      x, y, z
    2   xy, yz, 3z2-r2, xz, x2-y2         standard     3z2-r2, x2-y2, xy, xz, yz
    3+  m = -l..l                         standard     m = 0, 1, -1, 2, -2, 3, -3

Sources: PySCF 2.14 `gto.mole` (ao_labels); OpenMX 3.8 manual, and the orders that the data state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from rgnn_hal.macro import DataError

_LETTERS = "spdfgh"


class Convention(StrEnum):
    """Whose order of orbitals a matrix is stored in."""

    STANDARD = "standard"
    PYSCF = "pyscf"
    OPENMX = "openmx"


@cache
def magnetic_order(convention: Convention, degree: int) -> tuple[int, ...]:
    """The m of every stored orbital of a shell, e.g. (1, -1, 0) where p is stored as x, y, z.

    Raises:
        DataError: OpenMX beyond f.
    """
    standard = tuple(range(-degree, degree + 1))
    if convention is Convention.STANDARD or degree == 0:
        return standard
    if degree == 1:
        return (1, -1, 0)
    if convention is Convention.PYSCF:
        return standard
    orders = {2: (0, 2, -2, 1, -1), 3: (0, 1, -1, 2, -2, 3, -3)}
    if degree not in orders:
        raise DataError(
            f"the order of OpenMX's l = {degree} orbitals is not known here; use shells up to f"
        )
    return orders[degree]


@dataclass(frozen=True)
class OrbitalBasis:
    """Shells of every element, in storage order, and the order of orbitals within a shell."""

    shells: Mapping[int, tuple[int, ...]]
    """Angular momenta by atomic number: oxygen in def2-SVP has (0, 0, 0, 1, 1, 2)."""
    convention: Convention

    def size(self, number: int) -> int:
        """Orbitals of one atom of an element.

        Raises:
            DataError: an element without shells.
        """
        return sum(2 * degree + 1 for degree in self.of(number))

    def of(self, number: int) -> tuple[int, ...]:
        """Shells of an element.

        Raises:
            DataError: an element without shells.
        """
        if number not in self.shells:
            known = ", ".join(chemical_symbols[z] for z in sorted(self.shells))
            raise DataError(
                f"there are no orbitals for {chemical_symbols[number]}; the basis knows {known}. "
                "Use data that contain every element"
            )
        return self.shells[number]

    @property
    def largest(self) -> int:
        """Orbitals of the element that has most: the side of padded blocks."""
        return max(self.size(number) for number in self.shells)

    def offsets(self, numbers: Iterable[int]) -> NDArray[np.int64]:
        """First orbital of every atom, and after the last the number of all: (atoms + 1,)."""
        sizes = [self.size(int(number)) for number in numbers]
        return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])

    def shell_slices(self, number: int) -> tuple[slice, ...]:
        """Where every shell of an element lies among the atom's orbitals."""
        stops = np.cumsum([2 * degree + 1 for degree in self.of(number)]).tolist()
        return tuple(slice(a, b) for a, b in zip([0, *stops], stops, strict=False))

    def to_standard(self, number: int) -> NDArray[np.int64]:
        """Stored positions in standard order: `stored[to_standard]` is standard."""
        places: list[int] = []
        for degree, shell in zip(self.of(number), self.shell_slices(number), strict=True):
            order = magnetic_order(self.convention, degree)
            places += [shell.start + order.index(m) for m in range(-degree, degree + 1)]
        return np.array(places, dtype=np.int64)

    def from_standard(self, number: int) -> NDArray[np.int64]:
        """The inverse of `to_standard`: `standard[from_standard]` is stored."""
        return np.argsort(self.to_standard(number))

    def label(self, number: int) -> str:
        """The shells in words, e.g. "3s2p1d"."""
        degrees = self.of(number)
        return "".join(
            f"{degrees.count(degree)}{_LETTERS[degree]}" for degree in sorted(set(degrees))
        )


def shells_from_degrees(degrees: Sequence[int]) -> tuple[int, ...]:
    """Shells of an atom from the l of each of its orbitals, which come shell by shell.

    Raises:
        DataError: a run of equal l that is no whole number of shells.
    """
    shells: list[int] = []
    position = 0
    while position < len(degrees):
        degree = int(degrees[position])
        width = 2 * degree + 1
        if list(degrees[position : position + width]) != [degree] * width:
            raise DataError(
                f"orbital {position} starts a shell of l = {degree}, but the next {width} orbitals "
                "are not all of that l; store whole shells one after another"
            )
        shells.append(degree)
        position += width
    return tuple(shells)


def shells_from_label(label: str) -> tuple[int, ...]:
    """Shells from OpenMX's words for a basis: "s2p2d1" is (0, 0, 1, 1, 2).

    Raises:
        DataError: no such words.
    """
    letters, counts = label[::2], label[1::2]
    if (
        not label
        or len(letters) != len(counts)
        or not counts.isdecimal()
        or not set(letters) <= set(_LETTERS)
    ):
        raise DataError(f"basis {label!r} is not understood; write it as in s2p2d1")
    return tuple(
        _LETTERS.index(letter)
        for letter, count in zip(letters, counts, strict=True)
        for _ in range(int(count))
    )
