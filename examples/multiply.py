"""Hold a matrix in a chip and multiply by it: analog against digital, and what averaging buys.

Run: python examples/multiply.py
"""

import numpy as np

from rgnn_hal import open_macro
from rgnn_hal.analog import AnalogMatrix
from rgnn_hal.mapping import PAIR, Site, place
from rgnn_hal.programming import program


def main() -> None:
    rng = np.random.default_rng(0)
    weights = rng.uniform(-1, 1, (48, 32))
    x = rng.normal(size=(100, 48))
    with open_macro("emulator://?seed=7") as macro:
        window = macro.spec.conductance
        unit = window.high - window.low  # siemens that stand for a weight of one
        (placement,) = place([weights.shape], PAIR, [Site(0, macro.spec.region)])
        (tile,) = placement.tiles
        program(macro, PAIR.conductances(weights * unit, window), tile.region)
        matrix = AnalogMatrix.measure([macro], placement, unit=unit)
        for reads in (1, 16):
            error = matrix.with_reads(reads).product(x) - x @ matrix.weights
            print(
                f"{reads:3d} reads: rms error {error.std() / (x @ weights).std():.2%} of the output"
            )
        print(matrix.ledger)


if __name__ == "__main__":
    main()
