"""Write an image of conductances into a simulated chip and see how well it holds.

Run: python examples/program_weights.py
"""

import numpy as np

from rgnn_hal import Region, open_macro
from rgnn_hal.programming import program


def main() -> None:
    with open_macro("emulator://?seed=7") as macro:
        window = macro.spec.conductance
        region = Region(0, 64, 0, 64)
        target = np.random.default_rng(0).uniform(window.low, window.high, region.shape)
        report = program(macro, target, region)
    print(
        f"{report.success_fraction:.1%} of {region.cells} cells within "
        f"±{report.tolerance * 1e6:.2f} µS after {report.mean_pulses:.1f} pulses each"
    )


if __name__ == "__main__":
    main()
