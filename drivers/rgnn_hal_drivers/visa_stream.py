"""A byte stream to an instrument: exact counts, deadlines, and only two ways to fail.

`Broken` means that the stream is of no use any more, `Silent` that what was asked for had not come
by the deadline. A stream reads ahead where its port can, and a large buffer is filled in place.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn, Protocol

Piece = bytes | memoryview

_JOINED = 1 << 15
"""Bytes up to which copying pieces together costs less than sending each by itself."""


class Broken(Exception):  # noqa: N818 - a state of the stream, translated before it leaves a driver
    """The stream is of no use any more; the message says why."""


class Silent(Exception):  # noqa: N818 - likewise
    """What was asked for had not come by the deadline."""


class Port(Protocol):
    """What moves bytes. Times are seconds that the call may last; whatever it raises is caught."""

    ahead: int
    """Bytes that may be asked for without waiting for more than one of them."""

    def send(self, pieces: Sequence[Piece], seconds: float) -> int:
        """Send some of the pieces' bytes, from the first on; how many."""

    def receive_into(self, buffer: memoryview, seconds: float) -> int:
        """Receive what there is, or all of a buffer longer than `ahead`; 0: the end has come."""

    def waiting(self) -> bool:
        """Whether bytes, or the end of the connection, wait to be received; False if unknown."""

    def close(self) -> None:
        """End the connection and let go."""

    def drop(self) -> None:
        """Let go, and leave the connection to the process that made it, this one's parent."""


class Stream:
    """Bytes through a port; a deadline is a time on the monotonic clock."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._room = memoryview(bytearray(port.ahead))
        self._start = self._stop = 0

    def send(self, pieces: Sequence[Piece], deadline: float) -> None:
        """Send all pieces; after a failure it is unknown how much has left."""
        joined = sum(map(len, pieces)) <= _JOINED
        rest: list[Piece] = (
            [b"".join(pieces)] if joined else [memoryview(piece) for piece in pieces]
        )
        while rest:
            try:
                sent = self._port.send(rest, _left(deadline))
            except Exception as error:
                _fail(error)
            while rest and sent >= len(rest[0]):
                sent -= len(rest.pop(0))
            if sent:
                rest[0] = rest[0][sent:]

    def receive(self, count: int, deadline: float) -> bytes:
        """Exactly `count` bytes."""
        buffer = bytearray(count)
        self.receive_into(memoryview(buffer), deadline)
        return bytes(buffer)

    def receive_into(self, buffer: memoryview, deadline: float) -> None:
        """Fill `buffer`."""
        filled = self._take(buffer)
        while filled < len(buffer):
            if len(buffer) - filled < len(self._room):  # what follows it may come along
                self._fill(deadline)
                filled += self._take(buffer[filled:])
            else:
                filled += self._receive(buffer[filled:], deadline)

    def receive_line(self, most: int, deadline: float) -> bytes:
        """Bytes up to the next LF, which is included; Broken if that are more than `most`."""
        line = bytearray()
        while True:
            held = bytes(self._room[self._start : self._stop])
            end = held.find(b"\n") + 1
            line += held[:end] if end else held
            self._start = self._start + end if end else self._stop
            if len(line) > most:
                raise Broken(f"an answer's line has more than {most} characters")
            if end:
                return bytes(line)
            self._fill(deadline)

    def skip_through(self, marker: bytes, deadline: float) -> None:
        """Drop everything up to `marker` and the marker itself."""
        tail = b""
        while True:
            tail = tail[-len(marker) :] + bytes(self._room[self._start : self._stop])
            found = tail.find(marker)
            if found >= 0:
                self._start = self._stop - (len(tail) - found - len(marker))
                return
            self._start = self._stop
            self._fill(deadline)

    def waiting(self) -> bool:
        """Whether something that nobody asked for has come, or the connection has ended."""
        try:
            return self._start < self._stop or self._port.waiting()
        except Exception as error:
            _fail(error)

    def close(self) -> None:
        """End the connection; never fails."""
        with suppress(Exception):
            self._port.close()

    def drop(self) -> None:
        """Let go in a forked child, whose parent goes on; never fails."""
        with suppress(Exception):
            self._port.drop()

    def _take(self, buffer: memoryview) -> int:
        count = min(len(buffer), self._stop - self._start)
        buffer[:count] = self._room[self._start : self._start + count]
        self._start += count
        return count

    def _fill(self, deadline: float) -> None:
        self._start = self._stop = 0
        self._stop = self._receive(self._room, deadline)

    def _receive(self, buffer: memoryview, deadline: float) -> int:
        try:
            count = self._port.receive_into(buffer, _left(deadline))
        except Exception as error:
            _fail(error)
        if count == 0:
            raise Broken("the device closed the connection")
        return count


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise Silent("no time is left")
    return left


def _fail(error: Exception) -> NoReturn:
    if isinstance(error, Broken | Silent):
        raise error
    # A time-out of ours has no number; one of TCP itself, ETIMEDOUT, means a dead peer.
    if isinstance(error, TimeoutError) and error.errno is None:
        raise Silent("time-out") from error
    if getattr(error, "abbreviation", None) == "VI_ERROR_TMO":
        raise Silent("time-out") from error
    raise Broken(words(error)) from error


def words(error: Exception) -> str:
    """What an exception says, without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
