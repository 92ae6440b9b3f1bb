"""A chip behind a socket: connections that come, go, hang and are too many."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rgnn_hal_firmware import Chip, Preset, ServeError
from rgnn_hal_firmware.scpi import ScpiServer

Block = Callable[[Any], bytes]
MakePreset = Callable[..., Preset]
PATIENCE = 30.0


class Client:
    """A socket, and lines from it."""

    def __init__(self, server: ScpiServer) -> None:
        self.socket = socket.create_connection(server.address, timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def ask(self, message: bytes) -> bytes:
        self.socket.sendall(message)
        return self.file.readline()

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def chip(make_preset: MakePreset) -> Chip:
    return Chip(make_preset(64, 64), 3)


@pytest.fixture
def server(chip: Chip) -> Iterator[ScpiServer]:
    with ScpiServer(chip, max_connections=4, send_timeout=0.3) as running:
        yield running


@pytest.fixture
def dial(server: ScpiServer) -> Iterator[Callable[[], Client]]:
    clients: list[Client] = []

    def begin() -> Client:
        clients.append(Client(server))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


Dial = Callable[[], Client]


def hold(block: Block) -> bytes:
    return b"MACR:VOLT ROWS,0,64,0,64,1,REAL64,%b;*OPC?\n" % block(np.full((1, 64), 0.1))


def driven(chip: Chip) -> bool:
    return bool(np.any(chip._latched))


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_it_answers_in_order_however_messages_arrive(dial: Dial) -> None:
    client = dial()
    client.socket.sendall(b"SYST:TAG? 1\nSYST:TAG? 2;TAG? 9;:SYST:TAG? 3\nSYST:T")
    assert client.file.readline() == b"1\n"
    assert client.file.readline() == b"2;3\n"
    client.socket.sendall(b"AG? 4\n")
    assert client.file.readline() == b"4\n"


def test_large_blocks_go_both_ways(dial: Dial, chip: Chip, block: Block) -> None:
    client = dial()
    voltage = np.random.default_rng(1).uniform(-0.2, 0.2, (4096, 64)).astype(np.float32)
    message = b"SYST:LOCK:REQ?;MACR:MULT? ROWS,0,64,0,64,4096,REAL32,1,%b\n" % block(voltage)
    client.socket.sendall(message)
    assert client.file.read(2 + 2 + 7) == b"1;#71048576"
    body = client.file.read(1 << 20)
    assert client.file.read(1) == b"\n"
    twin = Chip(chip.preset, chip.seed)
    twin.apply(voltage, "rows", twin.whole)
    assert body == twin.read(1).tobytes()


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_ends_grounds_and_frees_the_array(
    dial: Dial, chip: Chip, block: Block, reset: bool
) -> None:
    owner, other = dial(), dial()
    assert owner.ask(b"SYST:LOCK:REQ?\n") == b"1\n"
    assert owner.ask(hold(block)) == b"1\n"
    assert driven(chip)
    if reset:
        owner.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    owner.close()
    assert eventually(lambda: other.ask(b"SYST:LOCK:OWN?\n") == b'"NONE"\n')
    assert not driven(chip)


def test_a_command_cut_off_has_not_happened(dial: Dial, chip: Chip, block: Block) -> None:
    owner, other = dial(), dial()
    owner.ask(b"SYST:LOCK:REQ?\n")
    owner.socket.sendall(b"MACR:WAIT 1")
    owner.close()
    assert eventually(lambda: other.ask(b"SYST:LOCK:OWN?\n") == b'"NONE"\n')
    assert chip.time == 0


def test_a_half_closed_peer_gets_its_answer(dial: Dial) -> None:
    client = dial()
    client.socket.sendall(b"SYST:TAG? 5\n")
    client.socket.shutdown(socket.SHUT_WR)
    assert client.file.read() == b"5\n"


def test_a_lost_extent_is_answered_so_far_and_closed(dial: Dial) -> None:
    client = dial()
    client.socket.sendall(b"SYST:TAG? 5;MACR:VOLT #0" + b"x" * 200_000)
    assert client.file.read() == b"5\n"


def test_connections_are_bounded(dial: Dial) -> None:
    clients = [dial() for _ in range(4)]
    assert all(client.ask(b"*OPC?\n") == b"1\n" for client in clients)
    surplus = dial()
    assert surplus.file.read() == b""
    clients[0].close()

    def admitted() -> bool:
        try:
            return dial().ask(b"*OPC?\n") == b"1\n"
        except ConnectionError:
            return False

    assert eventually(admitted)


def test_a_deaf_peer_is_left_and_disturbs_nobody(dial: Dial, chip: Chip, block: Block) -> None:
    deaf, other = dial(), dial()
    deaf.ask(b"SYST:LOCK:REQ?\n")
    deaf.ask(hold(block))
    deaf.socket.sendall(b"SYST:CAP?;" * 20_000)
    assert other.ask(b"*OPC?\n") == b"1\n"
    assert eventually(lambda: other.ask(b"SYST:LOCK:OWN?\n") == b'"NONE"\n')
    assert not driven(chip)


def test_the_watchdog_bites_while_no_message_comes(dial: Dial, chip: Chip, block: Block) -> None:
    client = dial()
    client.ask(b"SYST:LOCK:REQ?;SYST:WATC 0.05\n")
    client.ask(hold(block))
    assert eventually(lambda: not driven(chip))
    assert client.ask(b"SYST:ERR?\n").startswith(b"101,")
    assert client.ask(b"SYST:LOCK:OWN?\n") != b'"NONE"\n'


def test_every_message_puts_the_watchdog_off(dial: Dial, server: ScpiServer, block: Block) -> None:
    client = dial()
    client.ask(b"SYST:LOCK:REQ?\n")
    client.ask(hold(block))
    time.sleep(0.2)
    before = server._array.watch()
    client.ask(b"*OPC?\n")
    after = server._array.watch()
    assert before is not None
    assert after is not None
    assert after > before


def test_two_owners_take_turns_and_never_mix(dial: Dial) -> None:
    wins: list[str] = []

    def work(client: Client, name: str) -> None:
        for _ in range(50):
            while client.ask(b"SYST:LOCK:REQ?\n") != b"1\n":
                time.sleep(0.001)
            wins.append(name)
            assert client.ask(b"SYST:LOCK:OWN?;MACR:WAIT 1;SYST:ERR?\n").endswith(b'0,"No error"\n')
            client.ask(b"SYST:LOCK:REL;*OPC?\n")

    threads = [threading.Thread(target=work, args=(dial(), name)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(wins) == ["a"] * 50 + ["b"] * 50
    assert dial().ask(b"MACR:TIME?\n") == b"100\n"


def test_stopping_ends_connections_grounds_and_saves(
    tmp_path: Any, make_preset: MakePreset, block: Block
) -> None:
    chip = Chip.stored(tmp_path / "chip.h5", seed=3)
    server = ScpiServer(chip)
    client = Client(server)
    client.ask(b"SYST:LOCK:REQ?;MACR:WAIT 5;*OPC?\n")
    voltage = block(np.full((1, 512), 0.1))
    client.ask(b"MACR:VOLT ROWS,0,512,0,512,1,REAL64,%b;*OPC?\n" % voltage)
    address = server.address
    server.stop()
    server.stop()
    assert client.file.read() == b""
    client.close()
    assert not driven(chip)
    with pytest.raises(ConnectionError):
        socket.create_connection(address, timeout=PATIENCE)
    again = Chip.stored(tmp_path / "chip.h5")
    assert again.time == 5
    again.close()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"host": "host.invalid"}, "host.invalid"),
        ({"host": "192.0.2.1"}, "192.0.2.1"),
        ({"port": 99999}, "99999"),
        ({"watchdog": -1.0}, "watchdog"),
        ({"watchdog": float("nan")}, "watchdog"),
    ],
)
def test_what_cannot_be_served_is_said(chip: Chip, options: Any, word: str) -> None:
    with pytest.raises(ServeError, match=word):
        ScpiServer(chip, **options)


def test_a_port_in_use_is_said(chip: Chip, server: ScpiServer) -> None:
    with pytest.raises(ServeError, match="in use"):
        ScpiServer(chip, port=server.address[1])
