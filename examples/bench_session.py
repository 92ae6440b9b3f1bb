"""A session at a bench: who is there, put an image into its cells, multiply by it, leave it safe.

Run: python examples/bench_session.py [scpi://HOST:PORT]

Without an address an emulated chip is served on this machine, as `rgnn-hal serve` does, and the
session goes to it through the same driver. With one, cells of that macro are formed and pulsed.
"""

import sys
from contextlib import ExitStack

import numpy as np

from rgnn_hal import Region, open_macro
from rgnn_hal.macro import serve_macro
from rgnn_hal.programming import program


def main(*addresses: str) -> None:
    with ExitStack() as stack:
        if addresses:
            (uri,) = addresses
        else:
            uri = stack.enter_context(serve_macro("emulator://?seed=7", port=0)).uri
        macro = stack.enter_context(open_macro(uri))  # grounded and given back on leaving
        spec = macro.spec
        print(f"{spec.identity}: {spec.rows} x {spec.cols} cells, {len(spec.pulses)} pulse kinds")

        region = Region(8, 24, 8, 24)
        row, col = np.mgrid[0:16, 0:16]
        image = spec.conductance.low + 20e-6 * (np.hypot(row - 7.5, col - 7.5) < 6)
        report = program(macro, image, region)
        print(
            f"{report.success_fraction:.0%} of {image.size} cells within "
            f"±{report.tolerance * 1e6:.2f} µS after {report.mean_pulses:.1f} pulses each"
        )

        voltage = np.random.default_rng(0).uniform(-0.1, 0.1, (64, 16))
        current = macro.multiply(voltage, region=region, samples=4)
        zero = macro.multiply(np.zeros((1, 16)), region=region, samples=16)
        error = current - zero - voltage @ macro.read_conductance(region, samples=4)
        print(
            f"products of {np.std(current) * 1e6:.2f} µA, off by {np.std(error) * 1e9:.0f} nA rms"
        )
        macro.safe()


if __name__ == "__main__":
    main(*sys.argv[1:])
