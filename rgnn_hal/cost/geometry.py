"""A macro of another geometry and resolution, made of the same components.

converters    energy and area double with every bit (Walden's figure of merit, which holds up to
              about 10 bits: Murmann's survey of converters); time grows with the bits, as
              successive approximation takes them one by one
drivers, references, controller    with rows + columns
settling      with the rows, whose capacitance hangs on a column
"""

from typing import Any

from rgnn_hal.cost.figure import Figure
from rgnn_hal.cost.hardware import Converter, MacroHardware


def reshaped(
    hardware: MacroHardware,
    *,
    rows: int,
    cols: int,
    columns_per_adc: int = 1,
    dac_bits: int | None = None,
    adc_bits: int | None = None,
) -> MacroHardware:
    """`hardware` with other numbers of lines and bits."""
    dac_bits, adc_bits = dac_bits or hardware.dac_bits, adc_bits or hardware.adc_bits
    edge = (rows + cols) / (hardware.rows + hardware.cols)
    array = hardware.array
    settling = _times(array.settling_time, rows / hardware.rows)
    changes: dict[str, Any] = {
        "rows": rows,
        "cols": cols,
        "columns_per_adc": columns_per_adc,
        "dac_bits": dac_bits,
        "adc_bits": adc_bits,
        "array": array.model_copy(update={"settling_time": settling}),
        "dac": _resolving(hardware.dac, hardware.dac_bits, dac_bits),
        "adc": _resolving(hardware.adc, hardware.adc_bits, adc_bits),
        "control_power": _times(hardware.control_power, edge),
        "other_area": _times(hardware.other_area, edge),
    }
    return hardware.model_copy(update=changes)


def _resolving(converter: Converter, bits: int, wanted: int) -> Converter:
    more = 2.0 ** (wanted - bits)
    changes = {
        "energy": _times(converter.energy, more),
        "time": _times(converter.time, wanted / bits),
        "area": _times(converter.area, more),
    }
    return converter.model_copy(update=changes)


def _times(figure: Figure, factor: float) -> Figure:
    return figure.model_copy(update={"value": figure.value * factor})
