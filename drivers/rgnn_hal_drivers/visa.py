"""Streams over VISA: through the socket under a session where there is one, else VISA's calls.

VISA's own calls are not enough for a socket. Measured with pyvisa-py 0.8.1: opening a closed port
succeeds; a peer that hangs up makes a read spin until its time-out; a peer that does not read makes
a write block for ever; a read that ends at LF passes 30 MB/s of binary data; Nagle's algorithm
stays on and costs 44 ms. `SocketPort` reads 1 MiB in 0.3 ms and sees the end of a connection at
once. It works on a duplicate of the session's socket, because closing any `ResourceManager` closes
every session of the process. pyvisa is imported when something is opened.
"""

import os
import select
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from rgnn_hal.macro import ConfigurationError
from rgnn_hal_drivers.visa_stream import Broken, Piece, Port, Stream, words

_MESSAGE = 1 << 14
"""Bytes that a read asks for where a message's end ends it."""


class SocketPort:
    """A socket; `release` lets go of what it came from."""

    ahead = 1 << 16

    def __init__(self, connection: socket.socket, release: Callable[[], None]) -> None:
        self._socket = connection
        self._release = release
        self._seconds = 0.0
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:  # it takes any number of a descriptor, select() those below 1024
            self._poll.register(connection, select.POLLIN)

    def send(self, pieces: Sequence[Piece], seconds: float) -> int:
        """Send what goes, within `seconds` also if the peer does not read."""
        self._limit(seconds)
        if len(pieces) == 1 or not hasattr(self._socket, "sendmsg"):  # Windows has none
            return self._socket.send(pieces[0])
        return self._socket.sendmsg(pieces)

    def receive_into(self, buffer: memoryview, seconds: float) -> int:
        """Receive what there is."""
        self._limit(seconds)
        return self._socket.recv_into(buffer)

    def waiting(self) -> bool:
        """Whether a receive would not wait."""
        if self._poll is None:
            return bool(select.select([self._socket], (), (), 0)[0])
        return bool(self._poll.poll(0))

    def close(self) -> None:
        """End the connection, also if a forked child holds a copy of the socket."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.drop()

    def drop(self) -> None:
        """Close this process's copies, and leave the connection to the process that made it."""
        self._socket.close()
        self._release()

    def _limit(self, seconds: float) -> None:
        # Each settimeout() is a system call, and most are about equal: a fifth more does no harm.
        if not seconds <= self._seconds <= 1.2 * seconds:
            self._seconds = 1.1 * seconds
            self._socket.settimeout(self._seconds)


class SessionPort:
    """A VISA session, through VISA's own calls.

    Where messages have an end (GPIB, USB, VXI-11, HiSLIP) a read stops there and may ask for much;
    on a socket or a serial line it waits for all that was asked for, so that a line, whose length
    is not known, is read a byte at a time.
    """

    def __init__(self, resource: Any) -> None:
        from pyvisa.constants import StatusCode

        self._resource = resource
        self._has_ends = _has_ends(resource)
        self.ahead = _MESSAGE if self._has_ends else 1
        self._reasons = (  # why a read stopped that went well
            StatusCode.success_max_count_read,
            StatusCode.success_termination_character_read,
            StatusCode.success_device_not_present,
        )

    def send(self, pieces: Sequence[Piece], seconds: float) -> int:
        """Send everything."""
        self._set_timeout(seconds)
        data = b"".join(pieces)
        self._resource.write_raw(data)
        return len(data)

    def receive_into(self, buffer: memoryview, seconds: float) -> int:
        """Receive a message, or as much of it as the buffer takes; without ends, fill it."""
        self._set_timeout(seconds)
        # Not read_bytes(): where a message ends early it asks for the rest for ever.
        with self._resource.ignore_warning(*self._reasons):
            data, _ = self._resource.visalib.read(self._resource.session, len(buffer))
        if self._has_ends and not data:
            raise Broken("the device ended its message before the answer was whole")
        buffer[: len(data)] = data
        return len(data)

    def waiting(self) -> bool:
        """Not known."""
        return False

    def close(self) -> None:
        """Close the session, and never the resource manager, which is everybody's."""
        self._resource.close()

    drop = close

    def _set_timeout(self, seconds: float) -> None:
        self._resource.timeout = max(1, round(1e3 * seconds))  # never None: that waits for ever


def open_stream(resource: str, backend: str, seconds: float) -> Stream:
    """Open a VISA resource as a stream, within about `seconds`.

    Raises:
        ConfigurationError: pyvisa or the backend is not installed, or no such resource can be.
        Broken: nothing answers there.
    """
    manager = _manager(backend)
    try:
        session = manager.open_resource(resource, open_timeout=max(1, round(1e3 * seconds)))
    except Exception as error:  # pyvisa-py raises OSError, bare Exception and VisaIOError alike
        if "INV_RSRC_NAME" in str(error) or "NSUP_OPER" in str(error):
            raise ConfigurationError(
                f"{resource} is no resource that backend {backend} can open ({error}); a socket is "
                "TCPIP::HOST::PORT::SOCKET, with an IPv4 address or a name for HOST"
            ) from error
        raise Broken(f"cannot connect: {words(error)}") from error
    try:
        return Stream(_port(session))
    except BaseException as error:
        session.close()
        if isinstance(error, OSError):
            raise Broken(f"cannot connect: {words(error)}") from error
        raise


def canonical(resource: str) -> str:
    """The one name of a resource that VISA knows by several: `TCPIP::` is `TCPIP0::`."""
    try:
        from pyvisa.rname import to_canonical_name

        return to_canonical_name(resource).upper()
    except (ImportError, ValueError):  # whoever opens it says so
        return resource.upper()


def _manager(backend: str) -> Any:
    try:
        import pyvisa
    except ImportError as error:
        raise ConfigurationError(
            "instruments are reached through pyvisa, which is not installed; "
            "pip install 'rgnn-hal[visa]'"
        ) from error
    try:
        return pyvisa.ResourceManager(backend)
    except Exception as error:
        raise ConfigurationError(
            f"VISA backend {backend!r} cannot be loaded ({words(error)}); backend=@py comes with "
            "pip install 'rgnn-hal[visa]', backend=@ivi needs a VISA library of a vendor"
        ) from error


def _port(session: Any) -> Port:
    connection = _socket_of(session)
    if connection is None:
        return SessionPort(session)
    connection = connection.dup()
    try:
        failure = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))
        connection.getpeername()  # raises where nobody listens
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return SocketPort(connection, session.close)


def _socket_of(session: Any) -> socket.socket | None:
    """The socket under a session of pyvisa-py; None for other backends and interfaces."""
    try:
        interface = session.visalib.sessions[session.session].interface
    except (AttributeError, KeyError, TypeError):
        return None
    return interface if isinstance(interface, socket.socket) else None


def _has_ends(session: Any) -> bool:
    """Whether the interface of a VISA session tells where a message ends."""
    serial: bool = session.resource_name.startswith("ASRL")
    return session.resource_class == "INSTR" and not serial
