"""Bytes to and from an instrument over pyvisa, with exact reads, deadlines and one kind of error.

What pyvisa-py does by itself on a raw socket, and what is done about it here (all of it measured
with pyvisa 1.16.2 and pyvisa-py 0.8.1):

- Nagle's algorithm stays on: two small writes and a query take 44 ms. Switched off.
- `open_resource` succeeds on a closed port. The first exchange tells; drivers identify at once.
- A write to a peer that does not read blocks for ever, a read from a peer that has gone spins until
  its time-out. The session's socket is used directly, with a deadline and a clear end.
- Blocks are cut at every 0x0A unless termination is off. It is off; lines are split here.
- A late answer is delivered to the next query. Whoever catches a `TransportError` must `close`.

Sessions of other backends and interfaces are read and written through pyvisa, byte by byte where
the length is not known: right, and not fast.
"""

import socket
import time
from contextlib import suppress
from typing import Any, Self

from rgnn_hal.macro import ConfigurationError, TransportError

_LONGEST_LINE = 1 << 20
_CHUNK = 1 << 18


class VisaTransport:
    """One connection. Not for several threads at a time.

    Args:
        name: VISA resource string, for messages.
        resource: an open pyvisa resource.
        timeout: of every read and write until it is changed, s.
    """

    def __init__(self, name: str, resource: Any, timeout: float) -> None:
        self.name = name
        self.timeout = timeout
        self._resource = resource
        self._socket = _socket_of(resource)
        self._received = bytearray()
        if self._socket is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def open(cls, name: str, *, backend: str = "@py", timeout: float = 5.0) -> Self:
        """Open the VISA resource `name`.

        Raises:
            ConfigurationError: pyvisa or its backend is not installed.
            TransportError: there is no such resource, or nobody answers there.
        """
        try:
            import pyvisa
        except ImportError as error:
            raise ConfigurationError(
                f"{name} needs pyvisa; install the extra: pip install 'rgnn-hal[visa]'"
            ) from error
        try:
            manager = pyvisa.ResourceManager(backend)
        except Exception as error:
            raise ConfigurationError(f"pyvisa has no backend {backend!r}: {error}") from error
        try:
            resource: Any = manager.open_resource(name, open_timeout=round(timeout * 1e3))
            resource.read_termination = resource.write_termination = None
            resource.timeout = timeout * 1e3
            return cls(name, resource, timeout)
        except Exception as error:  # pyvisa raises bare Exception for a host that does not resolve
            raise TransportError(
                f"cannot open {name} with backend {backend!r}: {error}; check address and cable"
            ) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            TransportError: it could not be sent in time; how much was is unknown.
        """
        try:
            if self._socket is not None:
                self._socket.settimeout(self.timeout)
                self._socket.sendall(data)
            else:
                self._resource.timeout = self.timeout * 1e3
                self._resource.write_raw(data)
        except Exception as error:
            raise self._lost("writing", error) from error

    def read_exact(self, length: int) -> bytes:
        """The next `length` bytes.

        Raises:
            TransportError: they did not come in time, or the connection ended.
        """
        self._receive(length)
        return self._take(length)

    def read_line(self) -> bytes:
        """Bytes up to the next LF, without it; raises as `read_exact` does."""
        deadline = time.monotonic() + self.timeout
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            if searched > _LONGEST_LINE:
                raise TransportError(f"{self.name} sent {searched} bytes without the end of a line")
            self._receive(searched + 1, deadline)
        return self._take(end + 1)[:-1]

    def close(self) -> None:
        """Close the connection. Idempotent; an error in it is of no interest to anybody."""
        resource, self._resource, self._socket = self._resource, None, None
        if resource is not None:
            with suppress(Exception):
                resource.close()

    def _receive(self, length: int, deadline: float | None = None) -> None:
        """Have at least `length` bytes received."""
        deadline = time.monotonic() + self.timeout if deadline is None else deadline
        while len(self._received) < length:
            try:
                self._received += self._some(length - len(self._received), deadline)
            except Exception as error:
                raise self._lost("reading", error) from error

    def _some(self, wanted: int, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if self._socket is None:
            self._resource.timeout = left * 1e3
            data: bytes = self._resource.read_bytes(wanted, chunk_size=max(wanted, 1))
            return data
        self._socket.settimeout(left)
        data = self._socket.recv(_CHUNK)
        if not data:
            raise ConnectionError("the other side has closed the connection")
        return data

    def _take(self, length: int) -> bytes:
        data = bytes(self._received[:length])
        del self._received[:length]
        return data

    def _lost(self, doing: str, error: Exception) -> TransportError:
        reason = f"nothing for {self.timeout:g} s" if isinstance(error, TimeoutError) else error
        return TransportError(f"{self.name}: {doing} failed: {reason}")


def _socket_of(resource: Any) -> socket.socket | None:
    """The TCP socket under a pyvisa-py SOCKET session; None for anything else."""
    with suppress(AttributeError, KeyError, TypeError):
        interface = resource.visalib.sessions[resource.session].interface
        if isinstance(interface, socket.socket):
            return interface
    return None
