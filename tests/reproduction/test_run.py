"""Sections run by themselves: one that fails is told, the others go on."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rgnn_hal.cli import main
from rgnn_hal.macro import ConfigurationError, DataError
from rgnn_hal.reproduction import run, settings
from rgnn_hal.reproduction.cell import Measured, Missing, Modelled
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import Sizes
from rgnn_hal.reproduction.settings import FULL, QUICK, Settings
from rgnn_hal.reproduction.table import Draft, Section, Table
from rgnn_hal.tasks.forces import ForcesRecipe
from rgnn_hal.tasks.hamiltonian import HamiltonianRecipe
from rgnn_hal.tasks.wavefunction import WavefunctionRecipe

TINY = replace(
    QUICK,
    name="tiny",
    sizes=Sizes("sto-3g", water=(1, 2, 3), alkanes=(1, 2, 3), flakes=((1, 1), (1, 2), (1, 3))),
    repeats=2,
    forces=ForcesRecipe(channels=8, lmax=2),
    training_frames=8,
    compared=ForcesRecipe(channels=8, lmax=2),
    compared_frames=4,
    judged_frames=3,
    training_seconds=1.0,
    water=HamiltonianRecipe(channels=4, lmax=2),
    graphene=HamiltonianRecipe(channels=4, lmax=2, cutoff=4.0),
    wavefunction=WavefunctionRecipe(samples=400, iterations=1, walkers=100, widths=(16, 8)),
    solve_seconds=0.1,
    bases=("sto-3g", "cc-pvqz"),
    chains=(2, 4, 6),
    chain_basis="sto-3g",
    chain_walkers=16,
)


def sections(chosen: Settings, *only: str) -> list[Section]:
    return list(run.reproduce(chosen, only))


def claims(section: Section, kind: type) -> set[str]:
    return {row.claim for row in section.rows if isinstance(row.ours, kind)}


def test_a_wavefunction_is_reproduced_from_end_to_end() -> None:
    pytest.importorskip("pyscf", reason="the extra 'reference' is not installed")
    (section,) = sections(TINY, "wavefunction")
    assert section.failure is None, section.failure
    assert claims(section, Measured) == {"accuracy", "compute", "scaling", "training"}
    assert claims(section, Modelled) == {"speed", "energy"}
    assert len(section.charts) == 6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forces", "hamiltonian"])
def test_other_tasks_are_reproduced_from_end_to_end(name: str) -> None:
    pytest.importorskip("pyscf", reason="the extra 'reference' is not installed")
    (section,) = sections(TINY, name)
    assert section.failure is None, section.failure
    assert claims(section, Measured) == {"accuracy", "compute", "scaling", "training"}
    assert claims(section, Modelled) == {"speed", "energy"}
    assert {row.claim for row in section.rows if row.headline} == {
        "accuracy",
        "compute",
        "training",
        "speed",
        "energy",
    }
    assert Table.restored(Table((section,), "tiny").stored()).sections == (section,)


def test_forces_without_pyscf_say_so_and_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyscf", None)
    (section,) = sections(replace(TINY, training_seconds=0.1), "forces")
    assert section.failure is None, section.failure
    assert claims(section, Missing) == {"compute"}
    assert claims(section, Measured) == {"accuracy", "compute", "training"}


def test_full_and_quick_differ_in_size_only() -> None:
    assert (FULL.macro, FULL.exact) == (QUICK.macro, QUICK.exact)
    assert QUICK.training_seconds < FULL.training_seconds


def failing(context: Context, draft: Draft) -> None:
    raise DataError("no data at all")


def empty(context: Context, draft: Draft) -> None:
    draft.notes.append("done")


def test_a_failing_section_keeps_what_it_had_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def half(context: Context, draft: Draft) -> None:
        draft.notes.append("begun")
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(run, "SECTIONS", {"half": ("Half", half), "whole": ("Whole", empty)})
    first, second = sections(TINY)
    assert first.failure == "ZeroDivisionError: by zero" and first.notes == ("begun",)
    assert second.failure is None and second.notes == ("done",)


def test_sections_must_exist() -> None:
    with pytest.raises(ConfigurationError, match=r"'force'.*forces, hamiltonian, wavefunction"):
        sections(TINY, "force")


Call = Callable[..., int]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setattr(settings, "QUICK", TINY)
    monkeypatch.setattr(run, "SECTIONS", {"good": ("Good", empty), "bad": ("Bad", failing)})

    def run_command(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["rgnn-hal", "reproduce", "--quick", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    return run_command


def test_the_command_exits_by_what_happened(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call("--out", out, "--only", "good", "--json") == 0
    assert json.loads(capsys.readouterr().out)["failed"] == []
    assert call("--out", out) == 1
    assert "no data at all" in capsys.readouterr().out
    written = json.loads((out / "report.json").read_text())
    assert [section["name"] for section in written["sections"]] == ["good", "bad"]
    assert "no data at all" in (out / "report.html").read_text()
    assert call("--out", out, "--only", "better") == 2
    assert call("--out", out, "--macro", "nowhere://") == 2
    assert call("--out", out / "report.json") == 2


def test_ctrl_c_leaves_what_was_found(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(context: Context, draft: Draft) -> None:
        draft.notes.append("half of it")
        raise KeyboardInterrupt

    both = {"good": ("Good", empty), "long": ("Long", interrupted)}
    monkeypatch.setattr(run, "SECTIONS", both)
    assert call("--out", tmp_path) == 130
    good, long = json.loads((tmp_path / "report.json").read_text())["sections"]
    assert good["failure"] is None
    assert long["failure"].startswith("interrupted") and long["notes"] == ["half of it"]


def test_sections_of_several_runs_share_a_report(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def named() -> list[str]:
        written = json.loads((tmp_path / "report.json").read_text())
        return [section["name"] for section in written["sections"]]

    call("--out", tmp_path, "--only", "bad")
    assert "bad: failed: DataError: no data at all" in capsys.readouterr().err
    call("--out", tmp_path, "--only", "good")
    assert named() == ["bad", "good"]
    call("--out", tmp_path, "--only", "good", "--macro", "emulator://?seed=2")
    assert "other settings" in capsys.readouterr().err
    assert named() == ["good"]
    (tmp_path / "table.json").write_text("nothing")
    assert call("--out", tmp_path, "--only", "good") == 0
    assert "run all sections again" in capsys.readouterr().err
