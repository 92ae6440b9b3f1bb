"""What a comparison hangs on: the same counted work, assessed as others may have assessed it.

Published ratios of speed and energy seldom say what they include. Each `Assumption` changes one
thing about the work, the macro or what is compared:

    converters      one per column: no column waits for its turn
    whole arrays    every read uses all cells, as peak figures do, however small the matrices are;
                    s = ceil(macs / cells) reads drive all rows and convert all columns
    products alone  nothing but the products counts, on either side, and of areas only the macro's
                    own is set against the machine's die
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from rgnn_hal.cost.comparison import Ratios, assess, assess_products
from rgnn_hal.cost.geometry import reshaped
from rgnn_hal.cost.hardware import Machine, MacroHardware
from rgnn_hal.cost.work import Work


def _as_counted(work: Work, macro: MacroHardware, machine: Machine) -> Ratios:
    (baseline,) = assess(work, macro, machine, [machine]).baselines
    return baseline.gain


@dataclass(frozen=True)
class Assumption:
    """One way to count."""

    name: str
    ratios: Callable[[Work, MacroHardware, Machine], Ratios] = _as_counted
    """What a macro gains, of counted work, on hardware."""


def whole_arrays(work: Work, macro: MacroHardware) -> Work:
    """The same multiply-accumulates of cells in as few reads as they fill."""
    analog = work.analog
    reads = math.ceil(analog.macs / (macro.rows * macro.cols))
    packed = replace(
        analog,
        samples=reads,
        drives=reads * macro.rows,
        conversions=reads * macro.cols,
    )
    return replace(work, analog=packed)


def converter_per_column(macro: MacroHardware) -> MacroHardware:
    """No column takes turns."""
    return reshaped(macro, rows=macro.rows, cols=macro.cols, columns_per_adc=1)


AS_COUNTED = Assumption("as counted")
CONVERTERS = Assumption(
    "a converter for every column",
    lambda work, macro, machine: _as_counted(work, converter_per_column(macro), machine),
)
WHOLE_ARRAYS = Assumption(
    "every read uses the whole array",
    lambda work, macro, machine: _as_counted(whole_arrays(work, macro), macro, machine),
)
PRODUCTS_ALONE = Assumption("products alone, the macro's own area", assess_products)
EVERYTHING = Assumption(
    "all of these",
    lambda work, macro, machine: assess_products(
        whole_arrays(work, macro), converter_per_column(macro), machine
    ),
)
ASSUMPTIONS = (AS_COUNTED, CONVERTERS, WHOLE_ARRAYS, PRODUCTS_ALONE, EVERYTHING)
"""From what is counted to all that can be left out."""
