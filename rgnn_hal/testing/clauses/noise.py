"""Noise: no more than the spec says, and less when samples are averaged.

Noise is measured as the spread of differences between consecutive reads, in the median over lines
or cells, so that neither slow drifts nor a few cells with telegraph noise count.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, require
from rgnn_hal.testing.mirror import Drive, Mirror

_READS = 24


@clause(Bias.READ)
def noise_is_within_spec(bench: Bench) -> None:
    """Cells are read with no more noise than the spec declares."""
    spec = bench.spec
    with bench.open() as macro:
        bounds = Mirror(macro, bench.patch, gentle=bench.gentle).bounds
        cells = _spread(lambda: macro.read_conductance(bench.patch))
        allowed = 2 * spec.read_noise + bounds.cell_bound(1) / 6
        allowed += 1e-6 * spec.conductance.high
        require(cells <= allowed, f"cells scatter by {cells:.3g} S; spec: {spec.read_noise:.3g} S")
        drive = _strongest(bench)
        currents = _spread(lambda: macro.multiply(drive.voltage, region=drive.region))
        norm = float(np.linalg.norm(drive.voltage))
        allowed = 2 * spec.read_noise * norm + bounds.adc_step + 1e-6 * spec.current.high
        require(currents <= allowed, f"currents scatter by {currents:.3g} A, not {allowed:.3g} A")


@clause(Bias.READ)
def samples_average(bench: Bench) -> None:
    """samples averages: the mean is the same and its noise smaller."""
    many = min(16, bench.spec.max_samples)
    if many < 4:
        raise NotApplicable("the macro averages fewer than 4 samples")
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        drive = _strongest(bench)
        for samples in (1, 2, many):
            mirror.multiply(drive, samples)
            mirror.read(samples)
            mirror.read_cells(bench.patch, samples)
        verbs: dict[str, tuple[Callable[[int], NDArray[Any]], float]] = {
            "read_conductance": (
                lambda n: macro.read_conductance(bench.patch, samples=n),
                mirror.bounds.cell_bound(1) / 6 - 0.5 * bench.spec.read_noise,
            ),
            "multiply": (
                lambda n: macro.multiply(drive.voltage, region=drive.region, samples=n),
                mirror.bounds.adc_step,
            ),
        }
        for verb, (read, resolution) in verbs.items():
            single = _spread(partial(read, 1))
            if bench.spec.read_noise == 0 or single <= 0.5 * resolution:
                continue  # rounding hides the noise
            mean = _spread(partial(read, many))
            require(
                mean < 0.6 * single,
                f"{verb} with samples={many} scatters by {mean:.3g}, with one by {single:.3g}",
            )


def _strongest(bench: Bench) -> Drive:
    limit = bench.spec.read_voltage
    voltage = np.full((1, bench.patch.shape[0]), limit.high)
    return Drive(voltage, "rows", bench.patch)


def _spread(read: Callable[[], NDArray[Any]]) -> float:
    """Standard deviation of one reading, from differences, in the median over lines or cells."""
    readings = np.stack([read().astype(np.float64) for _ in range(_READS)])
    differences = np.diff(readings, axis=0)
    return float(np.median(np.sqrt((differences**2).mean(axis=0) / 2)))
