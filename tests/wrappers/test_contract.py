"""Wrappers are macros: each passes the contract kit, alone and stacked."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from rgnn_hal.macro import Macro
from rgnn_hal.testing import CLAUSES, MacroContract
from rgnn_hal.testing.bench import Bench, Factory
from rgnn_hal.testing.checking import Failure, Skip, judge
from rgnn_hal.wrappers import (
    DryRun,
    Fault,
    FaultKind,
    Faults,
    Journal,
    Lent,
    Limited,
    Record,
    Replay,
)
from tests.testing.crossbar import EXACT, NOISY, PERSISTENT, Crossbar, fail_next

TIGHTER = {
    "read_voltage": {"low": -0.1, "high": 0.15},
    "conductance": {"low": 2e-6, "high": 30e-6},
    "pulses": {"set": {"voltage": {"high": 2.0}}, "reset": {"max_count": 2}},
    "max_batch": 5,
    "max_samples": 16,
}
NEVER = [Fault("pulse", FaultKind.LOST, at=10**9), Fault("read", FaultKind.DEVICE, rate=0.0)]
DOES_NOT_MOVE_CELLS = {
    "pulses_move_the_right_way",
    "single_cells_are_pulsed",
    "cell_arguments_are_left_alone",
    "pulses_stay_in_their_region",
    "pulses_stay_in_their_mask",
    "whole_pulses_are_whole",
}

Wrapping = Callable[[Macro, Path], Macro]
WRAPPINGS: dict[str, Wrapping] = {
    "limited": lambda macro, file: Limited(macro, TIGHTER),
    "journal": Journal,
    "lent": lambda macro, file: Lent(macro),
    "record": Record,
    "faults": lambda macro, file: Faults(macro, NEVER, seed=3),
    "all": lambda macro, file: Limited(
        Journal(Record(Faults(macro, NEVER), file.with_suffix(".session")), file), TIGHTER
    ),
}


def fail_inside(macro: Macro) -> None:
    while not isinstance(macro, Crossbar):
        macro = macro.inner  # type: ignore[attr-defined]
    fail_next(macro)


class TestWrappers(MacroContract):
    examples = 5
    gentle = False
    fault = staticmethod(fail_inside)

    @pytest.fixture(params=WRAPPINGS)
    def macro(self, request: pytest.FixtureRequest, tmp_path: Path) -> Factory:
        Crossbar.silicon.clear()
        spec = PERSISTENT if request.param == "all" else EXACT
        numbers = count()
        wrap = WRAPPINGS[request.param]
        return lambda: wrap(Crossbar(spec), tmp_path / f"{next(numbers)}.jsonl")


class TestDryRun(MacroContract):
    examples = 5

    @pytest.fixture
    def macro(self, request: pytest.FixtureRequest) -> Factory:
        clause = request.node.name.removeprefix("test_")
        if clause in DOES_NOT_MOVE_CELLS:
            pytest.skip("a dry run moves no cell")
        return lambda: DryRun(Crossbar(NOISY))


DEPEND_ON_SPEED = {"threads_do_not_mix", "long_sessions_stay_right"}
DETERMINISTIC = [clause for clause in CLAUSES if clause.name not in DEPEND_ON_SPEED]


@pytest.mark.parametrize("clause", DETERMINISTIC, ids=lambda clause: clause.name)
def test_a_recorded_check_replays(clause: object, tmp_path: Path) -> None:
    """The clause sees a macro in the replay, because it asks what it asked when it was recorded."""
    recorded, replayed = count(), count()

    def record() -> Macro:
        return Record(Crossbar(NOISY), tmp_path / f"{next(recorded)}.jsonl")

    def replay() -> Macro:
        return Replay(tmp_path / f"{next(replayed)}.jsonl")

    assert hasattr(clause, "name")
    first, second = (
        judge(clause, Bench.at(factory, examples=3))  # type: ignore[arg-type]
        for factory in (record, replay)
    )
    assert not isinstance(first, Failure), first
    assert not isinstance(second, Failure), second
    assert isinstance(first, Skip) or next(recorded) == next(replayed)
