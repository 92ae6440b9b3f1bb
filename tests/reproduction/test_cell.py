"""A measured number needs a measurement; only quotations are written down."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rgnn_hal.reproduction
from rgnn_hal.macro import ConfigurationError
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.cell import Quoted, Watch, watching

FOLDER = Path(rgnn_hal.reproduction.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def calls(file: Path, name: str) -> list[ast.Call]:
    """Calls of a function or method of that name."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            called = node.func
            own = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
            if own == name:
                found.append(node)
    return found


def is_found(expression: ast.expr) -> bool:
    """Whether a value comes from something that ran, and not from numbers written down."""
    return any(isinstance(node, ast.Name | ast.Attribute) for node in ast.walk(expression))


@every_file
def test_no_measured_number_stands_in_the_code(file: Path) -> None:
    for call in [*calls(file, "measured"), *calls(file, "Measured")]:
        arguments = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "value")]
        arguments += [k.value for k in call.keywords if k.arg == "interval"]
        assert arguments
        for argument in arguments:
            assert is_found(argument), f"{file.name}:{call.lineno} measures a constant"


@every_file
def test_no_measured_number_is_a_quotation(file: Path) -> None:
    for call in [*calls(file, "measured"), *calls(file, "Measured")]:
        names = {node.id for node in ast.walk(call.args[0]) if isinstance(node, ast.Name)}
        assert names != {"paper"}, f"{file.name}:{call.lineno} measures what the paper says"


@every_file
def test_modelled_numbers_come_from_the_model(file: Path) -> None:
    if file.name != "cell.py":
        assert not [c for c in calls(file, "Modelled") if not isinstance(c.func, ast.Attribute)]


@every_file
def test_quotations_stand_in_one_place_with_their_sources(file: Path) -> None:
    if file.name not in {"cell.py", "paper.py"}:
        assert not calls(file, "Quoted")


def test_every_quotation_has_a_source() -> None:
    quoted = [value for value in vars(paper).values() if isinstance(value, Quoted)]
    assert len(quoted) >= 15
    assert all(len(one.source) > 20 for one in quoted)


def test_nothing_is_measured_before_the_work_is_over() -> None:
    with watching("nothing") as watch, pytest.raises(ConfigurationError, match="not over"):
        watch.measured(1.0, "s")
    assert watch.measured(1.0, "s").run.procedure == "nothing"
    with pytest.raises(ConfigurationError, match="not over"):
        Watch("never begun").run  # noqa: B018


@given(st.floats(allow_nan=False), st.sampled_from(["", "at least", "at most"]))
def test_a_measured_number_tells_how_and_where(value: float, bound: str) -> None:
    with watching("count to three") as watch:
        sum(range(3))
    cell = watch.measured(value, "s", bound=bound, remark="quickly")
    assert cell.value == value and cell.bound == bound
    assert cell.how == "measured here"
    assert replace(cell, qualifier="extrapolated").how == "measured here, extrapolated"
    for part in ("count to three", "load", "CPU", "quickly"):
        assert part in cell.details
