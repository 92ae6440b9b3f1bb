"""A clause: one sentence of the macro contract and the experiment that could refute it.

The sentence is what `rgnn-hal check` prints, so it is written for the reader of a report. `bias`
says what the experiment does to a chip: a gentle check of real hardware leaves out all that pulse.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rgnn_hal.testing.bench import Bench


class Bias(StrEnum):
    """The most that an experiment does to the cells."""

    READ = "read"
    """Read voltages, which wear nothing."""
    PULSE = "pulse"
    """FORM, SET and RESET pulses or closed-loop programming, which wear cells."""


class ContractViolation(AssertionError):  # noqa: N818 - a failed assertion, no error of ours
    """A counterexample, in words; `steps` counts the calls that lead to it."""

    def __init__(self, message: str, steps: int = 1) -> None:
        super().__init__(message)
        self.steps = steps


class NotApplicable(Exception):  # noqa: N818 - not an error: the clause says nothing about it
    """The clause says nothing about this macro; the message is the reason."""


@dataclass(frozen=True)
class Clause:
    """One sentence of the contract."""

    name: str
    sentence: str
    bias: Bias
    experiment: Callable[[Bench], None]
    """Returns, or raises `ContractViolation` or `NotApplicable`."""

    @property
    def wears(self) -> bool:
        """Whether the experiment uses up the life of cells."""
        return self.bias is Bias.PULSE


def clause(bias: Bias) -> Callable[[Callable[[Bench], None]], Clause]:
    """Make a clause of an experiment: its docstring is the sentence, its name the clause's."""

    def make(experiment: Callable[[Bench], None]) -> Clause:
        name = experiment.__name__
        return Clause(name, " ".join((experiment.__doc__ or name).split()), bias, experiment)

    return make


def require(condition: object, counterexample: str) -> None:
    """Raise `ContractViolation` with the counterexample unless the condition holds."""
    if not condition:
        raise ContractViolation(counterexample)


def must_raise(error: type[Exception], what: str, call: Callable[[], Any]) -> Exception:
    """The error that `call`, described by `what`, raises; a violation if it raises another."""
    try:
        call()
    except error as raised:
        return raised
    except Exception as raised:
        raise ContractViolation(
            f"{what} raised {type(raised).__name__} ({raised}); it must raise {error.__name__}"
        ) from raised
    raise ContractViolation(f"{what} was accepted; it must raise {error.__name__}")
