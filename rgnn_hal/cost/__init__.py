"""What was computed, counted where it is done; and what that costs on real hardware.

`ledger` counts analog work, `operations` digital work; `work` collects both where they are done
(`digital` sees what torch executes). `hardware` describes macros and machines in figures with
sources, `scaling` carries those from node to node and `geometry` to other sizes; `energy` turns
counts into joules, seconds and areas, `uncertainty` says how far those may be off and why, and
`published` sets the model beside macros that were built.
"""

from rgnn_hal.cost.energy import Cost, machine_cost, macro_cost, programming_cost
from rgnn_hal.cost.figure import Figure, figures
from rgnn_hal.cost.hardware import Machine, MacroHardware, load_machine, load_macro
from rgnn_hal.cost.ledger import Ledger
from rgnn_hal.cost.operations import Operations
from rgnn_hal.cost.scaling import at_node
from rgnn_hal.cost.work import Work, products, record, recording

__all__ = [
    "Cost",
    "Figure",
    "Ledger",
    "Machine",
    "MacroHardware",
    "Operations",
    "Work",
    "at_node",
    "figures",
    "load_machine",
    "load_macro",
    "machine_cost",
    "macro_cost",
    "products",
    "programming_cost",
    "record",
    "recording",
]
