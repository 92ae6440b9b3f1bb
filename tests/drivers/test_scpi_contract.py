"""A served chip is a macro: the contract kit passes through the wire, alone and in wrappers."""

import json
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from typer.testing import CliRunner

from rgnn_hal.cli.app import app
from rgnn_hal.macro import Macro, open_macro
from rgnn_hal.testing import CLAUSES, MacroContract
from rgnn_hal.testing.bench import Factory
from rgnn_hal.wrappers import Fault, FaultKind, Faults, Journal, Limited, Record
from tests.drivers.faulty_wire import FAULTS, FaultyWire

STRIKING = {fault.name: fault for fault in FAULTS}
NEVER = [Fault("pulse", FaultKind.LOST, at=10**9)]
TIGHTER = {"read_voltage": {"low": -0.1}, "pulses": {"set": {"voltage": {"high": 2.0}}}}

Wrapping = Callable[[Macro, Path], Macro]


class TestScpi(MacroContract):
    examples = 3
    gentle = False
    wires: ClassVar[list[FaultyWire]] = []
    kinds: ClassVar[Callable[[], int]] = count().__next__

    @staticmethod
    def fault(macro: Macro) -> None:
        name = ("reset", "truncated", "silent", "message halved")[TestScpi.kinds() % 4]
        TestScpi.wires[-1].arm(STRIKING[name], np.random.default_rng(1))

    @pytest.fixture
    def macro(self, wire: FaultyWire) -> Factory:
        self.wires.append(wire)
        return partial(open_macro, f"{wire.uri}?timeout_s=0.3&lock_wait_s=0.5")


class TestWrappersOfScpi(MacroContract):
    examples = 2
    gentle = False

    @pytest.fixture
    def macro(self, uri: str, tmp_path: Path) -> Factory:
        numbers = count()

        def opened() -> Macro:
            file = tmp_path / f"{next(numbers)}.jsonl"
            recorded = Record(Faults(open_macro(uri), NEVER), file.with_suffix(".session"))
            return Limited(Journal(recorded, file), TIGHTER)

        return opened


def test_rgnn_hal_check_finds_nothing_wrong_with_a_served_chip(uri: str) -> None:
    result = CliRunner().invoke(app, ["check", uri, "--examples", "6", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["profile"] == "gentle"
    assert not report["failed"]
    assert len(report["passed"]) + len(report["skipped"]) == len(CLAUSES)
