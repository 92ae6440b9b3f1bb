"""Every script in examples/ runs as its docstring says, and so does the README's example."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
EXTRAS = {"share_training": ("distributed", "scale")}
"""What a script imports that not everybody has, and the extra that brings it."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_example_runs(
    script: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if script.stem in EXTRAS:
        module, extra = EXTRAS[script.stem]
        pytest.importorskip(module, reason=f"the extra `{extra}` is not installed")
    monkeypatch.setattr("sys.argv", [str(script)])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.strip()


def test_the_python_example_of_the_readme_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("heading", ["## Run it", "## Test it"])
def test_the_readme_gives_one_command_under(heading: str) -> None:
    section = (ROOT / "README.md").read_text().split(f"\n{heading}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)
    assert len(block.strip().splitlines()) == 1
