"""Molecules: nuclei that stand still, and how many electrons of each spin move among them.

Written as `"Li 0 0 0; H 0 0 3.015"`, in bohr unless told otherwise. Hydrogen to neon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import torch
from torch import Tensor

from rgnn_hal.macro import LimitError

ELEMENTS = ("H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne")
_HUND = (1, 0, 1, 0, 1, 2, 3, 2, 1, 0)
"""2S of the free atoms' ground states."""
BOHR_PER = {"bohr": 1.0, "angstrom": 1.0 / 0.529177210903}
_CLOSEST = 0.1
"""bohr; nuclei that are closer are a mistake."""


@dataclass(frozen=True)
class Molecule:
    """Clamped nuclei and electrons. Lengths are in bohr."""

    symbols: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...]
    up: int
    """Electrons of spin up, the majority."""
    down: int

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Nuclear charges."""
        return tuple(ELEMENTS.index(symbol) + 1 for symbol in self.symbols)

    @property
    def electrons(self) -> int:
        """Of both spins."""
        return self.up + self.down

    @cached_property
    def charges(self) -> Tensor:
        """Nuclear charges, (nuclei,)."""
        return torch.tensor(self.numbers, dtype=torch.float64)

    @cached_property
    def nuclei(self) -> Tensor:
        """Positions, (nuclei, 3), bohr."""
        return torch.tensor(self.positions, dtype=torch.float64)

    @property
    def nuclear_repulsion(self) -> float:
        """sum_A<B Z_A Z_B / R_AB, hartree."""
        pairs = combinations(zip(self.numbers, self.positions, strict=True), 2)
        return sum(z * y / math.dist(p, q) for (z, p), (y, q) in pairs)

    def __str__(self) -> str:
        return "; ".join(
            f"{symbol} {x:.10g} {y:.10g} {z:.10g}"
            for symbol, (x, y, z) in zip(self.symbols, self.positions, strict=True)
        )


def parse_molecule(
    text: str, *, unit: str = "bohr", spin: int | None = None, charge: int = 0
) -> Molecule:
    """A molecule from `"H 0 0 0; H 0 0 1.4"`.

    Args:
        text: symbol and x, y, z of every atom, separated by semicolons.
        unit: `bohr` or `angstrom`.
        spin: 2S, electrons up minus electrons down; by default Hund's rule for a neutral atom,
            otherwise 0 or 1.
        charge: of the molecule, elementary charges.

    Raises:
        LimitError: not understood, beyond neon, two nuclei in one place, or an impossible spin.
    """
    if unit not in BOHR_PER:
        raise LimitError(f"unit {unit!r} is neither bohr nor angstrom")
    atoms = [_parse_atom(part, BOHR_PER[unit]) for part in text.split(";") if part.strip()]
    if not atoms:
        raise LimitError(f"molecule {text!r} has no atoms; write for example 'H 0 0 0; H 0 0 1.4'")
    symbols, positions = (tuple(column) for column in zip(*atoms, strict=True))
    for (i, p), (j, q) in combinations(enumerate(positions), 2):
        if math.dist(p, q) < _CLOSEST:
            raise LimitError(
                f"atoms {i} and {j} are {math.dist(p, q):.3g} bohr apart; nuclei must be at least "
                f"{_CLOSEST} bohr apart (is the unit right?)"
            )
    electrons = sum(ELEMENTS.index(symbol) + 1 for symbol in symbols) - charge
    if electrons < 1:
        raise LimitError(f"charge {charge} leaves {electrons} electrons; at least one is needed")
    if spin is None:
        neutral_atom = len(atoms) == 1 and charge == 0
        spin = _HUND[ELEMENTS.index(symbols[0])] if neutral_atom else electrons % 2
    if not 0 <= spin <= electrons or (electrons - spin) % 2:
        parity = "even" if electrons % 2 == 0 else "odd"
        raise LimitError(
            f"spin (2S) {spin} does not fit {electrons} electrons; give an {parity} number of "
            f"unpaired electrons between 0 and {electrons}"
        )
    return Molecule(symbols, positions, (electrons + spin) // 2, (electrons - spin) // 2)


def _parse_atom(part: str, scale: float) -> tuple[str, tuple[float, float, float]]:
    words = part.replace(",", " ").split()
    if len(words) != 4:
        raise LimitError(f"atom {part.strip()!r} is not a symbol and three coordinates")
    symbol = words[0].capitalize()
    if symbol not in ELEMENTS:
        raise LimitError(
            f"element {words[0]!r} is not one of {', '.join(ELEMENTS)}; the basis of orbitals has "
            "s and p functions for these only"
        )
    try:
        x, y, z = (float(word) * scale for word in words[1:])
    except ValueError as error:
        raise LimitError(f"atom {part.strip()!r} has a coordinate that is no number") from error
    if not all(map(math.isfinite, (x, y, z))):
        raise LimitError(f"atom {part.strip()!r} has a coordinate that is not finite")
    return symbol, (x, y, z)
