"""Search: drawing examples until one refutes a clause, then a simpler one, for a limited time.

Hypothesis draws and shrinks. The simplest counterexample that was seen is kept here, because a
search that is cut off, or a chip that does not fail twice in the same way, ends in hypothesis's own
errors. Shrinking stops after `_SHRINK_SECONDS`: on a slow driver it could last for minutes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, Verbosity, given, reject, settings
from hypothesis.errors import HypothesisException

from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import ContractViolation

_SHRINK_SECONDS = 2.0


class Search:
    """One search for a counterexample."""

    def __init__(self, bench: Bench) -> None:
        self.settings = settings(
            max_examples=bench.examples,
            derandomize=bench.derandomize,
            stateful_step_count=25,
            database=None,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        self._found: ContractViolation | None = None
        self._give_up_at = float("inf")

    def begin(self) -> None:
        """Start an example; skips it once a counterexample was simplified for long enough."""
        if time.monotonic() > self._give_up_at:
            reject()

    @contextmanager
    def attempt(self, steps: list[str]) -> Iterator[None]:
        """Do one step; whatever it raises is a counterexample after `steps`, which it ends."""
        try:
            yield
        except HypothesisException:
            raise
        except Exception as error:
            what = str(error) if isinstance(error, ContractViolation) else in_words(error)
            before = "; ".join(steps)
            violation = ContractViolation(f"after {before}: {what}" if steps else what, len(steps))
            self._keep(violation)
            raise violation from error

    def run(self, hunt: Callable[[], Any]) -> None:
        """Hunt, and raise the simplest counterexample that came up."""
        try:
            hunt()
        except Exception:
            if self._found is None:
                raise
        if self._found is not None:
            raise self._found from self._found.__cause__

    def _keep(self, violation: ContractViolation) -> None:
        if self._found is None:
            self._give_up_at = time.monotonic() + _SHRINK_SECONDS
            self._found = violation
        found = self._found
        if (violation.steps, len(str(violation))) < (found.steps, len(str(found))):
            self._found = violation


def for_examples(bench: Bench, experiment: Callable[[st.DataObject], None]) -> None:
    """Run an experiment on many examples, which it draws from the data that it is given."""
    search = Search(bench)

    @search.settings
    @given(st.data())
    def hunt(data: st.DataObject) -> None:
        search.begin()
        with search.attempt([]):
            experiment(data)

    search.run(hunt)


def in_words(error: BaseException) -> str:
    """An exception that nobody expected: its type, its message and the line that raised it."""
    place = ""
    trace = error.__traceback__
    with suppress(AttributeError):
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            code = trace.tb_frame.f_code
            place = f" (raised by {code.co_qualname}, line {trace.tb_lineno})"
    return f"{type(error).__name__}: {error}{place}"
