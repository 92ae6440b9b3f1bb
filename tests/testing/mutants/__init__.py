"""Drivers with one defect each, kept so that the kit can be held to finding them.

`MUTANTS` lists every one with the clause that must find it. The first fourteen kinds of defect are
those by which the design of the kit was chosen; `catalogue` collects, the modules hold the defects.
"""

from tests.testing.mutants import (
    arguments,
    cells,
    lifecycle,
    memory,
    noise,
    places,
    products,
    refusing,
    sessions,
)
from tests.testing.mutants.catalogue import MUTANTS, Mutant

__all__ = [
    "MUTANTS",
    "Mutant",
    "arguments",
    "cells",
    "lifecycle",
    "memory",
    "noise",
    "places",
    "products",
    "refusing",
    "sessions",
]
