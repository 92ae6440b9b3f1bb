"""Peers that do what a script says: the far side of a wire, where it is worse than any chip."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Script = Callable[[socket.socket], None]


@contextmanager
def peer(script: Script) -> Iterator[int]:
    """The port of a peer that follows `script` in every connection."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def follow(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            script(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=follow, args=(connection,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        for end in (listener, *connections):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        # Threads that ended later would be counted in tests that look for threads left behind.
        for thread in (acceptor, *threads):
            thread.join()
        for end in (listener, *connections):
            end.close()


def answering(*lines: bytes) -> Script:
    """Answers every message with the next line, in which `%d` is the message's tag."""

    def script(connection: socket.socket) -> None:
        messages = connection.makefile("rb")
        for line, message in zip(lines, messages, strict=False):
            tag = message.rpartition(b" ")[2].strip()
            connection.sendall(line.replace(b"%d", tag))
        while messages.readline():
            pass

    return script


def hung_up(connection: socket.socket) -> bool:
    """Whether either side has ended the connection; nothing is read to find out."""
    state: int = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != 1  # TCP_ESTABLISHED


def silent(connection: socket.socket) -> None:
    """Reads, and says nothing."""
    while connection.recv(1 << 16):
        pass


def deaf(connection: socket.socket) -> None:
    """Does not even read, until the connection ends."""
    while not hung_up(connection):
        time.sleep(0.01)
