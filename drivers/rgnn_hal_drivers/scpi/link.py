"""Exchanges with a controller: an answer belongs to its question, or the exchange has failed.

One exchange is one message, `<command>;:SYST:ERR:ALL?;:SYST:TAG? n`, and its answer one line that
ends with that n. An answer of another tag, shape or length is never returned. After one, and after
a time-out, the link resynchronises: it grounds the array, asks for a tag that nobody can guess, and
drops everything up to it. Where that fails too, and where the connection broke or half a message
has left, the link is lost for good; `lost` says why. Nothing is sent twice.

One thread at a time is in an exchange; one that is entered again from within itself (a signal
handler, a finaliser) gives up the connection, because the answer under way is not the inner one's.
"""

import os
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from rgnn_hal.macro import TransportError
from rgnn_hal_drivers.scpi.answers import Answer, Item, Nonsense, Nothing
from rgnn_hal_drivers.scpi.errors import refusal
from rgnn_hal_drivers.visa_stream import Broken, Piece, Silent, Stream

T = TypeVar("T")


class Link:
    """One connection to a controller.

    Args:
        connect: opens the stream; raises `Broken`.
        name: of the device, for messages.
        timeout: of whatever takes the device no time, s.

    Raises:
        TransportError: it cannot be reached.
    """

    def __init__(self, connect: Callable[[], Stream], name: str, timeout: float) -> None:
        self.name = name
        self.timeout = timeout
        self.lost: str | None = None
        """Why the link is of no use any more."""
        self.used_at = time.monotonic()
        """When the device last heard from us."""
        self._connect = connect
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._tag = secrets.randbits(48)
        self._within = False
        self._unsettled_until: float | None = None
        """An exchange was interrupted whose answer may come until then."""
        try:
            self._stream = connect()
        except Broken as error:
            raise TransportError(f"{name}: {error}; check address, cable and power") from error

    def exchange(
        self,
        command: Sequence[Piece],
        item: Item[T],
        seconds: float,
        *,
        doing: str,
        forgiven: Collection[int] = (),
    ) -> T:
        """Send a command and return the item of its answer.

        Args:
            command: pieces of a message without its end.
            item: what the answer must look like.
            seconds: after which the device is taken to be silent.
            doing: what this is, for messages.
            forgiven: numbers of errors that do not matter.

        Raises:
            TransportError: the connection failed, or what came was no answer.
            DeviceError, LimitError, NotSupportedError: the device refused; see `errors`.
        """
        with self._lock:
            self._enter()
            try:
                answer = self._converse(command, item, time.monotonic() + seconds, seconds, doing)
            finally:
                self._within = False
        entries = [entry for entry in answer.entries if entry.number not in forgiven]
        if entries:
            raise refusal(entries, doing)
        # `_ask` lets no item be missing that was not refused.
        return answer.item  # type: ignore[return-value]

    def ping(self, idle: float) -> None:
        """Let the device hear from us, unless it has within `idle` seconds; for a thread."""
        if not self._lock.acquire(blocking=False):
            return  # an exchange is under way
        try:
            if self.lost is None and not self._within and time.monotonic() - self.used_at >= idle:
                self._enter()
                try:
                    self._ping()
                finally:
                    self._within = False
        finally:
            self._lock.release()

    @property
    def foreign(self) -> bool:
        """Whether this process is a forked child of the one that the link belongs to."""
        return os.getpid() != self._process

    def anew(self) -> "Link":
        """Another connection to the same device."""
        return Link(self._connect, self.name, self.timeout)

    def close(self) -> None:
        """Close the connection; in a forked child only this process's copy. Never fails."""
        self.lost = self.lost or "it was closed"
        if self.foreign:
            self._stream.drop()
        else:
            self._stream.close()

    def _enter(self) -> None:
        if self.foreign:
            raise TransportError(
                f"{self.name} belongs to process {self._process}, which this one was forked from; "
                "open macros after the fork"
            )
        if self._within:
            self._lose("an exchange was interrupted by another")
        if self.lost is not None:
            raise TransportError(f"{self.name}: the connection is gone ({self.lost}); open it anew")
        self._within = True

    def _converse(
        self, command: Sequence[Piece], item: Item[T], deadline: float, seconds: float, doing: str
    ) -> Answer[T]:
        if self._unsettled_until is not None:
            self._resynchronise("the exchange before was interrupted")
        reason: Exception
        try:
            if self._stream.waiting():
                raise Nonsense("something came unasked, or the connection ended")
            return self._ask(command, item, deadline)
        except (Broken, Silent, Nonsense) as error:
            reason = error
        what = f"{self.name}: {doing} failed: " + (
            f"no answer within {seconds:.3g} s" if isinstance(reason, Silent) else str(reason)
        )
        if self.lost is None and not isinstance(reason, Broken):
            self._unsettled_until = None  # its time is over
            self._resynchronise(what)
            raise TransportError(
                f"{what}; whether it took effect is unknown. The connection has been "
                "resynchronised and the array is grounded"
            ) from reason
        self._lose(str(reason))
        raise TransportError(
            f"{what}; whether it took effect is unknown. The macro is closed: open it anew"
        ) from reason

    def _ask(self, command: Sequence[Piece], item: Item[T], deadline: float) -> Answer[T]:
        self._tag += 1
        end = b";:SYST:ERR:ALL?;:SYST:TAG? %d\n" % self._tag
        # Until the answer is complete, Ctrl-C leaves some of it on its way.
        self._unsettled_until = deadline
        self._send([*command, end], deadline)
        answer = item.receive(self._stream, deadline)
        if answer.tag != self._tag:
            raise Nonsense(f"the answer bears tag {answer.tag}, the question {self._tag}")
        if answer.item is None and not answer.entries and not isinstance(item, Nothing):
            raise Nonsense("there is no answer and no error")
        self._unsettled_until = None
        self.used_at = time.monotonic()
        return answer

    def _send(self, pieces: Sequence[Piece], deadline: float) -> None:
        try:
            self._stream.send(pieces, deadline)
        except BaseException as error:  # Ctrl-C too: what follows would continue half a message
            self._lose(f"the message could not be sent whole: {error or type(error).__name__}")
            raise

    def _resynchronise(self, reason: str) -> None:
        """Ground the array and drop every answer that is still on its way."""
        until = max(self._unsettled_until or 0.0, time.monotonic()) + self.timeout
        tag = secrets.randbits(52)
        try:
            # The LF ends whatever the device may take for an unfinished message.
            self._send([b"\n*CLS;:MACR:SAFE;:SYST:TAG? %d\n" % tag], until)
            self._stream.skip_through(b"%d\n" % tag, until)
            if self._stream.waiting():
                raise Nonsense("answers come twice")
        except (Broken, Silent, Nonsense) as error:
            self._lose(f"{error}, when resynchronising")
            raise TransportError(
                f"{reason}; nor could the connection be resynchronised ({error}). The macro is "
                "closed: open it anew"
            ) from error
        self._unsettled_until = None
        self.used_at = time.monotonic()

    def _ping(self) -> None:
        if self._unsettled_until is not None:
            return  # the next exchange sees to it
        self._tag += 1
        deadline = time.monotonic() + self.timeout
        try:
            self._send([b"SYST:TAG? %d\n" % self._tag], deadline)
            if self._stream.receive_line(40, deadline) != b"%d\n" % self._tag:
                raise Nonsense("a wrong answer came")
        except (Broken, Silent, Nonsense) as error:
            self._lose(f"{error}, when telling the device that we live")
        else:
            self.used_at = time.monotonic()

    def _lose(self, reason: str) -> None:
        if self.lost is None:
            self.lost = reason
            self._stream.close()
