"""An instrument behind HiSLIP (IVI-6.1), as `TCPIP::host::hislip0::INSTR` names it; for tests.

A message of HiSLIP has an end, as on GPIB, USB and VXI-11: what a socket does not tell.
"""

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

_HEADER = struct.Struct("!2sBBIQ")
_INITIALIZE, _INITIALIZED, _DATA, _DATA_END = 0, 1, 6, 7
_ASYNC_MAXIMUM, _ASYNC_MAXIMUM_IS, _ASYNC_INITIALIZE, _ASYNC_INITIALIZED = 15, 16, 17, 18
_VERSION = 0x0100

Instrument = Callable[[bytes], bytes]
"""Answers a message; an empty answer is none."""


@contextmanager
def hislip(connected: Callable[[], Instrument]) -> Iterator[str]:
    """The VISA resource of a server that makes an instrument for every connection."""
    with _Server(("127.0.0.1", 0), _Channel) as server:
        server.connected = connected
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"TCPIP::127.0.0.1::hislip0,{server.server_address[1]}::INSTR"
        finally:
            server.shutdown()
            thread.join()
            for client in server.clients:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    connected: Callable[[], Instrument]

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.clients: list[socket.socket] = []
        self.sessions = count(1)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error."""


class _Channel(socketserver.StreamRequestHandler):
    """Either of the two connections of a session."""

    server: _Server

    def handle(self) -> None:
        self.server.clients.append(self.request)
        instrument: Instrument | None = None
        message = b""
        while len(header := self.rfile.read(_HEADER.size)) == _HEADER.size:
            _, kind, _, parameter, length = _HEADER.unpack(header)
            payload = self.rfile.read(length)
            if kind == _INITIALIZE:
                instrument = self.server.connected()
                self._send(_INITIALIZED, _VERSION << 16 | next(self.server.sessions))
            elif kind == _ASYNC_INITIALIZE:
                self._send(_ASYNC_INITIALIZED, 0)
            elif kind == _ASYNC_MAXIMUM:
                self._send(_ASYNC_MAXIMUM_IS, 0, payload)
            elif kind in (_DATA, _DATA_END) and instrument is not None:
                message += payload
                if kind == _DATA_END:
                    answer, message = instrument(message), b""
                    if answer:
                        self._send(_DATA_END, parameter, answer)

    def _send(self, kind: int, parameter: int, payload: bytes = b"") -> None:
        header = _HEADER.pack(b"HS", kind, 0, parameter, len(payload))
        self.wfile.write(header + payload)
