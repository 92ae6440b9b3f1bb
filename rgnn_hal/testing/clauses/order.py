"""Any order of calls, and many of them."""

import time

from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, NotApplicable, clause
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.mirror import Mirror
from rgnn_hal.testing.sequences import search_sequences

_LONG = 1200
"""Reads of a long session: more than eight bits count."""
_SECONDS = 4.0
"""after which a long session on slow hardware ends; one in this process after a quarter of it."""


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


@clause(Bias.READ)
def long_sessions_stay_right(bench: Bench) -> None:
    """The thousandth read of a session is as good as the first."""
    with bench.open() as macro:
        mirror = Mirror(macro, bench.patch, gentle=bench.gentle)
        mirror.apply(spread(bench, 1))
        end, worked = time.monotonic() + _SECONDS, time.process_time() + _SECONDS / 4
        for _ in range(_LONG // 4 if bench.gentle else _LONG):
            mirror.read()
            if time.monotonic() > end or time.process_time() > worked:
                break
