"""Answers are understood whole or not at all, however the wire cuts them."""

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from rgnn_hal_drivers.scpi.answers import Array, Blob, Item, Nonsense, Nothing, Text, finite
from rgnn_hal_drivers.scpi.commands import block
from rgnn_hal_drivers.scpi.errors import DeviceEntry
from rgnn_hal_drivers.visa_stream import Broken, Silent, Stream

SHAPE = (2, 3)
FLOATS = Array(SHAPE, np.dtype(np.float32), most=10.0)
FINE = b'0,"No error";77\n'
ENTRIES = st.lists(
    st.tuples(st.integers(-999, 999).filter(bool), st.text(st.characters(codec="ascii"))),
    min_size=1,
    max_size=5,
)


class Scripted:
    """A port that receives the pieces it was made with, and then the end."""

    def __init__(self, pieces: Sequence[bytes], ahead: int = 1 << 16) -> None:
        self.ahead = ahead
        self._rest = b"".join(pieces)
        self._sizes = [len(piece) for piece in pieces if piece]

    def send(self, pieces: Sequence[Any], seconds: float) -> int:
        raise AssertionError("nothing is asked here")

    def receive_into(self, buffer: memoryview, seconds: float) -> int:
        size = min(len(buffer), self._sizes[0] if self._sizes else 0)
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        if size:
            self._sizes[0] -= size
            self._sizes = self._sizes[0 if self._sizes[0] else 1 :]
        return size

    def waiting(self) -> bool:
        return False

    def close(self) -> None: ...

    def drop(self) -> None: ...


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places})
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def receive(item: Item[Any], *pieces: bytes) -> Any:
    return item.receive(Stream(Scripted(pieces)), float("inf"))


def line(entries: Sequence[tuple[int, str]]) -> bytes:
    quoted = (f'{number},"{text.replace(chr(34), chr(34) * 2)}"' for number, text in entries)
    return ",".join(quoted).replace("\n", " ").encode() + b";77\n"


@given(st.lists(st.floats(-10, 10, width=32), min_size=6, max_size=6), st.lists(st.integers(0)))
@example([float(np.float32(6.6e-33))] * 6, [1, 2, 3, 30])
def test_an_array_arrives_bit_for_bit_however_it_is_cut(
    values: list[float], places: list[int]
) -> None:
    array = np.array(values, np.float32).reshape(SHAPE)
    data = b"".join([*map(bytes, block(array)), b";", FINE])
    answer = receive(FLOATS, *cut(data, places))
    assert answer.item.tobytes() == array.tobytes()
    assert answer.tag == 77
    assert not answer.entries


@pytest.mark.parametrize("item", [FLOATS, Blob(), Nothing(), Text(finite), Text(str)])
@given(
    data=st.binary() | st.text('#0123456789,;"-\n x').map(str.encode), cuts=st.lists(st.integers(0))
)
def test_bytes_at_random_are_refused_in_one_of_three_ways(
    item: Item[Any], data: bytes, cuts: list[int]
) -> None:
    try:
        receive(item, *cut(data, cuts))
    except (Nonsense, Broken, Silent):
        return
    assert data.count(b"\n") >= 1


@pytest.mark.parametrize("item", [FLOATS, Blob(), Nothing(), Text(finite)])
@given(entries=ENTRIES)
def test_errors_arrive_with_their_text_whatever_is_in_it(
    item: Item[Any], entries: list[tuple[int, str]]
) -> None:
    answer = receive(item, line(entries))
    assert answer.item is None
    assert answer.entries == [
        DeviceEntry(number, text.replace("\n", " ")) for number, text in entries
    ]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"#14abcd;" + FINE, "announced 4 bytes"),
        (b"#224" + b"\xff" * 24 + b";" + FINE, "not within"),
        (b"#224" + np.full(6, 11.0, "<f4").tobytes() + b";" + FINE, "not within"),
        (b"#224" + bytes(24) + FINE, "not a semicolon"),
        (b"#224" + bytes(24) + b";more;" + FINE, "after a block came 'more'"),
        (b"#0" + bytes(24) + b"\n", "length of its length"),
        (b"1.5;" + FINE, "where a block was asked for"),
    ],
)
def test_what_is_no_such_array_is_nonsense(data: bytes, complaint: str) -> None:
    with pytest.raises(Nonsense, match=complaint):
        receive(FLOATS, data)


def test_cells_outside_of_a_mask_are_nan_and_no_others() -> None:
    mask = np.array([[True, False, True], [False, False, True]])
    item = Array(SHAPE, np.dtype(np.float64), 10.0, mask)
    for cells, fine in (
        (np.where(mask, 1.0, np.nan), True),
        (np.ones(SHAPE), False),
        (np.full(SHAPE, np.nan), False),
    ):
        data = [*map(bytes, block(cells)), b";", FINE]
        if fine:
            np.testing.assert_array_equal(receive(item, *data).item, cells)
        else:
            with pytest.raises(Nonsense):
                receive(item, *data)


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "one", ""])
def test_a_time_that_is_no_number_is_nonsense(text: str) -> None:
    with pytest.raises(Nonsense):
        receive(Text(finite), text.encode() + b";" + FINE)
