"""The policies of `scpi://`: what is verified, who owns, what is lost; and it ends grounded."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rgnn_hal.macro import (
    Capability,
    ClosedError,
    ConfigurationError,
    DeviceError,
    HalError,
    LimitError,
    Macro,
    NotSupportedError,
    PulseKind,
    Region,
    TransportError,
    open_macro,
    serve_macro,
)
from rgnn_hal_drivers.scpi import ScpiDriver
from rgnn_hal_drivers.scpi.durations import Durations
from rgnn_hal_drivers.scpi.errors import parse_entries, refusal
from rgnn_hal_firmware import Chip
from rgnn_hal_firmware.scpi import ScpiServer
from tests.conftest import make_spec
from tests.drivers.campaign import _grounded as grounded
from tests.drivers.faulty_wire import FAULTS, FaultyWire, late
from tests.drivers.peers import answering, deaf, peer, silent

STRIKING = {fault.name: fault for fault in FAULTS}
DRAW = np.random.default_rng(0)
IDN = b'rgnn_hal,small,7,1.0;0,"No error";%d\n'


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it holds within a time that is long even on a busy machine."""
    until = time.monotonic() + 20.0
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def volts(lines: int, batch: int = 2) -> Any:
    return np.random.default_rng(3).uniform(-0.2, 0.2, (batch, lines))


# Where and what.


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("scpi://", "needs an address or a resource"),
        ("scpi://lab7?resource=TCPIP::lab7::INSTR", "one of them"),
        ("scpi://[::1]:5025", "no HOST"),
        ("scpi://lab7:0", "no HOST"),
        ("scpi://lab7:70000", "no HOST"),
        ("scpi://lab7/slot", "no HOST"),
        ("scpi://lab7?timeout_s=0", "timeout_s"),
        ("scpi://lab7?timeout_s=inf", "timeout_s"),
        ("scpi://lab7?speed=1", "speed=.*Known keys: resource, backend, timeout_s"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(uri: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        open_macro(uri)


def test_a_visa_resource_is_the_same_macro_as_its_address(server: ScpiServer, uri: str) -> None:
    host, port = server.address
    with open_macro(uri) as macro:
        spec = macro.spec
    with open_macro(f"scpi://?resource=TCPIP::{host}::{port}::SOCKET&backend=@py") as macro:
        assert macro.spec == spec
        assert "persistent" in macro.spec.capabilities


@pytest.mark.parametrize(
    ("lines", "error", "complaint"),
    [
        ((b'Keithley Inc.,Model 2601B,1,3.0;0,"No error";%d\n',), TransportError, "no macro cont"),
        ((b"SSH-2.0-OpenSSH_9.6\r\n",), TransportError, "SSH-2.0"),
        ((IDN.replace(b"1.0", b"2.0"),), DeviceError, "dialect 2.0, this driver 1"),
        ((IDN, b'#15{"a":;0,"No error";%d\n'), DeviceError, "does not understand"),
        ((IDN, b'#12{};0,"No error";%d\n'), DeviceError, "max_message_bytes"),
    ],
)
def test_who_is_no_controller_of_the_dialect_is_not_opened(
    lines: tuple[bytes, ...], error: type[HalError], complaint: str
) -> None:
    with peer(answering(*lines)) as port, pytest.raises(error, match=complaint):
        open_macro(f"scpi://127.0.0.1:{port}?timeout_s=0.3")


def test_another_chip_than_the_one_expected_is_refused(uri: str) -> None:
    with open_macro(uri) as macro:
        identity = macro.spec.identity
    with open_macro(f"{uri}&identity={identity}") as macro:
        assert macro.spec.identity == identity
    with pytest.raises(ConfigurationError, match=r"is small-.*not small-8"):
        open_macro(f"{uri}&identity=small-8")


@pytest.mark.parametrize("script", [silent, deaf])
def test_a_peer_that_does_not_answer_is_an_error_on_opening(script: Any) -> None:
    with peer(script) as port, pytest.raises(TransportError, match=r"no answer within 0\.2 s"):
        open_macro(f"scpi://127.0.0.1:{port}?timeout_s=0.2")


# The same chip on both roads.


@pytest.mark.parametrize("options", ["", "&exact=true"])
def test_a_served_chip_gives_the_currents_of_the_same_chip_in_process(options: str) -> None:
    chip = f"emulator://?seed=7{options}"
    with serve_macro(chip, port=0) as served, open_macro(served.uri) as macro:
        remote = session(macro)
        capabilities = macro.spec.capabilities
    with open_macro(chip) as macro:
        local = session(macro)
        assert capabilities == macro.spec.capabilities | {Capability.PERSISTENT}
    for ours, theirs in zip(remote, local, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def session(macro: Macro) -> list[Any]:
    region = Region(4, 36, 8, 28)
    draw = np.random.default_rng(0)
    every = np.ones(region.shape, np.bool_)
    results: list[Any] = []
    macro.pulse(PulseKind.FORM, every, voltage=4.0, gate_voltage=1.65, width=1e-3, region=region)
    for _ in range(2):
        results.append(macro.read_conductance(region, samples=2))
        for dtype in (np.float32, np.float64):
            voltage = draw.uniform(-0.2, 0.2, (5, region.shape[0])).astype(dtype)
            results.append(macro.multiply(voltage, region=region, samples=3))
            macro.apply(voltage, region=region)
            results += [macro.read(), macro.read(2)]
            across = draw.uniform(-0.2, 0.2, (4, region.shape[1])).astype(dtype)
            results.append(macro.multiply(across, region=region, side="cols"))
        amplitude = np.where(every, draw.uniform(1.2, 2.4, region.shape), np.nan)
        mask = draw.random(region.shape) < 0.5
        amplitude[~mask] = np.nan  # nobody looks at what is not addressed
        for kind in (PulseKind.RESET, PulseKind.SET):
            macro.pulse(
                kind, mask, voltage=amplitude, gate_voltage=2.0, width=1e-6, count=3, region=region
            )
        results.append(macro.read_conductance(region, mask=mask))
        macro.wait(1e5)
        results += [np.asarray(macro.clock()), macro.read()]
    return results


def test_sessions_without_a_socket_carry_the_same_numbers(
    uri: str, preset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rgnn_hal_drivers.visa._socket_of", lambda session: None)
    region = Region(2, 20, 3, 9)
    voltage = volts(18, batch=30)
    with open_macro(uri) as remote, open_macro(f"emulator://?seed=7&preset={preset}") as local:
        results = [
            (macro.multiply(voltage, region=region), macro.read_conductance())
            for macro in (remote, local)
        ]
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_array_equal(ours, theirs)


# Ownership and the watchdog.


def test_a_second_opener_is_told_who_owns_the_array(uri: str) -> None:
    with open_macro(uri), pytest.raises(DeviceError, match=r'in use by "127\.0\.0\.1:\d+"'):
        open_macro(f"{uri}&lock_wait_s=0")
    open_macro(uri).close()


def test_an_opener_waits_for_an_owner_that_leaves(uri: str) -> None:
    first = open_macro(uri)
    threading.Timer(0.2, first.close).start()
    open_macro(f"{uri}&lock_wait_s=20").close()


def test_an_idle_session_keeps_its_voltages_longer_than_the_watchdog(uri: str, chip: Chip) -> None:
    with open_macro(f"{uri}&watchdog_s=0.4") as macro:
        macro.apply(volts(macro.spec.rows))
        with macro.lock:  # a caller that thinks between two verbs of a sequence
            time.sleep(1.5)
            assert not grounded(chip)
            macro.read()


OWNER = """
import sys, time
import numpy as np
from rgnn_hal import open_macro
macro = open_macro(sys.argv[1])
macro.apply(np.full((1, macro.spec.rows), 0.2))
print("applied", flush=True)
sys.stdin.readline()
try:
    macro.read()
except Exception as error:
    print(type(error).__name__, error, flush=True)
"""


@contextmanager
def owner(uri: str) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has voltages latched."""
    command = [sys.executable, "-c", OWNER, uri]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout is not None
        assert process.stdout.readline() == "applied\n"
        yield process
        process.kill()


def test_a_killed_process_leaves_the_array_grounded_and_free(uri: str, chip: Chip) -> None:
    with owner(uri) as process:
        assert not grounded(chip)
        process.kill()
        process.wait()
        open_macro(f"{uri}&lock_wait_s=20").close()
        assert grounded(chip)


def test_a_suspended_process_is_grounded_by_the_watchdog_and_told(uri: str, chip: Chip) -> None:
    with owner(f"{uri}&watchdog_s=0.4") as process:
        os.kill(process.pid, signal.SIGSTOP)
        assert eventually(lambda: grounded(chip))
        os.kill(process.pid, signal.SIGCONT)
        said, _ = process.communicate("go on\n", timeout=30)
    assert said.startswith("DeviceError")
    assert "apply the voltages again" in said


def test_leaving_the_interpreter_grounds(uri: str, chip: Chip) -> None:
    code = OWNER.replace("sys.stdin.readline()", "sys.exit()")
    subprocess.run([sys.executable, "-c", code, uri], check=True, capture_output=True)
    assert grounded(chip)
    open_macro(f"{uri}&lock_wait_s=0").close()  # the array was given back, not only lost


# What is lost.


@pytest.fixture
def frail(wire: FaultyWire) -> str:
    """Through a wire, with little patience."""
    return f"{wire.uri}?timeout_s=0.3&lock_wait_s=20"


@pytest.mark.parametrize("kind", ["reset", "cut off", "message reset", "message halved"])
def test_a_lost_connection_closes_the_macro_and_grounds_the_array(
    kind: str, frail: str, wire: FaultyWire, chip: Chip
) -> None:
    macro = open_macro(frail)
    macro.apply(volts(macro.spec.rows))
    wire.arm(STRIKING[kind], DRAW)
    with pytest.raises(TransportError, match=r"unknown.*open it anew"):
        macro.read()
    assert macro.closed
    assert grounded(chip)
    with pytest.raises(ClosedError):
        macro.read()
    macro.safe()
    macro.close()
    open_macro(frail).close()


@pytest.mark.parametrize("kind", ["truncated", "wrong length", "silent"])
def test_a_spoiled_answer_is_an_error_and_the_connection_goes_on(
    kind: str, frail: str, wire: FaultyWire, chip: Chip
) -> None:
    with open_macro(frail) as macro:
        macro.apply(volts(macro.spec.rows))
        wire.arm(STRIKING[kind], DRAW)
        with pytest.raises(TransportError, match="resynchronised"):
            macro.clock()
        assert not macro.closed
        assert grounded(chip)
        assert macro.read().shape == (1, macro.spec.cols)


def test_a_late_answer_is_not_the_answer_to_the_next_question(frail: str, wire: FaultyWire) -> None:
    with open_macro(frail) as macro:
        wire.arm(late(0.45), DRAW)
        with pytest.raises(TransportError, match=r"no answer within 0\.3"):
            macro.clock()
        for _ in range(3):
            macro.wait(10.0)
            assert macro.clock() >= 10.0


def test_a_connection_that_is_lost_in_idle_hours_is_told_at_the_next_verb(
    frail: str, wire: FaultyWire, chip: Chip
) -> None:
    with open_macro(f"{frail}&watchdog_s=0.3") as macro:
        macro.apply(volts(macro.spec.rows))
        wire.arm(STRIKING["reset"], DRAW)
        assert eventually(lambda: grounded(chip))
        with pytest.raises(TransportError, match="open it anew"):
            macro.read()
        assert macro.closed


def test_closing_and_grounding_end_when_nobody_answers(frail: str, wire: FaultyWire) -> None:
    macro = open_macro(frail)
    wire.arm(STRIKING["silent"], DRAW, times=100)
    with pytest.raises(TransportError, match="nobody confirms"):
        macro.safe()
    with pytest.raises(TransportError):
        macro.clock()
    assert macro.closed
    macro.close()


def test_a_server_that_stops_is_an_error_and_no_more(server: ScpiServer, uri: str) -> None:
    with open_macro(uri) as macro:
        server.stop()
        with pytest.raises(TransportError) as caught:
            macro.multiply(volts(macro.spec.rows))
        assert "nobody confirms" in "".join(caught.value.__notes__)
        assert macro.closed


# Interruptions.


@pytest.mark.usefixtures("terminal_signals")
def test_ctrl_c_in_an_exchange_leaves_a_macro_that_can_be_used(
    frail: str, wire: FaultyWire, chip: Chip
) -> None:
    with open_macro(frail.replace("0.3", "5")) as macro:
        macro.apply(volts(macro.spec.rows))
        wire.arm(late(0.6), DRAW)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            macro.read_conductance()
        assert grounded(chip)
        assert not macro.closed
        assert macro.read().shape == (1, macro.spec.cols)


def test_a_signal_handler_may_ground_the_array_in_the_middle_of_an_exchange(
    frail: str, wire: FaultyWire, chip: Chip
) -> None:
    macro = open_macro(frail.replace("0.3", "5"))
    before = signal.signal(signal.SIGUSR1, lambda *_: macro.safe())
    try:
        macro.apply(volts(macro.spec.rows))
        wire.arm(late(1.0), DRAW)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(TransportError):
            macro.read()
    finally:
        signal.signal(signal.SIGUSR1, before)
        macro.close()
    assert grounded(chip)


def test_a_forked_child_can_neither_use_nor_close_what_its_parent_has(uri: str, chip: Chip) -> None:
    with open_macro(uri) as macro:
        macro.apply(volts(macro.spec.rows))
        before = macro.read()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                try:
                    macro.multiply(volts(macro.spec.rows))
                except TransportError as error:
                    os.write(write, str(error).encode())
                macro.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        with os.fdopen(read) as said:
            os.close(write)
            assert "forked" in said.read()
        assert not grounded(chip)
        assert macro.read().shape == before.shape


# Errors and durations.


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (-222, LimitError),
        (-224, LimitError),
        (103, NotSupportedError),
        (-100, TransportError),
        (-161, TransportError),
        (-221, DeviceError),
        (-240, DeviceError),
        (-350, DeviceError),
        (101, DeviceError),
        (102, DeviceError),
        (104, DeviceError),
        (32000, DeviceError),
    ],
)
def test_error_numbers_become_errors(number: int, error: type[HalError]) -> None:
    entries = parse_entries(f'{number},"Text;a ""quoted"" one, 5",-350,"Queue overflow"')
    raised = refusal(entries, "read")
    assert type(raised) is error
    assert f'{number}: Text;a "quoted" one, 5; -350: Queue overflow' in str(raised)


def test_time_outs_follow_from_the_operation() -> None:
    durations = Durations(make_spec(100, 50, read_time=1e-3, capabilities=frozenset()), 2.0)
    mask = np.zeros((10, 10), np.bool_)
    mask[0] = True
    assert durations.pulses(mask, 0.5, 4, 0) == pytest.approx(2 + 1.5 * 10 * 4 * 0.5)
    assert durations.cells(Region(0, 10, 0, 5), 3) == pytest.approx(
        2 + 1.5 * 150 * 1e-3 + 8 * 50 / 1e6
    )
    assert durations.waiting(100.0) == pytest.approx(2 + 150)
    simulated = Durations(make_spec(), 2.0)
    assert simulated.waiting(1e9) == 2.0


def test_a_message_longer_than_the_device_takes_is_not_sent() -> None:
    described = make_spec(512, 6).model_dump(mode="json") | {"max_message_bytes": 4096}
    described["capabilities"] = ["virtual-clock"]
    text = json.dumps(described).encode()
    fine = b'0,"No error";%d\n'
    described_line = b"#4%04d%b;%b" % (len(text), text, fine)

    script = answering(IDN, described_line, b"1;" + fine, *[fine] * 9)
    with peer(script) as port, open_macro(f"scpi://127.0.0.1:{port}?timeout_s=1") as macro:
        assert isinstance(macro, ScpiDriver)
        macro.apply(np.zeros((1, 256)), region=Region(0, 256, 0, 6))
        with pytest.raises(LimitError, match="takes 4096; split it"):
            macro.apply(np.zeros((2, 512)))
