"""A driver from outside the tree, installed as a distribution of its own, found and proven.

The distribution is installed by pip into a folder, offline and without touching this environment.
Where no build back-end is installed, the folder is laid out as the wheel says; either way a fresh
interpreter finds the driver by its entry point alone.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rgnn_hal.testing import CLAUSES

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "examples" / "third_party_driver"
LISTED = {
    "scheme": "resistor-box",
    "class": "resistor_box:ResistorBox",
    "distribution": "resistor-box",
}


def install_with_pip(source: Path, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([*command, "--target", str(target), str(source)], check=True)


def install_by_hand(source: Path, target: Path) -> None:
    """What a wheel of this pure-Python project unpacks to."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    (target / "resistor_box.py").write_bytes((source / "resistor_box.py").read_bytes())
    info = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed driver."""
    target = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")  # building may leave files beside the sources
    for file in filter(Path.is_file, PROJECT.iterdir()):
        (source / file.name).write_bytes(file.read_bytes())
    with_pip = all(importlib.util.find_spec(name) for name in ("pip", "hatchling"))
    (install_with_pip if with_pip else install_by_hand)(source, target)
    return target


def python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an interpreter that sees the folder."""
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=site, env=environment, capture_output=True, text=True
    )


def command(site: Path, *arguments: str) -> dict[str, Any]:
    """What a command of the command line answers."""
    ran = python(site, "-c", "from rgnn_hal.cli import main; main()", *arguments, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_the_driver_is_listed(site: Path) -> None:
    assert LISTED in command(site, "drivers")["drivers"]


def test_a_folder_that_is_laid_out_by_hand_will_do(tmp_path: Path) -> None:
    install_by_hand(PROJECT, tmp_path)
    assert LISTED in command(tmp_path, "drivers")["drivers"]


def test_the_driver_passes_its_own_tests(site: Path) -> None:
    tests = site / "test_resistor_box.py"
    tests.write_bytes((PROJECT / "test_resistor_box.py").read_bytes())
    ran = python(
        site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(site), str(tests)
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout and "failed" not in ran.stdout


def test_the_command_line_proves_it(site: Path) -> None:
    report = command(site, "check", "resistor-box://?rows=3", "--examples", "5")
    assert not report["failed"]
    assert len(report["passed"]) + len(report["skipped"]) == len(CLAUSES)
    assert len(report["passed"]) > 30


def test_the_driver_stays_small() -> None:
    assert len((PROJECT / "resistor_box.py").read_text().splitlines()) <= 80
