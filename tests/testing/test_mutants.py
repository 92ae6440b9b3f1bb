"""The kit finds every seeded defect, by the clause that is meant to, and says so in words."""

from functools import partial

import pytest

from rgnn_hal.macro import Capability
from rgnn_hal.testing import CLAUSES
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.checking import Failure, judge, judge_all
from tests.testing.crossbar import fail_next
from tests.testing.mutants import MUTANTS, Mutant

BY_NAME = {clause.name: clause for clause in CLAUSES}
every_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=str)


def bench_of(mutant: Mutant) -> Bench:
    return Bench.at(partial(mutant.driver, mutant.spec), examples=20, gentle=False, fault=fail_next)


@every_mutant
def test_a_defect_is_found_by_its_clause(mutant: Mutant) -> None:
    outcome = judge(BY_NAME[mutant.clause], bench_of(mutant))
    assert isinstance(outcome, Failure), outcome
    assert len(outcome.counterexample) > 20


def test_more_than_a_hundred_defects_are_kept() -> None:
    assert len(MUTANTS) >= 140
    assert any(Capability.PERSISTENT in mutant.spec.capabilities for mutant in MUTANTS)
    assert any(mutant.spec.read_noise > 0 for mutant in MUTANTS)


@pytest.mark.slow
@every_mutant
def test_a_defect_is_found_by_a_whole_check(mutant: Mutant) -> None:
    assert any(isinstance(outcome, Failure) for outcome in judge_all(bench_of(mutant)))
