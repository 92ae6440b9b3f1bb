"""A chip behind a TCP port: moves bytes between connections and their conversations.

One thread per connection, which blocks in `recv_into` and calls the chip itself. The alternative,
one thread and a selector, would keep every other connection waiting while the chip works for
seconds, `*IDN?` included, and needs a queue of unsent answers for a peer that does not read. Here a
deaf peer blocks nobody but itself, until the kernel's send time-out ends it; the array's lock is
the only thing connections share. Threads are bounded by `max_connections`.

A further thread is the watchdog. TCP keep-alive finds peers whose cable was pulled, so that their
ownership ends within half a minute.
"""

import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from rgnn_hal_firmware.chip import Chip
from rgnn_hal_firmware.errors import ServeError
from rgnn_hal_firmware.scpi.array import SharedArray
from rgnn_hal_firmware.scpi.conversation import Conversation, Pieces
from rgnn_hal_firmware.scpi.errors import ScpiError
from rgnn_hal_firmware.scpi.identity import Identity
from rgnn_hal_firmware.scpi.limits import check_watchdog
from rgnn_hal_firmware.scpi.session import Session

PORT = 5025
"""What instruments use for SCPI over a raw socket."""
WATCHDOG = 60.0
"""s."""

_SMALL = 1 << 15
"""Bytes up to which joining pieces costs less than a scattered send."""
_LINGER = 1.0
"""s for a peer to see our last answer before the connection is gone."""
_KEEP_ALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""s of silence before the first probe, s between probes, probes."""


class ScpiServer:
    """Serves `chip` from construction until `stop`; usable as a context manager.

    Args:
        chip: grounded and closed by `stop`; nobody else may touch it until then.
        host: to listen at; whoever reaches it can drive the chip.
        port: 0 for a free one.
        watchdog: seconds of an owner's silence after which lines are grounded; 0: never.
        max_connections: further ones are closed at once.
        send_timeout: seconds that a peer may refuse to read its answer.

    Raises:
        ServeError: the address cannot be had, or no such watchdog; the chip is left alone.
    """

    def __init__(
        self,
        chip: Chip,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        watchdog: float = WATCHDOG,
        max_connections: int = 16,
        send_timeout: float = 10.0,
    ) -> None:
        try:
            check_watchdog(watchdog)
        except ScpiError as error:
            raise ServeError(f"watchdog: {error.detail}") from error
        self._identity = Identity.of(chip, watchdog)
        self._listener = _listen(host, port)
        self._array = SharedArray(chip)
        self._max_connections = max_connections
        self._send_timeout = send_timeout
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._accept, name="scpi-accept", daemon=True),
            threading.Thread(target=self._watch, name="scpi-watchdog", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """(host, port) that it listens at."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    @property
    def identity(self) -> str:
        """Which chip is served."""
        return self._identity.name

    @property
    def nonvolatile(self) -> bool:
        """Whether the chip's cells outlive this server."""
        return self._identity.nonvolatile

    def stop(self) -> None:
        """End every connection after the command it is in, ground the array, save the chip.

        Idempotent.

        Raises:
            ChipStorageError: the chip's file could not be written.
        """
        self._stopping.set()
        self._array.wake.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which close() does not
        self._listener.close()
        for thread in self._threads:
            thread.join()
        with self._guard:
            connections = dict(self._connections)
        for connection, thread in connections.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
        self._array.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, peer = self._listener.accept()
            except OSError:
                self._stopping.wait(0.05)  # stopping, or no file descriptors for the moment
                continue
            name = f"{peer[0]}:{peer[1]}"
            thread = threading.Thread(
                target=self._converse, args=(connection, name), name=f"scpi-{name}", daemon=True
            )
            with self._guard:
                if len(self._connections) >= self._max_connections:
                    connection.close()
                    continue
                try:
                    thread.start()
                except RuntimeError:  # the system has no thread left to give
                    connection.close()
                    continue
                self._connections[connection] = thread

    def _converse(self, connection: socket.socket, peer: str) -> None:
        session = Session(self._array, self._identity, peer)
        try:
            _prepare(connection, self._send_timeout)
            _exchange(connection, Conversation(session))
        except OSError:
            pass  # lost, or deaf for too long
        finally:
            self._array.release(session)
            with self._guard:
                del self._connections[connection]
            connection.close()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._array.wake.clear()
            self._array.wake.wait(self._array.watch())


def _listen(host: str, port: int) -> socket.socket:
    try:
        if not 0 <= port <= 65535:
            raise OverflowError("ports are 0 ... 65535")
        where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = where[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServeError(
            f"cannot listen at {host}, port {port}: {reason}; choose another host or port "
            "(0 is any free one)"
        ) from error
    return listener


def _prepare(connection: socket.socket, send_timeout: float) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    # Not settimeout: it would put a poll() before every recv.
    seconds, fraction = divmod(send_timeout, 1.0)
    limit = struct.pack("@ll", int(seconds), int(fraction * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def _exchange(connection: socket.socket, conversation: Conversation) -> None:
    session = conversation.session
    while count := connection.recv_into(conversation.buffer()):
        session.heard_at = time.monotonic()
        for pieces in conversation.received(count):
            _send(connection, pieces)
        if conversation.over:
            _linger(connection)
            return


def _send(connection: socket.socket, pieces: Pieces) -> None:
    if sum(map(len, pieces)) <= _SMALL:
        connection.sendall(b"".join(pieces))
        return
    rest = [memoryview(piece) for piece in pieces if len(piece)]
    while rest:
        sent = connection.sendmsg(rest)
        while rest and sent >= len(rest[0]):
            sent -= len(rest.pop(0))
        if rest:
            rest[0] = rest[0][sent:]


def _linger(connection: socket.socket) -> None:
    """Let the peer read our last line: closing on unread input would reset it away."""
    connection.shutdown(socket.SHUT_WR)
    end = time.monotonic() + _LINGER
    while (left := end - time.monotonic()) > 0:
        connection.settimeout(left)
        if not connection.recv(1 << 16):
            return
