"""The contract as clauses, in the order in which a report lists them."""

from rgnn_hal.testing.clause import Clause
from rgnn_hal.testing.clauses import (
    capabilities,
    cells,
    clock,
    lifecycle,
    limits,
    lines,
    memory,
    noise,
    order,
    places,
    products,
    strength,
    threads,
)

_MODULES = (
    lifecycle,
    capabilities,
    limits,
    products,
    noise,
    lines,
    memory,
    places,
    cells,
    strength,
    clock,
    threads,
    order,
)

CLAUSES: tuple[Clause, ...] = tuple(
    value for module in _MODULES for value in vars(module).values() if isinstance(value, Clause)
)
