"""Macros around a macro: limits, journal, dry run, recording and faults, to be stacked as needed.

    with Journal(Limited(open_macro(uri), {"read_voltage": {"high": 0.1}}), "chip.jsonl") as macro:
        ...

A wrapper is a `Macro` and keeps its whole contract. A call is first checked against the wrapper's
own spec, then goes through the public verbs of the macro inside, which checks it against its own.
A wrapper takes over the macro that it is given: closing it closes what is inside, unless
that was `Lent`.
"""

from rgnn_hal.wrappers.dry_run import DryRun, Step
from rgnn_hal.wrappers.faults import Fault, FaultKind, Faults
from rgnn_hal.wrappers.journal import Journal, JournalReading, read_journal
from rgnn_hal.wrappers.lent import Lent
from rgnn_hal.wrappers.limited import Limited, tighten
from rgnn_hal.wrappers.recording import Record
from rgnn_hal.wrappers.replay import Replay

__all__ = [
    "DryRun",
    "Fault",
    "FaultKind",
    "Faults",
    "Journal",
    "JournalReading",
    "Lent",
    "Limited",
    "Record",
    "Replay",
    "Step",
    "read_journal",
    "tighten",
]
