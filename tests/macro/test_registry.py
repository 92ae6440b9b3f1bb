"""Drivers are found by scheme among entry points, and everything odd is a configuration error."""

from collections.abc import Callable
from importlib.metadata import Distribution, EntryPoint, EntryPoints
from pathlib import Path
from typing import Self

import pytest

from rgnn_hal.macro import (
    ConfigurationError,
    DriverEntry,
    MacroUri,
    installed_drivers,
    open_macro,
    registry,
)
from tests.conftest import ArrayMacro

Install = Callable[..., None]


class Toy(ArrayMacro):
    """A driver that remembers its address."""

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        macro = cls()
        macro.received = uri
        return macro


class _Distribution(Distribution):
    def __init__(self, name: str) -> None:
        self._name = name

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.1\nName: {self._name}\n" if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        raise NotImplementedError


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Pretend that these (scheme, class, distribution) are all that is installed."""

    def install(*drivers: tuple[str, str, str]) -> None:
        entries = EntryPoints(
            EntryPoint(scheme, value, "rgnn_hal.drivers")._for(_Distribution(owner))  # type: ignore[attr-defined]
            for scheme, value, owner in drivers
        )
        monkeypatch.setattr(registry, "entry_points", entries.select)

    return install


TOY = f"{__name__}:Toy"


def test_a_macro_is_opened_by_the_driver_of_its_scheme(install: Install) -> None:
    install(("toy", TOY, "toys"), ("other", "nowhere:Nothing", "others"))
    macro = open_macro("toy://bench?size=3")
    assert isinstance(macro, Toy)
    assert macro.received == MacroUri("toy", "bench", {"size": "3"})


def test_installed_drivers_are_listed_by_scheme_without_being_loaded(install: Install) -> None:
    install(("zebra", "nowhere:Nothing", "zoo"), ("ape", "missing:Gone", "zoo"))
    assert installed_drivers() == [
        DriverEntry("ape", "missing:Gone", "zoo"),
        DriverEntry("zebra", "nowhere:Nothing", "zoo"),
    ]


def test_an_unknown_scheme_lists_the_installed_ones(install: Install) -> None:
    install(("zebra", TOY, "zoo"), ("ape", TOY, "zoo"))
    with pytest.raises(ConfigurationError, match="'toy'; installed: ape, zebra"):
        open_macro("toy://")
    install()
    with pytest.raises(ConfigurationError, match="installed: none"):
        open_macro("toy://")


def test_a_scheme_claimed_by_two_distributions_is_refused(install: Install) -> None:
    install(("toy", TOY, "toys"), ("toy", "fake:Toy", "fakes"))
    with pytest.raises(ConfigurationError, match="claimed by toys, fakes"):
        open_macro("toy://")


def test_one_driver_seen_twice_is_no_conflict(install: Install) -> None:
    install(("toy", TOY, "toys"), ("toy", TOY, "toys"))
    assert isinstance(open_macro("toy://"), Toy)


@pytest.mark.parametrize(
    "body", ["import a_missing_dependency", "raise OSError('no library')", "1 / 0", "def broken("]
)
def test_a_driver_that_cannot_be_imported_is_a_configuration_error(
    install: Install, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"broken_driver_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    install(("toy", f"{name}:Toy", "toys"))
    with pytest.raises(ConfigurationError, match="cannot be imported") as caught:
        open_macro("toy://")
    assert "toys[all]" in str(caught.value)


def test_a_driver_that_its_module_lacks_is_a_configuration_error(install: Install) -> None:
    install(("toy", f"{__name__}:Missing", "toys"))
    with pytest.raises(ConfigurationError, match="Missing"):
        open_macro("toy://")


@pytest.mark.parametrize("value", ["builtins:dict", "math:pi", "math"])
def test_an_entry_that_is_no_macro_class_is_refused(install: Install, value: str) -> None:
    install(("toy", value, "toys"))
    with pytest.raises(ConfigurationError, match="is not a Macro class"):
        open_macro("toy://")


def test_the_bundled_emulator_is_installed() -> None:
    drivers = {entry.scheme: entry for entry in installed_drivers()}
    assert drivers["emulator"].distribution == "rgnn-hal"
