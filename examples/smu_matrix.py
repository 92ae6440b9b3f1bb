"""Program a probed array with source-measure units and a relay matrix, and multiply by it.

The instruments are simulated and wired to an emulated 8 x 8 array. On a real bench write their
addresses, serial numbers and wiring into a copy of examples/smu_matrix_bench.toml and open that.

Run: python examples/smu_matrix.py
"""

import tempfile
from pathlib import Path

import numpy as np

from rgnn_hal import Region, open_macro
from rgnn_hal.programming import program
from rgnn_hal_firmware.tsp import example_bench

TEMPLATE = Path(__file__).with_name("smu_matrix_bench.toml")


def main() -> None:
    with example_bench(8, 8) as served, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "bench.toml"
        config.write_text(served.adapt(TEMPLATE.read_text(encoding="utf-8")))
        with open_macro(f"smu-matrix://?config={config}") as macro:
            window = macro.spec.conductance
            region = Region(2, 6, 2, 6)
            target = np.random.default_rng(0).uniform(5e-6, 0.8 * window.high, region.shape)
            report = program(macro, target, region)
            print(
                f"{report.success_fraction:.0%} of {target.size} cells within "
                f"±{report.tolerance * 1e6:.2f} µS after {report.mean_pulses:.1f} pulses each"
            )
            voltage = np.random.default_rng(1).uniform(-0.2, 0.2, (8, 4))
            current = macro.multiply(voltage, region=region, samples=4)
            error = current - voltage @ macro.read_conductance(region, samples=4)
            print(
                f"products: {np.std(current) * 1e6:.2f} µA, off by {np.std(error) * 1e9:.0f} nA rms"
            )
        print(
            f"all outputs off, all relays open: {served.bench.grounded}; "
            f"relays moved under voltage: {len(served.bench.incidents)}"
        )


if __name__ == "__main__":
    main()
