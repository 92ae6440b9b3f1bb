"""What a mutant is."""

from collections.abc import Callable
from dataclasses import dataclass

from rgnn_hal.macro import MacroSpec
from tests.testing.crossbar import EXACT, Crossbar


@dataclass(frozen=True)
class Mutant:
    """A driver with one defect."""

    driver: type[Crossbar]
    clause: str
    """Name of the clause that must find it."""
    spec: MacroSpec

    def __str__(self) -> str:
        return self.driver.__name__


MUTANTS: list[Mutant] = []


def caught_by(clause: str, spec: MacroSpec = EXACT) -> Callable[[type[Crossbar]], type[Crossbar]]:
    """List a driver as a mutant."""

    def add(driver: type[Crossbar]) -> type[Crossbar]:
        MUTANTS.append(Mutant(driver, clause, spec))
        return driver

    return add
