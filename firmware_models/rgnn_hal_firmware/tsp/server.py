"""Instruments behind TCP sockets, as their LAN ports are: LF-ended lines in, answers out.

Each connection has a thread and a script buffer of its own; one lock serves the whole bench, so a
second connection waits while a script runs. A client that vanishes in the middle of a script
changes nothing: what was begun runs to its end, what never got its `endscript` is dropped.
"""

import re
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from rgnn_hal_firmware.chip import Chip
from rgnn_hal_firmware.tsp.bench import Bench, small_preset
from rgnn_hal_firmware.tsp.errors import INPUT_OVERRUN
from rgnn_hal_firmware.tsp.instruments import Instrument
from rgnn_hal_firmware.tsp.interpreter import Session

_LONGEST_LINE = 1 << 16

Hook = Callable[[str, str], None]
"""Told the instrument's name and each line before it is executed; may raise `Disconnect`."""


class Disconnect(Exception):  # noqa: N818 - an event, not an error
    """The cable is pulled here."""


@dataclass
class ServedBench:
    """A bench whose instruments listen."""

    bench: Bench
    lock: threading.Lock = field(default_factory=threading.Lock)
    hook: Hook | None = None
    """For tests: what happens on the way to an instrument."""
    _servers: dict[str, "_Server"] = field(default_factory=dict)

    @property
    def resources(self) -> dict[str, str]:
        """VISA resource string of each instrument."""
        return {
            name: "TCPIP::{}::{}::SOCKET".format(*server.server_address[:2])
            for name, server in self._servers.items()
        }

    def adapt(self, config: str) -> str:
        """The TOML text `config` with the resource of each `[instruments.NAME]` set to ours."""
        for name, resource in self.resources.items():
            section = rf"(\[instruments\.{name}\](?:(?!\n\[).)*?\nresource\s*=\s*)\"[^\"]*\""
            config = re.sub(section, rf'\g<1>"{resource}"', config, flags=re.DOTALL)
        return config


@contextmanager
def serve(bench: Bench, host: str = "127.0.0.1") -> Iterator[ServedBench]:
    """Serve every instrument of `bench` on a free port of `host` until the block ends."""
    served = ServedBench(bench)
    threads = []
    try:
        for name, instrument in bench.instruments.items():
            server = _Server((host, 0), name, instrument, served)
            served._servers[name] = server
            threads.append(threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True))
            threads[-1].start()
        yield served
    finally:
        for server in served._servers.values():
            server.stop()
        for thread in threads:
            thread.join()


@contextmanager
def example_bench(
    rows: int = 8,
    cols: int = 8,
    *,
    preset: str = "chip40nm",
    seed: int = 7,
    exact: bool = False,
    columns: Sequence[str] | None = None,
) -> Iterator[ServedBench]:
    """Serve a bench with a small array of its own; `columns` as for `Bench`."""
    chip = Chip(small_preset(preset, rows, cols), seed, exact=exact)
    with serve(Bench(chip, seed, columns=columns)) as served:
        yield served


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False  # so that closing waits for them
    allow_reuse_address = True

    def __init__(
        self, address: tuple[str, int], name: str, instrument: Instrument, served: ServedBench
    ) -> None:
        super().__init__(address, _Connection)
        self.name, self.instrument, self.served = name, instrument, served
        self._clients: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        client, address = super().get_request()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients.add(client)
        return client, address

    def shutdown_request(self, request: Any) -> None:
        self._clients.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is no error of the bench's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.shutdown()
        for client in list(self._clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        session = Session(self.server.instrument.controller)
        while line := self.rfile.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                errors = self.server.instrument.controller.errors
                errors.add(INPUT_OVERRUN, "Input buffer overrun: the connection is closed")
                return
            if not line.endswith(b"\n"):
                return
            try:
                answer = self._answer(session, line[:-1].decode("latin-1"))
            except Disconnect:
                return
            if answer:
                self.wfile.write(answer)

    def _answer(self, session: Session, text: str) -> bytes:
        served = self.server.served
        with served.lock:
            if served.hook is not None:
                served.hook(self.server.name, text)
            return session.line(text)
