"""The syntax of messages: what is read, what is refused, and that nothing depends on the chunks."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal_firmware.scpi.messages import End, Event, Fault, String, Unit
from rgnn_hal_firmware.scpi.parser import Parser

Block = Callable[[bytes], bytes]
MOST = 1 << 16


def parse(data: bytes, most: int = MOST) -> list[object]:
    return [plain(event) for event in Parser(most).feed(data)]


def plain(event: Event) -> object:
    """An event as values that can be compared."""
    match event:
        case Unit(header, arguments):
            return header, tuple(
                argument if isinstance(argument, str) else argument.tobytes()
                for argument in arguments
            )
        case Fault(error, fatal):
            return error.number, fatal
        case End():
            return "end"


def encoded(body: bytes) -> bytes:
    return b"#%d%d%s" % (len(str(len(body))), len(body), body)


headers = st.from_regex(r"\A\*?[A-Z][A-Z0-9_]{0,11}(:[A-Z]{1,8}){0,2}\??\Z")
words = st.from_regex(r"\A[-+.A-Za-z0-9_][-+.A-Za-z0-9_ ]{0,9}[-+.A-Za-z0-9_]\Z")
strings = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=10).map(String)
arguments = st.lists(words | strings | st.binary(max_size=300), max_size=6)
white = st.sampled_from([b"", b" ", b"\t ", b"\r", b"\x00"])
anything = st.lists(
    st.binary(max_size=12)
    | st.sampled_from([b"#", b"#0", b"#15abcde", b"#3300", b'"', b"'", b";", b",", b"\n", b"*IDN?"])
).map(b"".join)


@st.composite
def written(draw: st.DrawFn) -> tuple[list[object], bytes]:
    """A message of good units, and what it must be read as."""
    units: list[object] = []
    text = []
    for header, values in draw(st.lists(st.tuples(headers, arguments), min_size=1, max_size=4)):
        units.append((header.upper(), tuple(values)))
        pieces = []
        for value in values:
            if isinstance(value, bytes):
                piece = encoded(value)
            elif isinstance(value, String):
                quote = draw(st.sampled_from("\"'"))
                piece = (quote + value.replace(quote, 2 * quote) + quote).encode()
            else:
                piece = value.encode()
            pieces.append(draw(white) + piece + draw(white))
        colon = b":" if not header.startswith("*") and draw(st.booleans()) else b""
        text.append(colon + header.encode() + b" " + b",".join(pieces))
    return [*units, "end"], b";".join(text) + b"\n"


@given(written())
def test_what_is_written_is_read(message: tuple[list[object], bytes]) -> None:
    units, data = message
    assert parse(data) == units


@given(written() | anything.map(lambda data: ([], data)), st.data())
def test_chunks_do_not_matter(message: tuple[list[object], bytes], draw: st.DataObject) -> None:
    data = message[1]
    parser = Parser(MOST)
    events = []
    start = 0
    while start < len(data):
        stop = draw.draw(st.integers(start + 1, len(data)))
        events += [plain(event) for event in parser.feed(data[start:stop])]
        start = stop
    assert events == parse(data)


@given(anything)
def test_after_anything_a_line_feed_begins_anew(data: bytes) -> None:
    parser = Parser(1000)
    # A block that is under way takes what it was promised first.
    for _ in parser.feed(data + b"\n" * 1000):
        pass
    if not parser.dead:
        assert [plain(e) for e in parser.feed(b"*IDN?\n")] == [("*IDN?", ()), "end"]


def test_a_block_may_hold_every_byte() -> None:
    body = bytes(range(256)) * 3
    (unit, end) = parse(b"MACR:X 1," + encoded(body) + b" , 2\r\n")
    assert unit == ("MACR:X", ("1", body, "2"))
    assert end == "end"


def test_a_block_is_received_in_place() -> None:
    parser = Parser(MOST)
    assert not list(parser.feed(b"X #510000abc"))
    room = parser.buffer()
    assert len(room) == 10000 - 3
    room[:] = b"\n" * len(room)
    assert not list(parser.received(len(room)))
    (unit, _) = parser.feed(b"\n")
    assert isinstance(unit, Unit)
    (body,) = unit.arguments
    assert isinstance(body, np.ndarray)
    assert body.tobytes() == b"abc" + b"\n" * 9997


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"MACR:X 1,,2", -109),
        (b"MACR:X 1,", -109),
        (b"MACR:X ,1", -109),
        (b"MACR:X 'ab", -102),
        (b"MACR:X 'ab' c", -102),
        (b"MACR:X ab'c'", -102),
        (b"MACR:X ab#13cde", -102),
        (b"MACR:X#13cde", -102),
        (b"MACR:X #13cde'f'", -102),
        (b"MACR:X #H1F", -224),
        (b"MACR:\xc3\xa4", -101),
        (b"MACR:X \xff", -101),
        (b"MACR.X 1", -101),
        (b"'a'", -102),
        (b"MACR:X " + b"9" * 5000, -363),
        (b"MACR:X " + b",".join([b"1"] * 17), -108),
    ],
)
def test_what_cannot_be_read_is_one_error_and_the_next_command_is_done(
    data: bytes, number: int
) -> None:
    ends = b"\n" if data.count(b"'") % 2 else b";"
    rest = ["end"] if ends == b"\n" else []
    assert parse(data + ends + b"*IDN?\n") == [(number, False), *rest, ("*IDN?", ()), "end"]


@pytest.mark.parametrize("data", [b"#0abc", b"#a", b"#1\n", b"#3 12", b"#2x1", b"#\n"])
def test_a_lost_extent_ends_the_stream(data: bytes) -> None:
    assert parse(b"*OPC?;X " + data + b"\n*IDN?\n") == [("*OPC?", ()), (-161, True)]


@pytest.mark.parametrize(
    "data", [b"X #565536", b"X #9999999999", b"*IDN?;" * 20000, b" " * 70000, b"X '" + b"a" * 70000]
)
def test_a_message_that_is_too_long_ends_the_stream(data: bytes) -> None:
    assert parse(data)[-1] == (-223, True)


def test_a_message_of_just_the_most_is_read() -> None:
    body = b"x" * (MOST - len(b"X #565526\n"))
    data = b"X " + encoded(body) + b"\n"
    assert len(data) == MOST
    assert parse(data)[0] == ("X", (body,))
    assert parse(data[:-1] + b" \n")[-1] == (-223, True)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"a" * 65536] * 100,
        [b"X '", *[b"a" * 65536] * 100],
        [b"X ", *[b"1," * 4096] * 4],
        [b"X @#8", b"19000000", *[b"\n" * 65536] * 100],
        [b"X #9", b"999999999", *[b"\n" * 65536] * 100],
        [b"X;" * 4096] * 4,
    ],
    ids=["text", "string", "arguments", "refused block", "too long a block", "units"],
)
def test_memory_stays_bounded_whatever_comes(pieces: list[bytes]) -> None:
    parser = Parser(20_000_000)
    tracemalloc.start()
    try:
        for piece in pieces:
            for _ in parser.feed(piece):
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 500_000
