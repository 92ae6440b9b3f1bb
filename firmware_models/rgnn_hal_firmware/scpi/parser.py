r"""From bytes to commands: the syntax of IEEE 488.2 program messages, and nothing of their meaning.

    message := unit (";" unit)* LF          unit := header [white (argument ("," argument)*)]
    argument := text | "string" | 'string' | "#" n length bytes

The parser does no input or output. Whoever feeds it asks for `buffer()`, puts bytes in there (a
socket's `recv_into` does) and reports how many with `received(n)`, which yields what has become
complete. While a block is under way, `buffer()` is the rest of the block itself: its bytes are
copied nowhere, and memory is touched only as they come.

Memory is bounded: text between two delimiters by 4 KiB, arguments of a unit by 16, a whole message
by `max_message_bytes`, of which a block's header already tells. What is wrong inside of a unit is
reported once, as a `Fault` in the place of the `Unit`; its blocks are still skipped by their
length. Where a block's extent itself is lost nothing that follows can be told from data: a fatal
`Fault` is the last thing that the parser yields.
"""

import re
from collections.abc import Iterator

import numpy as np

from rgnn_hal_firmware.scpi.errors import ScpiError
from rgnn_hal_firmware.scpi.messages import Argument, Block, End, Event, Fault, String, Unit

_ROOM = 1 << 16
_MOST_TEXT = 1 << 12
_MOST_ARGUMENTS = 16

_WHITE = bytes(code for code in range(33) if code != 10)
"""White space: every control character but LF, and the blank. IEEE 488.2, 7.4.1.2."""
_BLANKS = re.compile(rb"[\x00-\x09\x0b-\x20]+")
_DELIMITER = re.compile(rb"[\n;,#\"']")
_HEADER = re.compile(r"[A-Za-z0-9_:*]+\??")
_UNPRINTABLE = re.compile(rb"[^\x00-\x7e]")


class Parser:
    """One stream of messages.

    Args:
        max_message_bytes: of one message, with all that is in it.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self._most = max_message_bytes
        self._scratch = memoryview(bytearray(_ROOM))
        self._message_bytes = 0
        self._dead = False
        self._state = self._in_text
        self._begin_unit()

    @property
    def dead(self) -> bool:
        """Whether a fatal fault has ended the stream."""
        return self._dead

    def buffer(self) -> memoryview:
        """Where the next bytes belong; never empty."""
        if self._state == self._in_block and self._block is not None:
            return self._block.data[self._filled :].cast("B")
        return self._scratch

    def received(self, count: int) -> Iterator[Event]:
        """What the first `count` bytes of `buffer()` complete; exhaust it before the next call."""
        if self._state == self._in_block and self._block is not None:
            self._filled += count
            if self._filled == self._length:
                self._end_block()
            return
        data = bytes(self._scratch[:count])
        start = 0
        while start < count and not self._dead:
            events, stop = self._state(data, start)
            yield from events
            start = stop

    def feed(self, data: bytes) -> Iterator[Event]:
        """What `data` completes, from wherever it comes."""
        rest = memoryview(data)
        while rest and not self._dead:
            room = self.buffer()
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            yield from self.received(count)
            rest = rest[count:]

    # Each state takes what it can from `data[start:]` and says what is complete and where it ended.

    def _in_text(self, data: bytes, start: int) -> tuple[list[Event], int]:
        found = _DELIMITER.search(data, start)
        stop = found.start() if found else len(data)
        self._add_text(data[start:stop])
        if not self._count(stop - start + (found is not None)):
            return [self._too_much()], stop
        if found is None:
            return [], stop
        return self._delimit(found[0]), stop + 1

    def _in_string(self, data: bytes, start: int) -> tuple[list[Event], int]:
        quote = self._quote
        stops = [at for at in (data.find(quote, start), data.find(b"\n", start)) if at >= 0]
        stop = min(stops, default=len(data))
        self._add_text(data[start:stop])
        if not self._count(stop - start):
            return [self._too_much()], stop
        if not stops:
            return [], stop
        if data[stop : stop + 1] == b"\n":
            self._wrong(-102, "a string does not end before its message does")
            self._text.clear()
            self._state = self._in_text
            return [], stop
        self._count(1)
        self._state = self._after_quote
        return [], stop + 1

    def _after_quote(self, data: bytes, start: int) -> tuple[list[Event], int]:
        if data[start : start + 1] == self._quote:  # doubled, it stands for itself
            self._add_text(self._quote)
            self._count(1)
            self._state = self._in_string
            return [], start + 1
        self._add_argument(String(self._text.decode("ascii", "replace")))
        self._text.clear()
        self._state = self._in_text
        return [], start

    def _in_block_header(self, data: bytes, start: int) -> tuple[list[Event], int]:
        """After `#`: one digit that says how many digits follow, which say how many bytes do."""
        digits = self._digits
        wanted = 1 if not digits else 1 + int(digits[:1])
        taken = data[start : start + wanted - len(digits)]
        if not digits and taken in b"HhQqBb":
            self._wrong(-224, f"#{taken.decode()}: write numbers decimally")
            self._state = self._in_text
            return [], start
        digits += taken
        if not digits.isdigit() or digits[:1] == b"0":
            header = (b"#" + digits).decode("ascii", "replace")
            return [self._die(-161, f"{header!r} is no header of a definite-length block")], start
        if not self._count(len(taken)):
            return [self._too_much()], start
        if len(digits) == 1 + int(digits[:1]):
            self._length = int(digits[1:])
            if not self._count(self._length):
                return [self._too_much()], start
            self._begin_block()
        return [], start + len(taken)

    def _in_block(self, data: bytes, start: int) -> tuple[list[Event], int]:
        taken = min(self._length - self._filled, len(data) - start)
        if self._block is not None:
            block = self._block.data
            block[self._filled : self._filled + taken] = data[start : start + taken]
        self._filled += taken
        if self._filled == self._length:
            self._end_block()
        return [], start + taken

    # What the states share.

    def _begin_unit(self) -> None:
        self._header: str | None = None
        self._arguments: list[Argument] = []
        self._complete = False
        """Whether the argument under way is one that only a delimiter may follow."""
        self._error: ScpiError | None = None
        self._text = bytearray()
        self._digits = bytearray()
        self._quote = b""
        self._block: Block | None = None
        self._length = self._filled = 0

    def _delimit(self, delimiter: bytes) -> list[Event]:
        if delimiter == b"#":
            self._open_argument()
            self._digits = bytearray()
            self._state = self._in_block_header
            return []
        if delimiter in b"\"'":
            self._open_argument()
            self._quote = delimiter
            self._state = self._in_string
            return []
        if delimiter == b",":
            self._close_argument(last=False)
            return []
        events = self._end_unit()
        if delimiter == b"\n":
            self._message_bytes = 0
            events.append(End())
        return events

    def _open_argument(self) -> None:
        """A string or a block begins here: before it there may be the header and white space."""
        apart = self._header is not None or self._text[-1:].strip(_WHITE) == b""
        self._split_header()
        if self._text.strip(_WHITE) or self._complete or not apart:
            self._wrong(-102, "a string or a block must follow a comma or the header's white space")
        self._text.clear()

    def _close_argument(self, *, last: bool) -> None:
        self._split_header()
        text = self._plain_text()
        if self._complete:
            if text:
                self._wrong(-102, f"{text[:20]!r} follows a string or a block")
        elif text:
            self._add_argument(text)
        elif not last or self._arguments:
            self._wrong(-109, "an argument is empty")
        self._complete = False

    def _end_unit(self) -> list[Event]:
        if self._header is not None or self._text.strip(_WHITE):
            self._close_argument(last=True)
        header, arguments, error = self._header, tuple(self._arguments), self._error
        self._begin_unit()
        if error is not None:
            return [Fault(error)]
        return [] if header is None else [Unit(header, arguments)]

    def _split_header(self) -> None:
        """Take the header from the front of the unit's text, if it is still there."""
        if self._header is not None:
            return
        words = _BLANKS.split(bytes(self._text).strip(_WHITE), 1)
        header = words[0].decode("ascii", "replace")
        self._header = header.removeprefix(":").upper()
        self._text = bytearray(words[1] if len(words) > 1 else b"")
        if not _HEADER.fullmatch(header):
            self._wrong(-101 if header else -102, f"{header[:40]!r} is no header")

    def _plain_text(self) -> str:
        text = bytes(self._text).strip(_WHITE)
        self._text.clear()
        if _UNPRINTABLE.search(text):
            self._wrong(-101, "outside of blocks only ASCII may stand")
        return text.decode("ascii", "replace")

    def _add_text(self, text: bytes) -> None:
        if len(self._text) + len(text) > _MOST_TEXT:
            self._wrong(-363, f"more than {_MOST_TEXT} characters without a delimiter")
        elif self._error is None:
            self._text += text

    def _add_argument(self, argument: Argument) -> None:
        self._complete = type(argument) is not str
        if len(self._arguments) == _MOST_ARGUMENTS:
            self._wrong(-108, f"more than {_MOST_ARGUMENTS} arguments")
        elif self._error is None:
            self._arguments.append(argument)

    def _begin_block(self) -> None:
        self._filled = 0
        # A unit that is refused anyway has its blocks skipped. `empty` is not touched before use.
        self._block = np.empty(self._length, np.uint8) if self._error is None else None
        self._state = self._in_block
        if self._length == 0:
            self._end_block()

    def _end_block(self) -> None:
        if self._block is not None:
            self._add_argument(self._block)
        self._complete = True
        self._block = None
        self._state = self._in_text

    def _count(self, count: int) -> bool:
        """Add to the length of the message; False where it becomes too long."""
        self._message_bytes += count
        return self._message_bytes <= self._most

    def _wrong(self, number: int, detail: str) -> None:
        """The unit under way cannot be read; the first reason counts."""
        if self._error is None:
            self._error = ScpiError(number, detail)
            self._arguments.clear()

    def _too_much(self) -> Fault:
        return self._die(-223, f"a message of more than {self._most} bytes")

    def _die(self, number: int, detail: str) -> Fault:
        error = self._error or ScpiError(number, detail)
        self._begin_unit()
        self._dead = True
        return Fault(ScpiError(number, detail) if number == -223 else error, fatal=True)
