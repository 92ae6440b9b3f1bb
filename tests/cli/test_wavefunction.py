"""`solve` and `curve` from the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

EXACT = "emulator://?seed=3&exact=true"


def test_solve_prints_an_energy_with_its_error_and_goes_on(run: Run, tmp_path: Path) -> None:
    command = ("solve", "He 0 0 0", "--macro", EXACT, "--seconds", 6, "--out", tmp_path / "he")
    code, out, err = run(*command, "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["energy_hartree"] == pytest.approx(-2.9037, abs=0.05)
    assert 0 < result["standard_error_hartree"] < 0.05
    assert result["variance_hartree2"] > 0
    assert 10 * result["trained_parameters"] < result["frozen_parameters"]
    assert "measured: E =" in err
    code, out, _ = run(*command, "--json")
    assert json.loads(out)["samples"] > result["samples"]


def test_a_curve_runs_point_by_point(run: Run, tmp_path: Path) -> None:
    (tmp_path / "exact.json").write_text('{"R": [1.4, 2.0], "E": [-1.17448, -1.13813]}')
    code, out, err = run(
        *("curve", "H 0 0 0; H 0 0 {r}", "--from", 1.4, "--to", 2, "--points", 2),
        *("--seconds", 4, "--macro", EXACT, "--out", tmp_path / "h2"),
        *("--reference", tmp_path / "exact.json", "--json"),
    )
    assert code == 0, err
    result = json.loads(out)
    assert result["coordinate"] == [1.4, 2.0]
    assert result["reference_hartree"] == [-1.17448, -1.13813]
    assert result["largest_error_hartree"] < 0.1
    assert (tmp_path / "h2" / "curve.csv").exists()
    assert (tmp_path / "h2" / "curve.png").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("solve", "H 0 0 0", "--spin", 2), "spin"),
        (("solve", "Xx 0 0 0"), "element 'Xx'"),
        (("solve", "H 0 0 0; H 0 0 0"), "bohr apart"),
        (("solve", "H 0 0 0", "--reads", 5000), "--reads 5000"),
        (("curve", "H 0 0 0"), "has no {r}"),
        (("curve", "H 0 0 {r}", "--from", 3, "--to", 2), "is none"),
    ],
)
def test_mistakes_exit_with_a_sentence(
    run: Run, tmp_path: Path, arguments: tuple[object, ...], complaint: str
) -> None:
    code, _, err = run(*arguments, "--out", tmp_path / "x")
    assert code == 2
    assert complaint in err
    assert "Traceback" not in err
    assert not (tmp_path / "x").exists()
