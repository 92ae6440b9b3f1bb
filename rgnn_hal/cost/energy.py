"""Energy, latency and area of counted work.

On a macro, a read of a tile drives its rows, settles, and converts its columns, k of them taking
turns at one converter:

    t_read = t_dac r + t_settle + k t_adc           r rows share a converter
    E_cells = G sum(v^2) (t_settle + k t_adc) / e   voltages stay while columns take turns; e is
                                                    what drivers deliver of what they draw
    E_wires = C_cell sum(v^2) / e                   a row charges the wire along its cells

with sum(v^2) over all cells and reads from the ledger. Tiles of one macro are read one after the
other. On a digital machine, every counted operation has its energy, and takes its share of the
machine's rate. Host work that surrounds the products is the same whoever does the products.
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
    read = dac.time.value * hardware.rows_per_dac + held
    bits = work.drives * hardware.dac_bits + work.conversions * hardware.adc_bits
    busy = work.samples * read
    drawn = work.square_volts / array.drive_efficiency.value
    return Cost(
        energy={
            "cells": drawn * array.conductance.value * held,
            "wires": drawn * array.wire_capacitance.value,
            "dac": work.drives * dac.energy.value,
            "adc": work.conversions * adc.energy.value,
            "accumulate": work.conversions * hardware.accumulate_energy.value,
            "control": busy * hardware.control_power.value,
            "link": bits * link.energy.value,
        },
        latency={
            "dac": work.samples * dac.time.value * hardware.rows_per_dac,
            "settling": work.samples * array.settling_time.value,
            "adc": work.samples * turns * adc.time.value,
            "link": bits / link.rate.value,
        },
        area={
            "cells": hardware.rows * hardware.cols * array.cell_area.value,
            "dac": hardware.rows / hardware.rows_per_dac * dac.area.value,
            "adc": hardware.cols / turns * adc.area.value,
            "other": hardware.other_area.value,
        },
    )


def programming_cost(pulses: int, verify: Ledger, hardware: MacroHardware) -> Cost:
    """What writing costs: `pulses` one after the other, and the reads that verify them."""
    reads = macro_cost(verify, hardware)
    return Cost(
        energy={"pulses": pulses * hardware.pulse_energy.value, **reads.energy},
        latency={"pulses": pulses * hardware.pulse_time.value, **reads.latency},
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
