"""`MacroContract`: the contract as a test class to inherit, one test method a clause.

    class TestMine(MacroContract):
        @pytest.fixture
        def macro(self):
            return lambda: open_macro("mine://")

The fixture returns what opens the macro, not an open macro, because opening and closing are part of
the contract.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from rgnn_hal.testing.bench import Bench, Factory
from rgnn_hal.testing.checking import DEFAULT_EXAMPLES, Failure, Skip, judge
from rgnn_hal.testing.clause import Clause, ContractViolation
from rgnn_hal.testing.clauses import CLAUSES


class MacroContract:
    """Inherit, and provide the fixture `macro`; the attributes are `check`'s arguments."""

    examples: ClassVar[int] = DEFAULT_EXAMPLES
    gentle: ClassVar[bool | None] = None
    derandomize: ClassVar[bool] = True
    fault: ClassVar[Any] = None
    """A static method that makes the next verb of the macro it is given fail, or None."""

    @classmethod
    def bench(cls, macro: Factory) -> Bench:
        """The bench that every clause is given."""
        return Bench.at(
            macro,
            examples=cls.examples,
            gentle=cls.gentle,
            derandomize=cls.derandomize,
            fault=cls.fault,
        )


def _test(clause: Clause) -> Callable[[MacroContract, Factory], None]:
    def test(self: MacroContract, macro: Factory) -> None:
        outcome = judge(clause, self.bench(macro))
        if isinstance(outcome, Skip):
            import pytest

            pytest.skip(outcome.reason)
        if isinstance(outcome, Failure):
            raise ContractViolation(f"{clause.sentence}\n{outcome.counterexample}")

    test.__name__ = f"test_{clause.name}"
    test.__qualname__ = f"MacroContract.{test.__name__}"
    test.__doc__ = clause.sentence
    return test


def _add_tests(to: Any) -> None:
    for clause in CLAUSES:
        setattr(to, f"test_{clause.name}", _test(clause))


_add_tests(MacroContract)
