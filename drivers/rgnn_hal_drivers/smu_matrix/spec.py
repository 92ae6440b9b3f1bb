"""What a bench is and allows, from its file."""

from math import floor, hypot, log2, sqrt

from rgnn_hal.macro import Capability, MacroSpec, Range
from rgnn_hal_drivers.smu_matrix.config import BenchConfig
from rgnn_hal_drivers.smu_matrix.measurement import ZERO_READINGS
from rgnn_hal_drivers.smu_matrix.programs import Programs


def make_spec(config: BenchConfig) -> MacroSpec:
    """What a bench is and allows.

    A current is a sum over lines: full scale is that of all of them at the end of the ammeter's
    range, and one code of it is three times the noise of such a sum.
    """
    macro, measure = config.macro, config.measure
    lines = max(macro.rows, macro.cols)
    noise = config.meter.noise(measure.range, measure.nplc)
    full_scale = lines * measure.range
    of_a_sum = hypot(noise * sqrt(lines), lines * noise / sqrt(ZERO_READINGS))
    return MacroSpec(
        identity=macro.identity,
        rows=macro.rows,
        cols=macro.cols,
        conductance=Range(low=macro.conductance[0], high=macro.conductance[1]),
        read_voltage=Range(low=-macro.read_voltage, high=macro.read_voltage),
        pulses={kind: pulse.limits for kind, pulse in config.pulses.items()},
        current=Range(low=-full_scale, high=full_scale),
        dac_bits=None,
        adc_bits=max(1, floor(log2(2 * full_scale / (3 * of_a_sum)))),
        read_noise=hypot(macro.read_noise, noise / macro.read_voltage),
        max_batch=macro.max_batch,
        max_samples=macro.max_samples,
        read_time=macro.rows * macro.cols * Programs(config).read_seconds(1, 1),
        capabilities=frozenset({Capability.TRANSPOSE, Capability.PERSISTENT}),
    )
