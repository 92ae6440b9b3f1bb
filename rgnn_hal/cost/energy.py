"""Energy, latency and area of counted work.

On a macro, a read of a tile drives its rows, settles, and converts its columns, k of them taking
turns at one converter:

    t_read  = t_dac r + t_hold,  t_hold = t_settle + k t_adc      r rows share a converter
    E_cells = V G sum|v| t_hold     voltages stay while columns take turns; linear drivers take the
                                    current out of the supply V, however small v is
    E_wires = V C_cell sum|v|       a row charges the wire along its cells
    E_amplifiers = P t_hold / k     per conversion: they stand through the read

    link            an input crosses it once, an output once with twice the converter's bits: planes
                    and repeats are accumulated beside the array

with sum|v| over all cells and reads from the ledger. Tiles of one macro are read one after the
other. On a digital machine, every counted operation has its energy, and takes its share of the
machine's rate. Host work that surrounds the products is the same whoever does the products, and
waits for them: nothing is pipelined.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rgnn_hal.cost.hardware import Machine, MacroHardware
from rgnn_hal.cost.ledger import Ledger
from rgnn_hal.cost.operations import Operations


@dataclass(frozen=True)
class Cost:
    """What some work costs on some hardware; `energy` (J) and `latency` (s) by part."""

    energy: Mapping[str, float]
    latency: Mapping[str, float]
    area: Mapping[str, float]
    """m^2"""

    @property
    def joules(self) -> float:
        """All energy, J."""
        return sum(self.energy.values())

    @property
    def seconds(self) -> float:
        """Parts one after the other, s."""
        return sum(self.latency.values())

    @property
    def square_metres(self) -> float:
        """All area."""
        return sum(self.area.values())


def macro_cost(work: Ledger, hardware: MacroHardware) -> Cost:
    """What the products of `work` cost on `hardware`."""
    array, dac, adc, link = hardware.array, hardware.dac, hardware.adc, hardware.link
    turns = hardware.columns_per_adc
    held = array.settling_time.value + turns * adc.time.value
    driving = dac.time.value * hardware.rows_per_dac
    bits = work.sent * hardware.dac_bits + work.received * 2 * hardware.adc_bits
    volts = array.supply.value * work.cell_volts
    return Cost(
        energy={
            "cells": volts * array.conductance.value * held,
            "wires": volts * array.wire_capacitance.value,
            "dac": work.drives * dac.energy.value,
            "amplifiers": work.conversions / turns * held * hardware.amplifier.power.value,
            "adc": work.conversions * adc.energy.value,
            "accumulate": work.conversions * hardware.accumulate_energy.value,
            "control": work.samples * (driving + held) * hardware.control_power.value,
            "link": bits * link.energy.value,
        },
        latency={
            "dac": work.samples * driving,
            "settling": work.samples * array.settling_time.value,
            "adc": work.samples * turns * adc.time.value,
            "link": bits / link.rate.value,
        },
        area={
            "cells": hardware.rows * hardware.cols * array.cell_area.value,
            "dac": hardware.rows / hardware.rows_per_dac * dac.area.value,
            "amplifiers": hardware.cols / turns * hardware.amplifier.area.value,
            "adc": hardware.cols / turns * adc.area.value,
            "other": hardware.other_area.value,
        },
    )


def programming_cost(work: Ledger, hardware: MacroHardware) -> Cost:
    """What the pulses of `work` cost, and the reads of single cells that verify them.

    Both are done one after the other. A read of one cell is a read of one row and one column.
    """
    reads = macro_cost(
        Ledger(
            samples=work.cell_reads,
            drives=work.cell_reads,
            conversions=work.cell_reads,
            cell_volts=work.cell_reads * hardware.verify_voltage.value,
        ),
        hardware.model_copy(update={"columns_per_adc": 1}),
    )
    return Cost(
        energy={
            "pulses": work.pulses * hardware.pulse_energy.value,
            "verifying": reads.joules,
        },
        latency={
            "pulses": work.pulses * hardware.pulse_time.value,
            "verifying": reads.seconds,
        },
        area=reads.area,
    )


def machine_cost(work: Operations, machine: Machine) -> Cost:
    """What counted digital operations cost on `machine`."""
    return Cost(
        energy={
            "products": work.macs * machine.mac_energy.value,
            "special": work.special * machine.special_energy.value,
            "elementary": work.elementary * machine.elementary_energy.value,
        },
        latency={
            "products": work.macs / machine.mac_rate.value,
            "elements": (work.special + work.elementary) / machine.element_rate.value,
        },
        area={"die": machine.area.value},
    )
