"""The house stands as designed: imports point one way, and nothing is where it does not belong."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "rgnn_hal": ROOT / "rgnn_hal",
    "rgnn_hal_drivers": ROOT / "drivers/rgnn_hal_drivers",
    "rgnn_hal_firmware": ROOT / "firmware_models/rgnn_hal_firmware",
}
FILES = sorted(file for package in PACKAGES.values() for file in package.rglob("*.py"))

_ENGINE = {"macro", "mapping", "programming", "analog"}
_SCIENCE = {"structures", "readout", "reservoir", "cost"}
MAY_IMPORT: dict[str, set[str]] = {
    # The top of the package re-exports the contract and nothing heavier.
    "": {"macro"},
    "progress": set(),
    "macro": set(),
    "lines": {"macro.errors"},
    # `progress` is one protocol that knows nothing; whoever works long may report to it.
    "wrappers": {"macro", "lines"},
    "testing": {"macro", "progress"},
    "cost": {"macro.errors"},
    "structures": {"macro.errors"},
    "mapping": {"macro", "progress"},
    # A campaign wraps its macro in a journal.
    "programming": {"macro", "wrappers", "lines", "cost", "progress"},
    "characterization": {"macro", "programming", "progress"},
    "benchmarks": {"macro", "programming", *_SCIENCE, "tasks", "bundled", "progress"},
    "analog": {"macro", "mapping", "programming", "cost", "progress"},
    "readout": {*_ENGINE, "structures", "cost", "progress"},
    "reservoir": {*_ENGINE, "structures", "cost", "progress"},
    "tasks": {*_ENGINE, *_SCIENCE, "progress"},
    "bundled": {"macro.errors"},
    "reproduction": {*_ENGINE, *_SCIENCE, "tasks", "benchmarks", "bundled", "progress"},
    "report": {*_ENGINE, *_SCIENCE, "tasks", "characterization", "reproduction", "progress"},
    "cli": {
        *_ENGINE,
        *_SCIENCE,
        *("tasks", "report", "wrappers", "testing", "characterization", "benchmarks", "progress"),
        *("reproduction", "bundled"),
    },
}
"""Which parts of `rgnn_hal` each part may import, besides itself."""


def imports(file: Path) -> Iterator[str]:
    """Absolute names of everything that `file` imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; write the whole name"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def part_of(file: Path) -> str:
    first = file.relative_to(PACKAGES["rgnn_hal"]).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def names(file: Path) -> str:
    return str(file.relative_to(ROOT))


every_file = pytest.mark.parametrize("file", FILES, ids=names)


@pytest.mark.parametrize(
    "file", [file for file in FILES if PACKAGES["rgnn_hal"] in file.parents], ids=names
)
def test_imports_of_the_library_point_one_way(file: Path) -> None:
    part = part_of(file)
    assert part in MAY_IMPORT, f"{part!r} has no place in the house; say what it may import"
    allowed = {f"rgnn_hal.{name}" for name in MAY_IMPORT[part] | ({part} if part else set())}
    for name in imports(file):
        assert not within(name, "rgnn_hal_drivers"), f"drivers are found, not imported: {name}"
        assert not within(name, "rgnn_hal_firmware"), f"the chip is behind a driver: {name}"
        if within(name, "rgnn_hal"):
            assert any(within(name, other) for other in allowed), f"{file} imports {name}"


@pytest.mark.parametrize("file", sorted(PACKAGES["rgnn_hal_drivers"].rglob("*.py")), ids=names)
def test_drivers_know_the_contract_and_firmware_models_only(file: Path) -> None:
    allowed = ("rgnn_hal.macro", "rgnn_hal_drivers", "rgnn_hal_firmware")
    for name in imports(file):
        if name.startswith("rgnn_hal"):
            assert any(within(name, other) for other in allowed), f"{file} imports {name}"


@pytest.mark.parametrize("file", sorted(PACKAGES["rgnn_hal_firmware"].rglob("*.py")), ids=names)
def test_firmware_models_know_nothing_of_the_library(file: Path) -> None:
    for name in imports(file):
        assert not within(name, "rgnn_hal"), f"{file} imports {name}"
        assert not within(name, "rgnn_hal_drivers"), f"{file} imports {name}"


CONTROLLERS = ("rgnn_hal_firmware.scpi", "rgnn_hal_firmware.tsp")


@pytest.mark.parametrize(
    "file",
    sorted(PACKAGES["rgnn_hal_firmware"].glob("*.py")),
    ids=names,
)
def test_a_chip_knows_nothing_of_the_controller_before_it(file: Path) -> None:
    for name in imports(file):
        assert not any(within(name, other) for other in CONTROLLERS), f"{file} imports {name}"


def test_structures_and_cost_know_no_hardware_and_no_torch_is_needed_to_drive() -> None:
    for part in ("macro", "wrappers", "testing", "programming", "mapping", "cost"):
        for file in (PACKAGES["rgnn_hal"] / part).rglob("*.py"):
            if file.name == "digital.py":
                continue  # it counts torch's work; `import rgnn_hal.cost` leaves it alone
            heavy = {name.split(".")[0] for name in imports(file)} & {"torch", "ase", "e3nn"}
            assert not heavy, f"{file} imports {heavy}"


@every_file
def test_nothing_executes_data_or_draws_from_global_random_state(file: Path) -> None:
    for name in imports(file):
        assert name.split(".")[0] not in {"pickle", "cPickle", "dill", "shelve", "marshal"}
        assert not within(name, "random"), "draw from numpy.random.default_rng(seed)"
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "__import__")):
                pytest.fail(f"{file}:{node.lineno} executes text")
            case ast.Attribute(
                value=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random"), attr=attr
            ):
                assert attr in _RANDOM, f"{file}:{node.lineno} np.random.{attr} is global state"
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="torch"), attr="load" | "manual_seed" as attr)
            ):
                pytest.fail(f"{file}:{node.lineno} torch.{attr}")
            case ast.Call(func=ast.Attribute(attr="default_rng"), args=[], keywords=[]):
                pytest.fail(f"{file}:{node.lineno} draws without a seed")
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                pytest.fail(f"{file} loads pickles")


_RANDOM = {
    "default_rng",
    "Generator",
    "BitGenerator",
    "SeedSequence",
    "Philox",
    "PCG64",
    "PCG64DXSM",
}


@every_file
def test_modules_stay_under_350_lines(file: Path) -> None:
    assert len(file.read_text().splitlines()) < 350


@every_file
def test_a_module_says_what_it_is(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text()))


@every_file
def test_no_name_is_a_junk_drawer(file: Path) -> None:
    for part in file.relative_to(ROOT).with_suffix("").parts:
        assert part.strip("_") not in {"utils", "util", "helpers", "helper", "common", "misc"}


def test_the_top_level_is_the_layout() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} == {
        "LICENSE",
        "README.md",
        "drivers",
        "examples",
        "firmware_models",
        "pyproject.toml",
        "rgnn_hal",
        "tests",
    }


def test_source_roots_are_no_packages() -> None:
    assert not (ROOT / "drivers/__init__.py").exists()
    assert not (ROOT / "firmware_models/__init__.py").exists()
    code = """
import sys
from rgnn_hal import open_macro
open_macro("emulator://?seed=1").close()
twice = [name for name in sys.modules if name.startswith(("drivers.", "firmware_models."))]
assert not twice, twice
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert not [name for name in sys.modules if name.startswith(("drivers.", "firmware_models."))]


@pytest.mark.parametrize(
    "code",
    [
        "import rgnn_hal",
        "import rgnn_hal.programming, rgnn_hal.mapping, rgnn_hal.cost",
        "from rgnn_hal import open_macro; open_macro('emulator://?seed=1').close()",
    ],
)
def test_driving_a_macro_loads_neither_torch_nor_ase(code: str) -> None:
    heavy = "{'torch', 'ase', 'e3nn', 'vesin', 'matplotlib'} & set(sys.modules)"
    subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nloaded = {heavy}\nassert not loaded, loaded"],
        check=True,
    )
