"""A TCP proxy that spoils exchanges, one kind of fault at a time, reproducibly.

It knows of the dialect only that a message ends with `SYST:TAG? n` and its answer with n, so it can
hold back a whole answer and do to it what the fault says. A fault strikes the next exchanges after
it was armed, as many as it was armed for.
"""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import numpy as np

from tests.drivers.peers import deaf

_TAG = re.compile(rb"TAG\? (\d+)\n$")

Draw = np.random.Generator


class Pair:
    """One connection from the driver and the one to the server that belongs to it."""

    def __init__(self, driver: socket.socket, server: socket.socket) -> None:
        self.driver = driver
        self.server = server
        self.tag = b""
        """Of the message under way."""

    def cut(self, *, reset: bool = False) -> None:
        """End both connections, with a RST towards the driver if `reset`."""
        if reset:
            with suppress(OSError):
                self.driver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for end in (self.driver, self.server):
            with suppress(OSError):
                if not (reset and end is self.driver):
                    end.shutdown(socket.SHUT_RDWR)
        if reset:
            with suppress(OSError):
                self.driver.close()


@dataclass(frozen=True)
class Fault:
    """A way to spoil an exchange."""

    name: str
    spoil: Callable[[Pair, bytes, Draw], None]
    """Given what was to be passed on: the answer, or the first piece of the message."""
    message: bool = False
    """Strike the message, not the answer."""


class FaultyWire:
    """The proxy, from construction until `close`."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[Pair] = []
        self._fault: Fault | None = None
        self._draw = np.random.default_rng(0)
        self._left = 0
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def uri(self) -> str:
        """Where the driver finds it."""
        return f"scpi://127.0.0.1:{self._listener.getsockname()[1]}"

    def arm(self, fault: Fault, draw: Draw, times: int = 1) -> None:
        """Spoil the next `times` exchanges."""
        with self._guard:
            self._fault, self._draw, self._left = fault, draw, times

    def disarm(self) -> int:
        """Stop spoiling; how many exchanges of the last `arm` were left over."""
        with self._guard:
            left, self._left = self._left, 0
            return left

    def close(self) -> None:
        """End every connection."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            pair.cut()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                driver, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            for end in (driver, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A receive that waits for ever would keep a reset from being sent by another thread.
            driver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 20_000))
            pair = Pair(driver, server)
            self._pairs.append(pair)
            for pump in (self._pump_messages, self._pump_answers):
                thread = threading.Thread(target=self._run, args=(pump, pair), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _run(self, pump: Callable[[Pair], None], pair: Pair) -> None:
        with suppress(OSError):
            pump(pair)
        pair.cut()
        if pump == self._pump_answers:
            pair.server.close()
        else:
            pair.driver.close()

    def _strike(self, *, message: bool) -> Fault | None:
        with self._guard:
            fault = self._fault
            if fault is None or self._left == 0 or fault.message is not message:
                return None
            self._left -= 1
            return fault

    def _pump_messages(self, pair: Pair) -> None:
        tail = b""
        fresh = True
        while data := _receive(pair.driver):
            tail = (tail + data)[-32:]
            if found := _TAG.search(tail):
                pair.tag = found[1]
            fault = self._strike(message=True) if fresh else None
            fresh = found is not None
            if fault is None:
                pair.server.sendall(data)
            else:
                fault.spoil(pair, data, self._draw)

    def _pump_answers(self, pair: Pair) -> None:
        while answer := pair.server.recv(1 << 16):
            fault = self._strike(message=False)
            if fault is None:
                pair.driver.sendall(answer)
                continue
            while not answer.endswith(pair.tag + b"\n"):
                more = pair.server.recv(1 << 16)
                if not more:
                    return
                answer += more
            fault.spoil(pair, answer, self._draw)


def _receive(connection: socket.socket) -> bytes:
    while True:
        with suppress(BlockingIOError):
            return connection.recv(1 << 16)


def late(seconds: float) -> Fault:
    """The answer comes when nobody waits for it any more."""

    def spoil(pair: Pair, answer: bytes, draw: Draw) -> None:
        time.sleep(seconds)
        pair.driver.sendall(answer)

    return Fault("late", spoil)


def _truncated(pair: Pair, answer: bytes, draw: Draw) -> None:
    """Some of a block is missing, or the end of a line."""
    start = int(draw.integers(0, len(answer)))
    stop = int(draw.integers(start + 1, len(answer) + 1)) if answer[:1] == b"#" else len(answer)
    pair.driver.sendall(answer[:start] + answer[stop:])


def _cut_off(pair: Pair, answer: bytes, draw: Draw) -> None:
    pair.driver.sendall(answer[: int(draw.integers(0, len(answer)))])
    pair.cut()


def _reset(pair: Pair, answer: bytes, draw: Draw) -> None:
    pair.driver.sendall(answer[: int(draw.integers(0, len(answer)))])
    pair.cut(reset=True)


def _wrong_length(pair: Pair, answer: bytes, draw: Draw) -> None:
    """A digit of a block's length, or of the tag where there is no block."""
    # Not by a pattern: the first byte of the data may look like one digit more.
    at = int(draw.integers(1, 2 + int(answer[1:2]))) if answer[:1] == b"#" else len(answer) - 2
    digit = bytes([(answer[at] - 48 + int(draw.integers(1, 10))) % 10 + 48])
    pair.driver.sendall(answer[:at] + digit + answer[at + 1 :])


def _garbage(pair: Pair, answer: bytes, draw: Draw) -> None:
    junk = draw.bytes(int(draw.integers(8, 200)))
    at = (0, len(answer), int(draw.integers(len(answer))))[int(draw.integers(3))]
    rest = answer[at:] if draw.random() < 0.7 else b""
    pair.driver.sendall(answer[:at] + junk + rest)


_QUEUED = (-100, -113, -161, -221, -222, -224, -240, -310, -350, 101, 102, 103, 104, 999)


def _error_queued(pair: Pair, answer: bytes, draw: Draw) -> None:
    number = int(draw.choice(_QUEUED))
    entry = b'%d,"Injected;with ""quotes"", a 0,;""No error"";7"' % number
    pair.driver.sendall(answer.replace(b'0,"No error"', entry))


def _silent(pair: Pair, answer: bytes, draw: Draw) -> None:
    """Nothing comes, now or later."""


def _duplicated(pair: Pair, answer: bytes, draw: Draw) -> None:
    if draw.random() < 0.5:
        pair.driver.sendall(answer + answer)
        return
    pair.driver.sendall(answer)
    time.sleep(0.01)
    pair.driver.sendall(answer)


def _single_bytes(pair: Pair, answer: bytes, draw: Draw) -> None:
    for at in range(min(len(answer), 400)):
        pair.driver.sendall(answer[at : at + 1])
    pair.driver.sendall(answer[400:])


def _message_reset(pair: Pair, message: bytes, draw: Draw) -> None:
    pair.cut(reset=True)


def _message_halved(pair: Pair, message: bytes, draw: Draw) -> None:
    """The cable is pulled while a message is on its way."""
    pair.server.sendall(message[: int(draw.integers(0, len(message)))])
    pair.cut()


def _deaf(pair: Pair, message: bytes, draw: Draw) -> None:
    """Nothing is read any more, until the driver hangs up."""
    deaf(pair.driver)
    pair.cut()


FAULTS = (
    Fault("truncated", _truncated),
    Fault("cut off", _cut_off),
    Fault("reset", _reset),
    Fault("wrong length", _wrong_length),
    Fault("garbage", _garbage),
    Fault("error queued", _error_queued),
    Fault("silent", _silent),
    Fault("duplicated", _duplicated),
    Fault("single bytes", _single_bytes),
    Fault("message reset", _message_reset, message=True),
    Fault("message halved", _message_halved, message=True),
    Fault("deaf", _deaf, message=True),
)
