"""A ledger counts analog work where it happens, so that cost is measured and never estimated.

One *product* is one input vector through one whole matrix. Coding turns it into *planes* (voltage
vectors), tiling into reads of several regions, averaging into *samples*. In each sample of a tile
every row is driven once (*drives*), every sensed column is converted once (*conversions*), and each
cell does one analog multiply-accumulate (*macs*) with a current of G |v|. Writing takes *pulses*,
and *cell_reads* to see what they did.
"""

from dataclasses import dataclass


@dataclass
class Ledger:
    """Running totals; add two to merge them."""

    products: int = 0
    multiplications: int = 0
    """Multiply-accumulates of the products themselves: what a digital machine would do."""
    sent: int = 0
    """Numbers that went to a tile: the inputs of a product, once however they are coded."""
    received: int = 0
    """Numbers that came back: its outputs, accumulated over planes and repeats beside the array."""
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
    cell_volts: float = 0.0
    """Sum of |v| over those cells and reads, V: times G, the supply and the time of a read, the
    energy that linear drivers draw."""
    saturated: int = 0
    """Averaged readings that lay at the converter's full scale."""
    pulses: int = 0
    """FORM, SET and RESET pulses, per cell."""
    cell_reads: int = 0
    """Cells read one by one, to verify those pulses."""

    def __add__(self, other: "Ledger") -> "Ledger":
        mine, theirs = vars(self), vars(other)
        return Ledger(**{name: mine[name] + theirs[name] for name in mine})

    def __mul__(self, times: int) -> "Ledger":
        return Ledger(**{name: times * count for name, count in vars(self).items()})

    def add(self, other: "Ledger") -> None:
        """Merge another into this one."""
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)
