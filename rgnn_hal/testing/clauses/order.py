"""Any order of calls."""

from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause
from rgnn_hal.testing.sequences import search_sequences


@clause(Bias.READ)
def any_order_of_reads(bench: Bench) -> None:
    """After any sequence of reading calls the macro senses what the contract says."""
    if not bench.gentle:
        raise NotApplicable("part of the sequences with pulses")
    search_sequences(bench)


@clause(Bias.PULSE)
def any_order(bench: Bench) -> None:
    """After any sequence of calls the macro senses what the contract says."""
    search_sequences(bench)
