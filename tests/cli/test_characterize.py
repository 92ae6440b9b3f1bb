"""`rgnn-hal characterize` and `fit` as their users see them."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]


def answer(result: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = result
    assert code == 0, err
    parsed = json.loads(out)
    assert isinstance(parsed, dict)
    return parsed


def test_a_chip_is_measured_reported_and_fitted(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    report = tmp_path / "report"
    uri = "emulator://?seed=4"
    found = answer(run("characterize", uri, "--region", "0:64,0:64", "--report", report, "--json"))
    assert found["region"] == "0:64,0:64"
    white = found["parameters"]["read_noise.white"]
    assert white["value"] == pytest.approx(0.117e-6, rel=0.02)
    assert white["unit"] == "S"
    assert white["standard_error"] > 0
    assert (report / "measurements.h5").is_file()
    plots = {path.stem for path in report.glob("*.png")}
    assert plots == {name.split(".")[0] for name in found["parameters"]}

    preset = tmp_path / "mine.toml"
    fitted = answer(run("fit", report / "measurements.h5", "--out", preset, "--json"))
    assert "read_noise.white" in fitted["written"]
    assert "wires.row_resistance" in fitted["unplaced"]
    assert len(fitted["tables"]["relaxation.levels"]["values"]) > 1
    one = fitted["parameters"]["read_noise.white"]
    assert one["preset_key"] == "read_noise.white"
    assert one["value"] == white["value"]
    assert one["source"].startswith("fitted to measurements.h5")
    assert tomllib.loads(preset.read_text())["read_noise"]["white"]["unit"] == "S"


def test_people_get_values_with_errors_and_reasons(run: Run, tmp_path: Path) -> None:
    uri = f"emulator://?seed=4&state={tmp_path / 'chip.h5'}"
    code, out, _ = run("characterize", uri, "--only", "converters,forming")
    assert code == 0
    assert "converters.offset sd" in out
    assert "±" in out
    assert "--wear" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["characterize", "emulator://", "--only", "everything"], "no measurement everything"),
        (["characterize", "emulator://", "--region", "0:4"], "r0:r1,c0:c1"),
        (["characterize", "emulator://", "--seconds", "-1"], "retention"),
        (["fit", "/nonexistent", "--out", "x.toml"], "no such file"),
    ],
)
def test_mistakes_are_answered_with_a_remedy(
    run: Run, arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())
