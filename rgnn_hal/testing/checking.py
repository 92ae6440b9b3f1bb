"""Checking a macro: every clause in turn, and a report of what held.

Macros that persist are checked gently by default: nothing that pulses a cell is done, and few
examples are drawn. A chip that lives as long as the process is put through everything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from rgnn_hal.macro import open_macro
from rgnn_hal.testing.bench import Bench, Factory, Fault
from rgnn_hal.testing.clause import Clause, ContractViolation, NotApplicable
from rgnn_hal.testing.clauses import CLAUSES
from rgnn_hal.testing.search import in_words

DEFAULT_EXAMPLES = 30


@dataclass(frozen=True)
class Failure:
    """A clause that does not hold."""

    clause: Clause
    counterexample: str


@dataclass(frozen=True)
class Skip:
    """A clause that was not checked."""

    clause: Clause
    reason: str


@dataclass(frozen=True)
class CheckReport:
    """What a check found."""

    identity: str
    gentle: bool
    passed: tuple[Clause, ...]
    failed: tuple[Failure, ...]
    skipped: tuple[Skip, ...]

    @property
    def ok(self) -> bool:
        """Whether no clause failed."""
        return not self.failed


Outcome = Clause | Failure | Skip


def check(
    macro: str | Factory,
    *,
    examples: int = DEFAULT_EXAMPLES,
    gentle: bool | None = None,
    derandomize: bool = True,
    fault: Fault | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> CheckReport:
    """Put a macro through every clause of the contract.

    Args:
        macro: its address, or what opens it; it is opened and closed many times.
        examples: how many examples a search draws; a sixth of it in a gentle check.
        gentle: do nothing that wears cells; by default for macros that are PERSISTENT.
        derandomize: draw the same examples every time.
        fault: makes the next verb of an open macro fail in its hardware, where a test can do that.
        progress: told after every clause: how many, of how many, and of what.

    Raises:
        HalError: the macro cannot be opened.
    """
    factory = partial(open_macro, macro) if isinstance(macro, str) else macro
    bench = Bench.at(
        factory, examples=examples, gentle=gentle, derandomize=derandomize, fault=fault
    )
    outcomes = []
    for outcome in judge_all(bench):
        outcomes.append(outcome)
        if progress is not None:
            progress(len(outcomes), len(CLAUSES), "clauses")
    return CheckReport(
        bench.spec.identity,
        bench.gentle,
        tuple(outcome for outcome in outcomes if isinstance(outcome, Clause)),
        tuple(outcome for outcome in outcomes if isinstance(outcome, Failure)),
        tuple(outcome for outcome in outcomes if isinstance(outcome, Skip)),
    )


def judge_all(bench: Bench) -> Iterator[Outcome]:
    """The outcome of every clause, one after the other."""
    return (judge(clause, bench) for clause in CLAUSES)


def judge(clause: Clause, bench: Bench) -> Outcome:
    """Put a macro through one clause."""
    if clause.wears and bench.gentle:
        return Skip(clause, "it pulses cells, and the check is gentle")
    try:
        clause.experiment(bench)
    except NotApplicable as reason:
        return Skip(clause, str(reason))
    except ContractViolation as violation:
        return Failure(clause, str(violation))
    except Exception as error:
        return Failure(clause, in_words(error))
    return clause
