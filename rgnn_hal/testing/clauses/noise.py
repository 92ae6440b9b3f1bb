"""Noise: no more than the spec says, less when samples are averaged, and new in every read.

Noise is measured as the spread of differences between consecutive reads, in the median over lines
or cells, so that neither slow drifts nor a few cells with telegraph noise count.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import Macro
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.bounds import Bounds
from rgnn_hal.testing.clause import Bias, NotApplicable, clause, require
from rgnn_hal.testing.mirror import Drive, Mirror

_READS = 24
_ALIKE = 24
"""Readings of equal vectors that are compared."""
_ROUNDING = 1e-5
"""By which equal sums may differ."""
_CHANCE = 1e-9
"""Probability of a coincidence that counts as none."""
_EXCESS = 1.5
"""Times the declared noise; the median of 24 readings of a whole patch is known to 2 %."""


@clause(Bias.READ)
def noise_is_within_spec(bench: Bench) -> None:
    """Cells are read with no more noise than the spec declares."""
    spec = bench.spec
    with bench.open() as macro:
        bounds = Mirror(macro, bench.patch, gentle=bench.gentle).bounds
        cells = _spread(lambda: macro.read_conductance(bench.patch))
        allowed = float(np.hypot(_EXCESS * spec.read_noise, bounds.cell_step))
        allowed += 1e-6 * spec.conductance.high
        require(cells <= allowed, f"cells scatter by {cells:.3g} S; spec: {spec.read_noise:.3g} S")
        drive = _strongest(bench)
        currents = _spread(lambda: macro.multiply(drive.voltage, region=drive.region))
        noise = spec.read_noise * np.linalg.norm(drive.voltage)
        allowed = float(np.hypot(_EXCESS * noise, bounds.adc_step)) + 1e-6 * spec.current.high
        require(currents <= allowed, f"currents scatter by {currents:.3g} A, not {allowed:.3g} A")


@clause(Bias.READ)
def samples_average(bench: Bench) -> None:
    """samples averages, in every verb that has it: the mean is the same and its noise smaller."""
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
        if bench.spec.read_noise == 0:
            return
        for verb, read, resolution in _averaging(bench, macro, mirror.bounds):
            single = _spread(partial(read, 1))
            if single <= 0.5 * resolution:
                continue  # rounding hides the noise
            mean = _spread(partial(read, many))
            # The spread of the mean of 16 samples is a quarter of that of one.
            require(
                mean < (0.4 if many == 16 else 0.6) * single,
                f"{verb} with samples={many} scatters by {mean:.3g}, with one by {single:.3g}",
            )


@clause(Bias.READ)
def noise_is_new_in_every_read(bench: Bench) -> None:
    """Where reads are noisy, every read and every vector of a batch has noise of its own."""
    spec, patch = bench.spec, bench.patch
    batch = bench.batch(_ALIKE // 2)
    equal = np.full((batch, patch.shape[0]), spec.read_voltage.high)
    calls = range(-(-_ALIKE // batch))
    with bench.open() as macro:
        macro.apply(equal, region=patch)
        _require_new("vectors of read", [v for _ in calls for v in macro.read()])
        fused = [v for _ in calls for v in macro.multiply(equal, region=patch)]
        _require_new("vectors of multiply", fused)
        samples = 1, 1, 1, min(16, spec.max_samples)
        cells = [macro.read_conductance(patch, samples=n).ravel() for n in samples]
        _require_new("readings of read_conductance", cells)


def _require_new(words: str, readings: list[NDArray[Any]]) -> None:
    """Require that no two readings of the same are equal, if others show that they are noisy.

    With rounding, single numbers may well be equal, in a share p of all pairs of readings that are
    not equal as a whole; of n numbers all are with a probability of p^n.
    """
    close = _coincidences(readings)
    whole = close.all(axis=1)
    if whole.all() or not whole.any():
        return
    chance = float(close[~whole].mean()) ** close.shape[1]
    require(
        chance * len(close) > _CHANCE,
        f"{int(whole.sum())} of {len(close)} pairs of {words} are equal in all {close.shape[1]} "
        f"numbers, though others differ: noise that is not new",
    )


def _coincidences(readings: list[NDArray[Any]]) -> NDArray[np.bool_]:
    """(pairs, numbers): where two readings are equal but for the rounding of a sum."""
    pairs = combinations(readings, 2)
    return np.stack([np.abs(a - b) <= _ROUNDING * np.abs(a) for a, b in pairs])


def _averaging(
    bench: Bench, macro: Macro, bounds: Bounds
) -> Iterator[tuple[str, Callable[[int], NDArray[Any]], float]]:
    """The verbs that average samples, and the rounding of their results."""
    patch, drive = bench.patch, _strongest(bench)
    every = np.ones(patch.shape, dtype=np.bool_)
    yield (
        "read_conductance",
        lambda n: macro.read_conductance(patch, samples=n),
        bounds.cell_step,
    )
    yield (
        "read_conductance with a mask",
        lambda n: macro.read_conductance(patch, samples=n, mask=every),
        bounds.cell_step,
    )
    yield (
        "multiply",
        lambda n: macro.multiply(drive.voltage, region=patch, samples=n),
        bounds.adc_step,
    )
    macro.apply(drive.voltage, region=patch)
    yield "read", macro.read, bounds.adc_step


def _strongest(bench: Bench) -> Drive:
    limit = bench.spec.read_voltage
    voltage = np.full((1, bench.patch.shape[0]), limit.high)
    return Drive(voltage, "rows", bench.patch)


def _spread(read: Callable[[], NDArray[Any]]) -> float:
    """Standard deviation of one reading, from differences, in the median over lines or cells."""
    readings = np.stack([read().astype(np.float64) for _ in range(_READS)])
    differences = np.diff(readings, axis=0)
    return float(np.median(np.sqrt((differences**2).mean(axis=0) / 2)))
