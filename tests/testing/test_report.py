"""What a check reports: to Python, to the shell and to pytest."""

import json
import subprocess
import sys
from functools import partial

import pytest
from typer.testing import CliRunner

from rgnn_hal.cli.app import app
from rgnn_hal.macro import ConfigurationError, DeviceError
from rgnn_hal.testing import CLAUSES, check
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.checking import Failure, judge
from tests.testing.crossbar import EXACT, NOISY
from tests.testing.mutants.cells import MaskIgnored, SafeDoesNothing
from tests.testing.mutants.products import ReadUnlatches

pytest_plugins = ["pytester"]


def test_every_clause_is_one_sentence_of_its_own() -> None:
    sentences = [clause.sentence for clause in CLAUSES]
    assert len(set(sentences)) == len(CLAUSES) == len({clause.name for clause in CLAUSES})
    for sentence in sentences:
        assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 110


def test_a_counterexample_names_the_calls_and_the_values() -> None:
    report = check(partial(SafeDoesNothing, EXACT), examples=10)
    texts = {failure.clause.name: failure.counterexample for failure in report.failed}
    assert not report.ok
    assert "must sense one vector of zero volts" in texts["safe_grounds"]
    assert "voltage=" in texts["any_order"] and ": read of" in texts["any_order"]


def test_counterexamples_are_simplified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rgnn_hal.testing.search._SHRINK_SECONDS", 20.0)  # on a busy computer
    bench = Bench.at(partial(ReadUnlatches, EXACT), examples=20)
    outcome = judge(next(clause for clause in CLAUSES if clause.name == "any_order"), bench)
    assert isinstance(outcome, Failure)
    assert outcome.counterexample.count(";") < 4


def test_a_check_is_the_same_every_time() -> None:
    first, second = (check(partial(MaskIgnored, NOISY), examples=2) for _ in range(2))
    assert first.passed == second.passed
    assert {failure.clause for failure in first.failed} == {
        failure.clause for failure in second.failed
    }


def test_a_macro_that_cannot_be_opened_is_the_callers_error() -> None:
    def broken() -> MaskIgnored:
        raise DeviceError("no power")

    with pytest.raises(DeviceError, match="no power"):
        check(broken)
    with pytest.raises(ConfigurationError):
        check("nobody://")


def test_progress_counts_the_clauses() -> None:
    seen: list[tuple[int, int, str]] = []
    check(partial(MaskIgnored, EXACT), examples=1, progress=lambda *told: seen.append(told))
    assert seen[-1] == (len(CLAUSES), len(CLAUSES), "clauses")


def test_the_command_prints_clauses_in_words_and_exits_0(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(
        app, ["check", "emulator://?preset=milo&exact=true", "--examples", "1"]
    )
    assert result.exit_code == 0, result.output
    assert "holds    multiply is apply and then read, and leaves its voltages latched." in (
        result.output
    )
    assert "0 failed" in result.output


def test_the_command_exits_1_if_a_clause_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rgnn_hal.testing.checking.open_macro", lambda uri: SafeDoesNothing(EXACT))
    result = CliRunner().invoke(app, ["check", "any://", "--examples", "2", "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (
        "safe grounds every line, however it was driven, and may be repeated." in (report["failed"])
    )
    assert set(report["counterexamples"]) == set(report["failed"])
    assert set(report["reasons"]) == set(report["skipped"])
    assert not set(report["passed"]) & set(report["failed"])


def test_the_plugin_checks_the_macro_of_the_command_line(pytester: pytest.Pytester) -> None:
    ran = pytester.runpytest_subprocess(
        "-p",
        "rgnn_hal.testing.plugin",
        "--macro",
        "emulator://?preset=milo&exact=true",
        "--pyargs",
        "rgnn_hal.testing.suite",
        "-k",
        "safe_grounds or pulsing_grounds",
        "--gentle",
    )
    ran.assert_outcomes(passed=1, skipped=1, deselected=len(CLAUSES) - 2)


WITHOUT = """
import sys
sys.modules["{missing}"] = None
import rgnn_hal
assert "hypothesis" not in sys.modules or sys.modules["hypothesis"] is None
assert "pytest" not in sys.modules or sys.modules["pytest"] is None
import rgnn_hal.testing
"""


def test_the_kit_needs_no_pytest() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT.format(missing="pytest")], check=True)


def test_without_hypothesis_the_kit_says_what_to_install() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing="hypothesis")],
        capture_output=True,
        text=True,
    )
    assert "ConfigurationError" in ran.stderr
    assert "pip install 'rgnn-hal[test]'" in ran.stderr
