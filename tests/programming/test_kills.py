"""Whoever dies, the array is grounded, the chip is free for the next, and the campaign goes on.

Real processes are killed here: `rgnn-hal program`, `rgnn-hal serve`, and scripts that halt where a
test wants to kill them.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal.macro import DeviceError, HalError, open_macro
from rgnn_hal.programming import CampaignReading, CellStatus, read_campaign, run_campaign
from rgnn_hal.wrappers import read_journal

pytestmark = pytest.mark.usefixtures("terminal_signals")

CLI = "from rgnn_hal.cli import main; main()"
PRESET = """
name = "small"
description = "chip40nm, but 24 x 20 cells"
base = "chip40nm"

[array]
rows = { value = 24, unit = "1", source = "enough for a test" }
cols = { value = 20, unit = "1", source = "enough for a test" }
"""
SHAPE = (24, 20)
TARGET = np.random.default_rng(1).uniform(2e-6, 38e-6, SHAPE)
_OFFSETS = 1e-6
"""A: converters show less of grounded lines, and 100 times as much of 0.2 V on all rows."""
LONG = 60.0
"""s: more than any of this takes on a busy machine."""

Process = subprocess.Popen[str]
Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python with a script and arguments; killed at the end of the test."""
    processes: list[Process] = []

    def call(script: str, *arguments: object) -> Process:
        command = [sys.executable, "-c", script, *map(str, arguments)]
        processes.append(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return processes[-1]

    yield call
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def chip(tmp_path: Path) -> str:
    """Address of a small chip in a file."""
    (tmp_path / "small.toml").write_text(PRESET)
    uri = f"emulator://?state={tmp_path / 'chip.h5'}"
    open_macro(f"{uri}&seed=7&preset={tmp_path / 'small.toml'}").close()
    return uri


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    np.save(tmp_path / "targets.npy", TARGET)
    return tmp_path / "targets.npy"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "campaign"


def serve(start: Start, chip: str) -> tuple[Process, str]:
    """A process that serves `chip`, and where."""
    process = start(CLI, "serve", chip, "--port", 0, "--json")
    assert process.stdout is not None
    text = "".join(iter(process.stdout.readline, "}\n")) + "}"
    return process, json.loads(text)["uri"]


def kill(process: Process, number: signal.Signals = signal.SIGKILL) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=LONG)
    return process.returncode, out, err


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def rounds(folder: Path) -> int:
    file = folder / "campaign.jsonl"
    return file.read_bytes().count(b'"pulsed":true') if file.exists() else 0


def ask(uri: str, message: bytes) -> bytes:
    host, _, port = uri.removeprefix("scpi://").partition(":")
    with socket.create_connection((host, int(port)), timeout=LONG) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def latched(uri: str) -> Any:
    """Currents that whoever comes next finds flowing, A; the shape tells what is latched."""
    answer = ask(uri, b"SYST:LOCK:REQ?;:MACR:CURR? 1\n")
    owned, _, block = answer.partition(b";")
    assert owned == b"1"
    digits = int(block[1:2])
    return np.frombuffer(block[2 + digits : 2 + digits + int(block[2 : 2 + digits])], "<f8")


def wear(reading: CampaignReading) -> NDArray[np.int64]:
    """Pulses of every kind."""
    total = np.zeros(SHAPE, np.int64)
    for pulses in reading.pulses.values():
        total += pulses
    return total


def check_goes_on(uri: str, folder: Path, before: CampaignReading) -> None:
    """The rest is written, what was finished is not pulsed, and the chip itself agrees."""
    with open_macro(uri) as macro:
        report = run_campaign(macro, TARGET, folder)
        independent = macro.read_conductance(samples=16)
    after = read_campaign(folder)
    assert report.finished_before == before.finished.sum()
    added = wear(after) - wear(before)
    assert not added[before.finished].any()
    moved = report.programming.status != CellStatus.STUCK
    assert moved.mean() > 0.95
    assert (after.finished | ~moved).mean() > 0.99
    assert (np.abs(independent - TARGET) <= report.programming.tolerance)[moved].mean() > 0.95
    assert report.programming.success_fraction > 0.95


HALTING = """
import sys, time
import numpy as np
from rgnn_hal.macro import open_macro
from rgnn_hal.programming import run_campaign
from rgnn_hal.wrappers._forward import Forwarding

uri, targets, folder, verb, number, late = sys.argv[1:]

class Halting(Forwarding):
    calls = 0

    def _around(self, name, arguments, call):
        Halting.calls += name == verb
        halts = name == verb and Halting.calls == int(number)
        if halts and not int(late):
            self.halt()
        result = call()
        if halts:
            self.halt()
        return result

    def halt(self):
        print("here", flush=True)
        time.sleep(600)

run_campaign(Halting(open_macro(uri)), np.load(targets), folder)
"""


@pytest.mark.parametrize(
    ("served", "verb", "number", "late"),
    [
        (False, "pulse", 20, 1),
        (False, "pulse", 45, 0),
        (False, "read_conductance", 50, 1),
        (True, "pulse", 45, 1),
        (True, "read_conductance", 50, 0),
    ],
)
def test_a_host_that_is_killed_at_a_verb_is_taken_over(
    start: Start, chip: str, targets: Path, folder: Path, served: bool, verb: str,
    number: int, late: int,
) -> None:  # fmt: skip
    uri = serve(start, chip)[1] if served else chip
    process = start(HALTING, uri, targets, folder, verb, number, late)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    with pytest.raises(DeviceError, match="in use by" if served else f"process {process.pid}"):
        open_macro(uri)
    assert kill(process)[0] == -signal.SIGKILL
    before = read_campaign(folder)
    (unfinished,) = read_journal(folder / "journal.jsonl").unfinished
    assert unfinished["verb"] == verb
    if served:
        eventually(lambda: ask(uri, b"SYST:LOCK:OWN?\n") == b'"NONE"\n')
        assert latched(uri).shape == SHAPE[1:]  # one vector: the offsets of grounded lines
        assert np.abs(latched(uri)).max() < _OFFSETS
    check_goes_on(uri, folder, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_programming_process_that_is_told_to_stop_grounds_the_array(
    start: Start, chip: str, targets: Path, folder: Path, number: signal.Signals
) -> None:
    uri = serve(start, chip)[1]
    process = start(CLI, "program", uri, targets, "--campaign", folder, "--json",
                    "--tolerance", 1e-7)  # fmt: skip
    eventually(lambda: rounds(folder) >= 2)
    code, out, err = kill(process, number)
    assert code == 128 + number
    assert json.loads(out) == {"error": f"stopped by {number.name}", "kind": "Stopped"}
    assert "Traceback" not in err
    assert "call again to go on" in err
    assert ask(uri, b"SYST:LOCK:OWN?\n") == b'"NONE"\n'
    assert np.abs(latched(uri)).max() < _OFFSETS
    journal = read_journal(folder / "journal.jsonl")
    assert (journal.torn, journal.unfinished) == (0, [])
    assert journal.events[-1]["event"] == "close"
    assert journal.events[-2]["event"] == "safe"


def test_a_server_that_is_killed_and_restarted_is_gone_on_with(
    start: Start, chip: str, targets: Path, folder: Path
) -> None:
    server, uri = serve(start, chip)
    process = start(CLI, "program", uri, targets, "--campaign", folder, "--json")
    eventually(lambda: rounds(folder) >= 2)
    kill(server)
    out, err = process.communicate(timeout=LONG)
    assert process.returncode == 2
    assert json.loads(out)["kind"] in ("TransportError", "ClosedError")
    assert "Traceback" not in err
    assert "call again to go on" in err
    before = read_campaign(folder)
    assert (wear(before)[~before.finished] > 0).any()
    check_goes_on(serve(start, chip)[1], folder, before)


def test_a_process_that_is_killed_again_and_again_gets_there(
    start: Start, chip: str, targets: Path, folder: Path
) -> None:
    """Wherever it happens to be: nobody chose these moments."""
    command = [CLI, "program", chip, targets, "--campaign", folder, "--json"]
    for _ in range(2):
        process, before = start(*command), rounds(folder)
        eventually(lambda: rounds(folder) > before or process.poll() is not None)  # noqa: B023
        time.sleep(np.random.default_rng(before).uniform(0, 0.02))
        kill(process)
    before_last = read_campaign(folder)
    check_goes_on(chip, folder, before_last)
    process = start(*command)
    out, _ = process.communicate(timeout=LONG)
    answer = json.loads(out)
    assert process.returncode == 0
    assert answer["finished_before"] == read_campaign(folder).finished.sum()
    assert answer["calls"] >= 4


HOLDING = """
import sys, time
import numpy as np
from rgnn_hal.macro import open_macro
macro = open_macro(sys.argv[1])
macro.apply(np.full((3, macro.spec.rows), 0.2))
print("here", flush=True)
sys.stdin.readline()
macro.read()
"""


def hold(start: Start, uri: str) -> Process:
    """A process that keeps 0.2 V on all rows of the array."""
    process = start(HOLDING, uri)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def test_an_owner_is_named_and_a_dead_one_is_in_nobody_s_way(start: Start, chip: str) -> None:
    owner = hold(start, chip)
    with pytest.raises(DeviceError, match=f"in use by process {owner.pid};"):
        open_macro(chip)
    kill(owner)
    open_macro(chip).close()


def test_a_served_array_has_one_owner_and_is_grounded_with_its_death(
    start: Start, chip: str
) -> None:
    uri = serve(start, chip)[1]
    owner = hold(start, uri)
    with pytest.raises(DeviceError, match=r"in use by .?127\.0\.0\.1:\d+"):
        open_macro(uri)
    kill(owner)
    eventually(lambda: ask(uri, b"SYST:LOCK:OWN?\n") == b'"NONE"\n')
    assert latched(uri).shape == SHAPE[1:]
    open_macro(uri).close()


def test_a_server_that_is_killed_leaves_its_chip_to_the_next(start: Start, chip: str) -> None:
    server, uri = serve(start, chip)
    macro = open_macro(uri)
    with pytest.raises(DeviceError, match=f"in use by process {server.pid};"):
        open_macro(chip)
    kill(server)
    with pytest.raises(HalError):
        macro.read_conductance()
    open_macro(chip).close()


def test_the_watchdog_grounds_the_array_of_a_host_that_hangs(start: Start, chip: str) -> None:
    """A host without power sends no end of its connection, either; nor does one that is stopped."""
    uri = serve(start, chip)[1]
    owner = hold(start, f"{uri}?watchdog_s=0.3")
    os.kill(owner.pid, signal.SIGSTOP)
    time.sleep(2.0)
    os.kill(owner.pid, signal.SIGCONT)
    _, err = owner.communicate("\n", timeout=LONG)
    assert owner.returncode == 1
    assert "DeviceError" in err
    assert "watchdog" in err
