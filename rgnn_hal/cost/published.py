"""Macros that were built, beside what the model says of them: its test, to which nothing is fitted.

The components are those of the preset `chip`, carried to the macro's node, geometry and bits. From
a publication come its architecture (size, node, bits, converters per column, how inputs are coded)
and the figure to be compared, no energy, no power and no area. Inputs are half of full scale on
average. Links to a host are left out, as publications do.

Energies of current-sensing macros come out within a factor of two (0.6 ... 0.7 of what is measured
in TOPS/W: the conductance of phase-change cells, unknown to a factor of two, is nine tenths of that
uncertainty), and so does time where inputs are durations. The model fails for areas, 2.9 times too
dense for a core and 10 times for a die, because it knows no routing, no local digital processing,
no links and no pads; and for the energy of a whole chip with processors and memories, a seventh of
what its maker states. `UNUSED` lists figures that were found and cannot be compared, with what is
missing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rgnn_hal.cost.energy import Cost, macro_cost
from rgnn_hal.cost.figure import Figure
from rgnn_hal.cost.geometry import reshaped
from rgnn_hal.cost.hardware import MacroHardware, load_macro
from rgnn_hal.cost.ledger import Ledger
from rgnn_hal.cost.scaling import at_node
from rgnn_hal.cost.uncertainty import Modelled, modelled


@dataclass(frozen=True)
class Published:
    """One figure of one macro."""

    name: str
    source: str
    value: float
    unit: str
    """TOPS/W, TOPS/mm^2, TOPS or pJ/MAC; a multiply-accumulate is two operations."""
    includes: str
    """What the figure covers besides arrays and converters, or how it was got."""
    hardware: MacroHardware
    work: Ledger
    """One product of a full macro."""
    macs: int
    """Multiply-accumulates of weights that it is worth."""
    macros: int = 1
    """Working side by side."""


@dataclass(frozen=True)
class Comparison:
    """A published figure and the model's."""

    published: Published
    model: Modelled

    @property
    def factor(self) -> float:
        """Model over published."""
        return self.model.value / self.published.value

    @property
    def within_two(self) -> bool:
        """Whether they agree within a factor of two."""
        return 0.5 <= self.factor <= 2.0


_DEVICES = 4
"""Phase-change devices per weight of the 14 nm macros, two for either sign; every one is a cell."""

UNUSED = {
    "28 nm 576 kb RRAM macro, 10.1088/1674-4926/24100017": (
        "2.82 TOPS/mm^2 and 35.6 TOPS/W are normalised; to what is not in the abstract"
    ),
    "28 nm 512-row RRAM macro, 10.1109/ESSERC62670.2024.10719511": (
        "81.1 TOPS/mm^2/bit is normalised by bits of inputs, weights or both"
    ),
    "22 nm 8 Mb ReRAM macro, JSSC 58, 303 (2023)": (
        "21.6 TOPS/W at 8 bits; how many rows and columns work at once is not in the abstract, "
        "and its readout draws no direct current"
    ),
    "22 nm 4 Mb ReRAM macro, Xue et al., ISSCC 2021": (
        "11.91 TOPS/W at 8 bits, 195.7 for binary products; rows per read and columns per sense "
        "amplifier are not in the abstract"
    ),
    "40 nm sibling, graphs, Wang et al., Nat. Mach. Intell. 5, 104 (2023)": (
        "34.44, 234.59 and 599.47 uJ per graph of MUTAG, COLLAB and CORA, projected; operations "
        "per graph are not stated"
    ),
    "40 nm sibling, two more tasks, s41467-025-56079-3": (
        "31.12 and 44.68 uJ per inference; operations are stated for the first task alone"
    ),
    "65 nm multilevel ReRAM macro, JSSC 60 (2025), 10.1109/JSSC.2025.3540114": (
        "20.7 TOPS/W; its rows and cells per weight are not in the abstract"
    ),
}
"""Published figures without what it takes to compare them."""


def comparisons() -> tuple[Comparison, ...]:
    """All published macros, by the same model."""
    return tuple(
        Comparison(one, modelled(lambda hardware, one=one: _figure(one, hardware), one.hardware))
        for one in published()
    )


def published() -> tuple[Published, ...]:
    """What the model is compared with."""
    hermes, ibm = _durations(256, 256), _durations(256, 256)
    tile = _durations(512, 512)
    flash = reshaped(load_macro(), rows=1000, cols=1000, columns_per_adc=8)
    siblings = reshaped(load_macro(), rows=512, cols=512, columns_per_adc=8, dac_bits=1)
    return (
        Published(
            "HERMES core, energy",
            "Khaddam-Aljameh et al., JSSC 57, 1027 (2022): 14 nm, 256 x 256, 256 converters, 8 bit",
            10.5,
            "TOPS/W",
            "measured; local digital processing",
            hermes,
            _product(hermes, 256, devices=_DEVICES),
            256 * 256,
        ),
        Published(
            "HERMES core, density",
            "as above",
            1.59,
            "TOPS/mm^2",
            "local digital processing; time follows from durations of 8 bits at 1 GHz",
            hermes,
            _product(hermes, 256, devices=_DEVICES),
            256 * 256,
        ),
        Published(
            "64-core chip, energy, one phase",
            "Le Gallo et al., Nat. Electron. 6, 680 (2023): 64 such cores",
            9.76,
            "TOPS/W",
            "measured; the same core as HERMES",
            ibm,
            _product(ibm, 256, devices=_DEVICES),
            256 * 256,
        ),
        Published(
            "64-core chip, energy, four phases",
            "as above: signs of inputs and weights one after the other",
            2.48,
            "TOPS/W",
            "measured",
            ibm,
            _product(ibm, 256, planes=4, devices=_DEVICES),
            256 * 256,
        ),
        Published(
            "64-core chip, throughput",
            "as above",
            63.1,
            "TOPS",
            "time follows from durations of 8 bits at 1 GHz",
            ibm,
            _product(ibm, 256, devices=_DEVICES),
            256 * 256,
            macros=64,
        ),
        Published(
            "64-core chip, density",
            "as above: 63.1 TOPS on 144 mm^2",
            0.44,
            "TOPS/mm^2",
            "the whole die: links, digital processing, pads",
            ibm,
            _product(ibm, 256, devices=_DEVICES),
            256 * 256,
        ),
        Published(
            "34-tile chip, energy",
            "Ambrogio et al., Nature 620, 768 (2023): 14 nm, 35 million devices on 34 tiles",
            12.4,
            "TOPS/W",
            "measured, sustained by the chip; outputs are durations, not converted",
            tile,
            _product(tile, 512, devices=_DEVICES),
            512 * 512,
        ),
        Published(
            "Mythic, energy",
            "WikiChip Fuse 2755 (2019), from the maker: 40 nm flash, 1000 x 1000 per tile, 8 bit",
            0.5,
            "pJ/MAC",
            "everything: memories, RISC-V and vector processors, PCIe",
            flash,
            _product(flash, 1000),
            1000 * 1000,
        ),
        Published(
            "40 nm sibling macro, energy",
            "Nat. Commun. 16 (2025), s41467-025-56079-3: 131.40 MOP in 135.11 uJ",
            0.97,
            "TOPS/W",
            "a projection; 8 bit planes, pairs of cells assumed; digital part unknown",
            siblings,
            _product(siblings, 512, planes=8),
            512 * 256,
        ),
    )


def _figure(one: Published, hardware: MacroHardware) -> float:
    cost: Cost = macro_cost(one.work, hardware)
    energy = cost.joules - cost.energy["link"]
    time = cost.seconds - cost.latency["link"]
    operations = 2 * one.macs
    return _UNITS[one.unit](operations, energy, time / one.macros, cost.square_metres * one.macros)


_UNITS: dict[str, Callable[[int, float, float, float], float]] = {
    "TOPS/W": lambda operations, energy, time, area: operations / energy * 1e-12,
    "TOPS/mm^2": lambda operations, energy, time, area: operations / time / area * 1e-18,
    "TOPS": lambda operations, energy, time, area: operations / time * 1e-12,
    "pJ/MAC": lambda operations, energy, time, area: 2 * energy / operations * 1e12,
}


def _durations(rows: int, cols: int) -> MacroHardware:
    """A 14 nm core with one converter per column, whose inputs are durations of up to 2^7 ns."""
    macro = reshaped(at_node(load_macro(), 14e-9), rows=rows, cols=cols, dac_bits=1)
    array = macro.array.model_copy(
        update={
            "settling_time": Figure(
                value=128e-9, unit="s", source="sign and 7 bits as durations, clock of 1 GHz"
            ),
            "conductance": macro.array.conductance.model_copy(
                update={"factor": 2.0, "source": "phase-change cells, taken as the RRAM's"}
            ),
            "cell_area": macro.array.cell_area.model_copy(
                update={"value": _DEVICES * macro.array.cell_area.value}
            ),
        }
    )
    return macro.model_copy(update={"array": array})


def _product(hardware: MacroHardware, rows: int, *, planes: int = 1, devices: int = 1) -> Ledger:
    """One product of the full array, in `planes` reads, with inputs of half of full scale."""
    cells = planes * rows * hardware.cols * devices
    return Ledger(
        samples=planes,
        drives=planes * rows,
        conversions=planes * hardware.cols,
        cell_volts=cells * 0.5 * hardware.verify_voltage.value,
    )
