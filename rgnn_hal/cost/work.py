"""Work is reported by who does it, to whoever is recording: no sums passed from hand to hand.

    with recording() as work:
        ...                     # anything that calls `record`
    work.analog.conversions, work.digital.macs

Macro products, pulses and NumPy's large products report themselves; torch's operations are seen by
`rgnn_hal.cost.digital.count_work`, which records both. Recordings nest, each sees what happens
inside it, and a thread records for itself alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from rgnn_hal.cost.ledger import Ledger
from rgnn_hal.cost.operations import Operations


@dataclass(frozen=True)
class Work:
    """Analog and digital work of the same task; add two to merge them, multiply to repeat it."""

    analog: Ledger = field(default_factory=Ledger)
    digital: Operations = field(default_factory=Operations)

    def __add__(self, other: "Work") -> "Work":
        return Work(self.analog + other.analog, self.digital + other.digital)

    def __mul__(self, times: int) -> "Work":
        return Work(self.analog * times, self.digital * times)

    def shared_by(self, count: int) -> "Work":
        """What falls to each of `count` equal parts."""
        return Work(
            Ledger(**{name: _share(total, count) for name, total in vars(self.analog).items()}),
            Operations(
                **{name: _share(total, count) for name, total in vars(self.digital).items()}
            ),
        )

    @property
    def all_digital(self) -> Operations:
        """The same work without a macro: its multiplications are done by the host as well."""
        return self.digital + products(self.analog.multiplications)


def _share(total: float, count: int) -> Any:
    return round(total / count) if isinstance(total, int) else total / count


_recordings: ContextVar[tuple[Work, ...]] = ContextVar("recordings", default=())


@contextmanager
def recording() -> Iterator[Work]:
    """Collect what this thread reports while the block runs."""
    work = Work()
    token = _recordings.set((*_recordings.get(), work))
    try:
        yield work
    finally:
        _recordings.reset(token)


def record(done: Ledger | Operations) -> None:
    """Report work that was just done."""
    for work in _recordings.get():
        if isinstance(done, Ledger):
            work.analog.add(done)
        else:
            work.digital.add(done)


def products(macs: int) -> Operations:
    """Matrix products, whose operands are counted with the multiply-accumulates."""
    return Operations(macs=macs)
