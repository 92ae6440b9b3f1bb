"""A ledger counts analog work where it happens, so that cost is measured and never estimated.

One *product* is one input vector through one whole matrix. Coding turns it into *planes* (voltage
vectors), tiling into reads of several regions, averaging into *samples*; each sample of each sensed
column is one *conversion* of an analog-to-digital converter, and each cell that carries a plane in
a sample does one analog multiply-accumulate (*mac*).
"""

from dataclasses import asdict, dataclass


@dataclass
class Ledger:
    """Running totals; add two to merge them."""

    products: int = 0
    planes: int = 0
    conversions: int = 0
    macs: int = 0
    saturated: int = 0
    """Averaged readings that lay at the converter's full scale."""

    def __add__(self, other: "Ledger") -> "Ledger":
        mine, theirs = asdict(self), asdict(other)
        return Ledger(**{name: mine[name] + theirs[name] for name in mine})
