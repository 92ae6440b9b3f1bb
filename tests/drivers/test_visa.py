"""What VISA does badly on sockets does not reach a driver."""

import gc
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rgnn_hal.macro import ConfigurationError, open_macro
from rgnn_hal_drivers import visa
from rgnn_hal_drivers.visa import SessionPort, SocketPort, open_stream
from rgnn_hal_drivers.visa_stream import Broken, Silent, Stream
from tests.drivers.peers import Script, deaf, peer, silent

LONG = 60.0
"""s; a test that lasts as long has found what it looks for."""


@contextmanager
def stream_to(script: Script) -> Iterator[Stream]:
    with peer(script) as port:
        stream = open_stream(f"TCPIP::127.0.0.1::{port}::SOCKET", "@py", 5.0)
        try:
            yield stream
        finally:
            stream.close()


def soon(seconds: float = LONG) -> float:
    return time.monotonic() + seconds


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_closed_port_is_an_error_on_opening() -> None:
    with pytest.raises(Broken, match="refused"):
        open_stream(f"TCPIP::127.0.0.1::{closed_port()}::SOCKET", "@py", 5.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_host_that_does_not_exist_is_an_error_on_opening() -> None:
    with pytest.raises(Broken, match="cannot connect"):
        open_stream("TCPIP::no-such-host.invalid::5025::SOCKET", "@py", 5.0)
    gc.collect()  # pyvisa-py forgets to close a socket of its own here


@pytest.mark.parametrize(
    ("resource", "backend", "complaint"),
    [
        ("TCPIP::::1::5025::SOCKET", "@py", "IPv4"),
        ("something", "@py", "no resource"),
        ("TCPIP::127.0.0.1::5025::SOCKET", "@nosuch", "backend '@nosuch' cannot be loaded"),
    ],
)
def test_what_can_be_no_resource_is_a_mistake_of_the_user(
    resource: str, backend: str, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        open_stream(resource, backend, 1.0)


def test_a_missing_pyvisa_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvisa", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'rgnn-hal\[visa\]'"):
        open_macro("scpi://127.0.0.1")


def test_pyvisa_is_not_imported_before_something_is_opened() -> None:
    code = "import sys, rgnn_hal_drivers.scpi; assert 'pyvisa' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nagles_algorithm_is_off() -> None:
    with stream_to(silent) as stream:
        assert isinstance(stream._port, SocketPort)
        assert stream._port._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("ahead", [True, False])
def test_line_feeds_in_binary_data_are_data(ahead: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\n" * 200_000

    def script(connection: socket.socket) -> None:
        connection.sendall(b"header\n" + data + b"rest\n")
        silent(connection)

    if not ahead:
        monkeypatch.setattr(visa, "_socket_of", lambda session: None)
    with stream_to(script) as stream:
        assert isinstance(stream._port, SocketPort if ahead else SessionPort)
        assert stream.receive_line(100, soon()) == b"header\n"
        assert stream.receive(len(data), soon()) == data
        assert stream.receive_line(100, soon()) == b"rest\n"


def test_a_peer_that_hangs_up_is_noticed_at_once() -> None:
    with stream_to(lambda connection: None) as stream, pytest.raises(Broken, match="closed"):
        stream.receive(1, soon())


def test_a_peer_that_does_not_read_ends_a_write_in_time() -> None:
    with stream_to(deaf) as stream, pytest.raises(Silent):
        stream.send([b"head", memoryview(bytes(1 << 26))], soon(0.3))


def test_a_peer_that_dribbles_does_not_get_more_time() -> None:
    def script(connection: socket.socket) -> None:
        while True:
            connection.sendall(b".")
            time.sleep(0.05)

    with stream_to(script) as stream, pytest.raises(Silent):
        stream.receive_line(1 << 20, soon(0.4))


def test_an_endless_line_is_cut() -> None:
    def script(connection: socket.socket) -> None:
        while True:
            connection.sendall(bytes(1 << 16))

    with stream_to(script) as stream, pytest.raises(Broken, match="more than 1000"):
        stream.receive_line(1000, soon())


def test_a_marker_is_found_wherever_the_bytes_are_cut() -> None:
    def script(connection: socket.socket) -> None:
        for piece in (b"junk\n12", b"34", b"5\n678", b"9\n"):
            connection.sendall(piece)
            time.sleep(0.02)
        silent(connection)

    with stream_to(script) as stream:
        stream.skip_through(b"2345\n", soon())
        assert stream.receive_line(10, soon()) == b"6789\n"
        assert not stream.waiting()


def test_a_session_that_has_no_socket_has_no_more_ways_to_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(visa, "_socket_of", lambda session: None)
    with stream_to(silent) as stream, pytest.raises(Silent):
        stream.receive(1, soon(0.2))
    with stream_to(silent) as stream:
        stream.close()
        with pytest.raises(Broken):
            stream.send([b"x"], soon())


def test_closing_anybodys_resource_manager_leaves_a_stream_alone() -> None:
    import pyvisa

    def script(connection: socket.socket) -> None:
        while data := connection.recv(1 << 12):
            connection.sendall(data)

    with stream_to(script) as stream:
        pyvisa.ResourceManager("@py").close()
        stream.send([b"still there\n"], soon())
        assert stream.receive_line(100, soon()) == b"still there\n"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to count files")
def test_nothing_stays_open() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with peer(silent) as port:
        resource = f"TCPIP::127.0.0.1::{port}::SOCKET"
        open_stream(resource, "@py", 5.0).close()
        with socket.create_connection(("127.0.0.1", port)):
            before = count()
        for _ in range(5):
            open_stream(resource, "@py", 5.0).close()
        for _ in range(5):
            with pytest.raises(Broken):
                open_stream(f"TCPIP::127.0.0.1::{closed_port()}::SOCKET", "@py", 5.0)
        # The peer's ends close when its threads get to it.
        until = time.monotonic() + 10
        while count() > before and time.monotonic() < until:
            time.sleep(0.01)
        assert count() <= before
