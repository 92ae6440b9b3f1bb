"""A ledger counts analog work where it happens, so that cost is measured and never estimated.

One *product* is one input vector through one whole matrix. Coding turns it into *planes* (voltage
vectors), tiling into reads of several regions, averaging into *samples*. In each sample of a tile
every row is driven once (*drives*), every sensed column is converted once (*conversions*), and each
cell does one analog multiply-accumulate (*macs*) with a power of G v^2.
"""

from dataclasses import asdict, dataclass


@dataclass
class Ledger:
    """Running totals; add two to merge them."""

    products: int = 0
    multiplications: int = 0
    """Multiply-accumulates of the products themselves: what a digital machine would do."""
    planes: int = 0
    """Voltage vectors, of every tile."""
    samples: int = 0
    """Reads of a voltage vector on a tile."""
    drives: int = 0
    """Settings of a row's digital-to-analog converter."""
    conversions: int = 0
    """Readings of a column's analog-to-digital converter."""
    macs: int = 0
    """Multiply-accumulates of cells, with those that differences, planes and repeats take."""
    square_volts: float = 0.0
    """Sum of v^2 over those cells and reads, V^2: times G and the time of a read, the energy that
    they dissipate."""
    saturated: int = 0
    """Averaged readings that lay at the converter's full scale."""

    def __add__(self, other: "Ledger") -> "Ledger":
        mine, theirs = asdict(self), asdict(other)
        return Ledger(**{name: mine[name] + theirs[name] for name in mine})
