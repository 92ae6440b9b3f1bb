"""Chips behind a controller: small ones, so that tests of a wire do not wait for cells."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rgnn_hal_firmware import Chip
from rgnn_hal_firmware.parameters import load_preset
from rgnn_hal_firmware.scpi import ScpiServer
from tests.drivers.campaign import SMALL
from tests.drivers.faulty_wire import FaultyWire


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    """A preset of 24 x 20 cells."""
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


@pytest.fixture
def chip(preset: Path) -> Chip:
    """The chip that `server` serves; tests may look at it."""
    return Chip(load_preset(str(preset)), 7)


@pytest.fixture
def server(chip: Chip) -> Iterator[ScpiServer]:
    """Its controller."""
    with ScpiServer(chip) as server:
        yield server


@pytest.fixture
def wire(server: ScpiServer) -> Iterator[FaultyWire]:
    """A wire to it that can be spoiled."""
    with FaultyWire(server.address) as wire:
        yield wire


@pytest.fixture
def uri(server: ScpiServer) -> str:
    """Where it is, with time-outs for tests."""
    host, port = server.address
    return f"scpi://{host}:{port}?timeout_s=2"
