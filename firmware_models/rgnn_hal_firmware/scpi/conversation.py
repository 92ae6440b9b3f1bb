"""One connection's dialogue: bytes in, commands done, bytes out. No socket, no thread, no clock.

Each command is done when it is complete; of the answers small items are gathered until the message
ends, blocks go out as they are, uncopied. Whatever goes wrong in a command becomes an entry of the
session's error queue and never more than that.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from rgnn_hal_firmware.scpi.command import Answer, Command
from rgnn_hal_firmware.scpi.errors import ScpiError
from rgnn_hal_firmware.scpi.instrument_commands import INSTRUMENT_COMMANDS
from rgnn_hal_firmware.scpi.macro_commands import MACRO_COMMANDS
from rgnn_hal_firmware.scpi.messages import End, Event, Fault, Unit
from rgnn_hal_firmware.scpi.parameters import convert
from rgnn_hal_firmware.scpi.parser import Parser
from rgnn_hal_firmware.scpi.session import Session

COMMANDS = INSTRUMENT_COMMANDS + MACRO_COMMANDS

_BY_HEADER: Mapping[str, Command] = {
    spelling: command for command in COMMANDS for spelling in command.spellings()
}

_GATHERED = 1 << 15
"""Bytes of answers that wait for the end of their message before they are sent."""

Pieces = list[bytes | memoryview]


class Conversation:
    """The controller's side of one connection."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._parser = Parser(session.identity.max_message_bytes)
        self._pieces: Pieces = []
        self._waiting = 0

    @property
    def over(self) -> bool:
        """Whether the connection is to be closed, because commands cannot be told from data."""
        return self._parser.dead

    def buffer(self) -> memoryview:
        """Where the next bytes that come belong."""
        return self._parser.buffer()

    def received(self, count: int) -> Iterator[Pieces]:
        """What to send, in turn, on the first `count` bytes of `buffer()`."""
        return self._converse(self._parser.received(count))

    def reply(self, data: bytes) -> bytes:
        """The answer to `data`, all in one."""
        sent = self._converse(self._parser.feed(data))
        return b"".join(bytes(piece) for pieces in sent for piece in pieces)

    def _converse(self, events: Iterator[Event]) -> Iterator[Pieces]:
        for event in events:
            match event:
                case Unit():
                    self._do(event)
                case Fault(error, fatal):
                    self.session.status.report(error)
                    if fatal:
                        self._end_line()
                case End():
                    self._end_line()
            if self._pieces and (not self.session.answering or self._waiting > _GATHERED):
                pieces, self._pieces, self._waiting = self._pieces, [], 0
                yield pieces

    def _do(self, unit: Unit) -> None:
        try:
            self._add(_answer(self.session, unit))
        except ScpiError as error:
            self.session.status.report(error)
        except MemoryError:
            self.session.status.report(ScpiError(-310, "out of memory; use smaller batches"))
        except Exception as error:
            # A fault of the model. The array has been grounded on the way here.
            self.session.status.report(ScpiError(-310, f"{type(error).__name__}: {error}"))

    def _add(self, answer: Answer) -> None:
        if answer is None:
            return
        item: Pieces
        if isinstance(answer, str):
            item = [answer.encode("ascii")]
        else:
            body = _bytes_of(answer)
            length = str(body.nbytes)
            item = [f"#{len(length)}{length}".encode(), body]
        if self.session.answering:
            item.insert(0, b";")
        self._pieces += item
        self._waiting += sum(map(len, item))
        self.session.answering = True

    def _end_line(self) -> None:
        if self.session.answering:
            self._pieces.append(b"\n")
        self.session.answering = False


def _answer(session: Session, unit: Unit) -> Answer:
    command = _BY_HEADER.get(unit.header)
    if command is None:
        raise ScpiError(-113, unit.header[:40])
    return command.run(session, *convert(command.parameters, unit.arguments))


def _bytes_of(answer: bytes | np.ndarray) -> memoryview:
    if isinstance(answer, bytes):
        return memoryview(answer)
    little = np.ascontiguousarray(answer, answer.dtype.newbyteorder("<"))
    return little.data.cast("B")
