"""What a chip tells about itself: the numbers that whoever drives it must know.

Plain data in SI units, ready for JSON, so that it reads the same in process and over a wire.
"""

import hashlib
from typing import Any

from rgnn_hal_firmware.chip import Chip
from rgnn_hal_firmware.parameters import ChipParameters, PulseEnvelope


def describe(chip: Chip, *, persistent: bool) -> dict[str, Any]:
    """Geometry, limits, converters and capabilities of `chip`.

    Args:
        chip: the chip, which is left alone.
        persistent: whether its cells outlive a session with it.
    """
    parameters = chip.preset.parameters
    periphery = parameters.periphery
    full_scale = full_scale_of(chip)
    return {
        "identity": f"{chip.preset.name}-{serial_number(chip)}",
        "rows": parameters.array.rows,
        "cols": parameters.array.cols,
        "conductance": _range(parameters.array.conductance_window),
        "read_voltage": _range(periphery.read_voltage),
        "pulses": {
            "form": _envelope(parameters.limits.form),
            "set": _envelope(parameters.limits.set),
            "reset": _envelope(parameters.limits.reset),
        },
        "current": _range((-full_scale, full_scale)),
        "dac_bits": None if chip.exact else periphery.dac_bits,
        "adc_bits": None if chip.exact else periphery.adc_bits,
        "read_noise": 0.0 if chip.exact else parameters.read_noise_rms,
        "max_batch": periphery.max_batch,
        "max_samples": periphery.max_samples,
        "read_time": parameters.read_time,
        "capabilities": ["transpose", "virtual-clock", *(["persistent"] if persistent else [])],
    }


def serial_number(chip: Chip) -> str:
    """Which chip of its preset this is, after a digest of every parameter it is made from."""
    digest = hashlib.sha256(chip.preset.document.encode()).hexdigest()[:8]
    return f"{digest}-seed{chip.seed}"


def full_scale_of(chip: Chip) -> float:
    """Largest current that a column converter tells from larger ones, A."""
    parameters = chip.preset.parameters
    return _beyond_any_product(parameters) if chip.exact else parameters.periphery.full_scale


def _beyond_any_product(parameters: ChipParameters) -> float:
    """Every line driven at full voltage into 1 mS, A."""
    lines = max(parameters.array.rows, parameters.array.cols)
    return lines * parameters.periphery.read_voltage[1] * 1e-3


def _envelope(envelope: PulseEnvelope) -> dict[str, Any]:
    return {
        "voltage": _range(envelope.voltage),
        "gate_voltage": _range(envelope.gate_voltage),
        "width": _range(envelope.width),
        "max_count": envelope.max_count,
    }


def _range(ends: tuple[float, float]) -> dict[str, float]:
    return {"low": ends[0], "high": ends[1]}
