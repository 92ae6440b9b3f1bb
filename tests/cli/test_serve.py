"""`rgnn-hal serve` as its users see it: a process that serves until it is told to stop."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rgnn_hal import open_macro
from rgnn_hal.macro import Capability, ConfigurationError, MacroSpec, serve_macro

Run = Callable[..., tuple[int, str, str]]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `rgnn-hal serve` on a free port of this machine."""
    processes: list[subprocess.Popen[str]] = []

    def call(*arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", "from rgnn_hal.cli import main; main()", "serve",
                   *map(str, arguments), "--port", "0"]  # fmt: skip
        processes.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return processes[-1]

    yield call
    for process in processes:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The object that it prints when it is ready."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            break
    answer = json.loads(text)
    assert isinstance(answer, dict)
    return answer


def ask(address: str, message: bytes) -> bytes:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=30) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_saves(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "chip.h5"
    process = start(f"emulator://?seed=7&state={file}", "--json", "--watchdog", "5")
    answer = said(process)
    assert answer["uri"] == f"scpi://{answer['address']}"
    assert answer["identity"].endswith("seed7")
    reply = ask(answer["address"], b"*IDN?;SYST:WATC?;LOCK:REQ?;:SYST:LOCK:REQ?;MACR:WAIT 3\n")
    assert reply.startswith(b"rgnn_hal,chip40nm,")
    assert reply.endswith(b"-seed7,1.0;5;1\n")
    with pytest.raises(Exception, match="in use"):
        open_macro(f"emulator://?state={file}")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    with open_macro(f"emulator://?state={file}") as macro:
        assert macro.clock() == 3


def test_a_killed_server_leaves_its_chip_to_the_next(start: Start, tmp_path: Path) -> None:
    uri = f"emulator://?seed=7&state={tmp_path / 'chip.h5'}"
    process = start(uri, "--json")
    said(process)
    process.kill()
    process.wait()
    identity = said(start(uri, "--json"))["identity"]
    assert identity.endswith("seed7")


def test_whoever_listens_to_the_world_is_warned(start: Start) -> None:
    process = start("emulator://?preset=milo", "--host", "0.0.0.0", "--json")
    address = said(process)["address"]
    assert ask(address.replace("0.0.0.0", "127.0.0.1"), b"*OPC?\n") == b"1\n"
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 0
    assert "warning" in err
    assert "0.0.0.0" in err


def test_without_json_it_prints_the_address(start: Start) -> None:
    process = start("emulator://?preset=milo")
    assert process.stdout is not None
    assert "127.0.0.1:" in process.stdout.readline()
    assert "scpi://127.0.0.1:" in process.stdout.readline()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["smu-matrix://?config=bench.toml"], ["cannot be served", "emulator://"]),
        (["nothing://"], ["no driver"]),
        (["emulator://?sed=7"], ["sed"]),
        (["emulator://", "--host", "host.invalid"], ["host.invalid", "choose another"]),
        (["emulator://", "--host", "192.0.2.1"], ["192.0.2.1", "choose another"]),
        (["emulator://", "--port", "-1"], ["port"]),
        (["emulator://", "--watchdog", "nan"], ["watchdog"]),
        (["emulator://", "--watchdog", "-3"], ["watchdog"]),
    ],
)
def test_a_mistake_is_a_sentence(run: Run, arguments: list[str], words: list[str]) -> None:
    code, out, err = run("serve", *arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    for word in words:
        assert word in err


def test_a_port_in_use_and_a_forbidden_one_are_sentences(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = run("serve", "emulator://", "--port", taken.getsockname()[1])
    assert code == 2
    assert "in use" in err
    if os.geteuid() != 0:
        code, _, err = run("serve", "emulator://", "--port", 1)
        assert code == 2
        assert "ermission" in err


def test_a_chip_in_use_cannot_be_served(run: Run, tmp_path: Path) -> None:
    uri = f"emulator://?state={tmp_path / 'chip.h5'}"
    with open_macro(uri):
        code, _, err = run("serve", uri)
    assert code == 2
    assert "in use by process" in err


@pytest.mark.parametrize("query", ["seed=7", "seed=7&exact=true", "preset=neurram&seed=2"])
def test_the_capabilities_are_the_spec_that_the_emulator_gives(query: str) -> None:
    with open_macro(f"emulator://?{query}") as macro:
        own = macro.spec
    with serve_macro(f"emulator://?{query}", port=0) as served:
        answer = ask(served.address, b"SYST:CAP?\n")
        assert served.identity == own.identity
        assert served.loopback
    fields = json.loads(answer[2 + int(answer[1:2]) :])
    for extra in ("dialect", "max_message_bytes", "clock", "nonvolatile", "watchdog_s"):
        del fields[extra]
    persistent = own.capabilities | {Capability.PERSISTENT}
    assert MacroSpec.model_validate(fields) == own.model_copy(update={"capabilities": persistent})


def test_an_ipv6_address_is_written_with_brackets() -> None:
    try:
        with serve_macro("emulator://?preset=milo", host="::1", port=0) as served:
            assert served.uri.startswith("scpi://[::1]:")
            assert ask(served.address, b"*OPC?\n") == b"1\n"
    except ConfigurationError as error:
        pytest.skip(f"no IPv6 here: {error}")
