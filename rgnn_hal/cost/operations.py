"""Digital operations, counted by kind.

A *mac* is one multiplication with its addition in a matrix product; *special* functions
(exponentials, roots, ...) and *elementary* operations (sums, comparisons, products by element) are
counted per element; *bytes* are what every operation reads and writes, as if nothing stayed in a
cache.
"""

from dataclasses import dataclass


@dataclass
class Operations:
    """Running totals; add two to merge them, multiply by a number to repeat them."""

    macs: int = 0
    special: int = 0
    elementary: int = 0
    bytes: int = 0

    def __add__(self, other: "Operations") -> "Operations":
        mine, theirs = vars(self), vars(other)
        return Operations(**{name: mine[name] + theirs[name] for name in mine})

    def __mul__(self, times: int) -> "Operations":
        return Operations(**{name: times * count for name, count in vars(self).items()})

    @property
    def arithmetic(self) -> int:
        """Of all kinds, each counted as one; bytes left out."""
        return self.macs + self.special + self.elementary

    def add(self, other: "Operations") -> None:
        """Merge another into this one."""
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)
