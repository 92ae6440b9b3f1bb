"""What was computed, counted where it is done; and what that costs on real hardware.

`ledger` counts analog work, `operations` digital work (`digital` counts what torch executes);
`hardware` describes macros and machines in figures with sources, `energy` turns counts into joules,
seconds and areas, `uncertainty` says how far those may be off and why.
"""

from rgnn_hal.cost.energy import Cost, machine_cost, macro_cost, programming_cost
from rgnn_hal.cost.figure import Figure, figures
from rgnn_hal.cost.hardware import Machine, MacroHardware, load_machine, load_macro
from rgnn_hal.cost.ledger import Ledger
from rgnn_hal.cost.operations import Operations

__all__ = [
    "Cost",
    "Figure",
    "Ledger",
    "Machine",
    "MacroHardware",
    "Operations",
    "figures",
    "load_machine",
    "load_macro",
    "machine_cost",
    "macro_cost",
    "programming_cost",
]
