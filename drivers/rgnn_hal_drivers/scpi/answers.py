"""Answers of a controller, taken from the stream as what they must be or not at all.

The answer to an exchange is one line, `[item;]errors;tag`. An item is read by a value of this
module that knows what it must look like; a controller that refuses gives none, so its absence is no
error here. Anything else raises `Nonsense`, before a single number of it is used.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_drivers.scpi.commands import raw
from rgnn_hal_drivers.scpi.errors import DeviceEntry, parse_entries
from rgnn_hal_drivers.visa_stream import Stream

_LONGEST_LINE = 1 << 15
"""32 errors of 255 characters and as much again."""
_LONGEST_BLOB = 1 << 20
_LONGEST_TAG = 16
_NO_ERROR = b'0,"No error";'

_ERRORS = r'-?\d{1,5},"(?:[^"]|"")*"(?:,-?\d{1,5},"(?:[^"]|"")*")*'
_BARE = re.compile(rf"(?P<errors>{_ERRORS});(?P<tag>\d{{1,{_LONGEST_TAG}}})\n")
_WITH_ITEM = re.compile(rf"(?P<item>[^;\n]*);{_BARE.pattern}")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Nonsense(Exception):  # noqa: N818 - never leaves the driver
    """What came is not an answer to what was asked; the message says in which way."""


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """A whole line, understood."""

    item: T_co | None
    entries: list[DeviceEntry]
    tag: int


class Item(Protocol[T_co]):
    """What an answer's item must look like."""

    def receive(self, stream: Stream, deadline: float) -> Answer[T_co]:
        """The answer with it; raises `Nonsense`, `Silent` or `Broken`."""


@dataclass(frozen=True)
class Nothing:
    """A command: there is no item."""

    def receive(self, stream: Stream, deadline: float) -> Answer[None]:
        """Errors and tag."""
        item, entries, tag = _text(stream.receive_line(_LONGEST_LINE, deadline))
        if item is not None:
            raise Nonsense(f"it answered {item[:60]!r} to a command")
        return Answer(None, entries, tag)


@dataclass(frozen=True)
class Text(Generic[T]):
    """A word, a number: what `convert` takes without a `ValueError`."""

    convert: Callable[[str], T]

    def receive(self, stream: Stream, deadline: float) -> Answer[T]:
        """The item, converted."""
        item, entries, tag = _text(stream.receive_line(_LONGEST_LINE, deadline))
        try:
            return Answer(None if item is None else self.convert(item), entries, tag)
        except ValueError as error:
            raise Nonsense(f"it answered {item!r}: {error}") from error


@dataclass(frozen=True)
class Blob:
    """A block of bytes of any length."""

    def receive(self, stream: Stream, deadline: float) -> Answer[bytes]:
        """The block."""
        first = stream.receive(1, deadline)
        if first != b"#":
            return _without_block(stream, first, deadline)
        length = _block_length(stream, deadline)
        if length > _LONGEST_BLOB:
            raise Nonsense(f"a block of {length} bytes is longer than any description")
        data = stream.receive(length, deadline)
        return Answer(data, *_end(stream, deadline))


@dataclass(frozen=True)
class Array:
    """A block of little-endian numbers, all of them within -`most` ... `most`."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    most: float
    mask: NDArray[np.bool_] | None = None
    """Where there are numbers; elsewhere NaN stands."""

    def receive(self, stream: Stream, deadline: float) -> Answer[NDArray[Any]]:
        """The array, which the stream was read into."""
        first = stream.receive(1, deadline)
        if first != b"#":
            return _without_block(stream, first, deadline)
        length = _block_length(stream, deadline)
        array = np.empty(self.shape, self.dtype.newbyteorder("<"))
        if length != array.nbytes:
            raise Nonsense(
                f"it announced {length} bytes where {self.dtype} of {self.shape} has {array.nbytes}"
            )
        stream.receive_into(raw(array), deadline)
        entries, tag = _end(stream, deadline)
        self._verify(array)
        return Answer(array.astype(self.dtype, copy=False), entries, tag)

    def _verify(self, array: NDArray[Any]) -> None:
        values = array
        if self.mask is not None:
            values = array[self.mask]
            if not np.isnan(array[~self.mask]).all():
                raise Nonsense("it answered numbers for cells that were not asked for")
        # A NaN fails the comparison too.
        if values.size and not (values.min() >= -self.most and values.max() <= self.most):
            raise Nonsense(f"it answered a value that is not within ±{self.most:.3g}")


def finite(text: str) -> float:
    """A decimal number that is one."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _block_length(stream: Stream, deadline: float) -> int:
    count = stream.receive(1, deadline)
    if count not in b"123456789":
        raise Nonsense(f"a block begins with #{count!r}, not with the length of its length")
    digits = stream.receive(int(count), deadline)
    if not digits.isdigit():
        raise Nonsense(f"a block has the length {digits!r}")
    return int(digits)


def _end(stream: Stream, deadline: float) -> tuple[list[DeviceEntry], int]:
    """Errors and tag behind a block."""
    between = stream.receive(1, deadline)
    if between != b";":
        raise Nonsense(f"after a block came {between!r}, not a semicolon")
    item, entries, tag = _text(stream.receive_line(_LONGEST_LINE, deadline))
    if item is not None:
        raise Nonsense(f"after a block came {item[:60]!r}")
    return entries, tag


def _without_block(stream: Stream, first: bytes, deadline: float) -> Answer[Any]:
    item, entries, tag = _text(first + stream.receive_line(_LONGEST_LINE, deadline))
    if item is not None:
        raise Nonsense(f"it answered {item[:60]!r} where a block was asked for")
    return Answer(None, entries, tag)


def _text(line: bytes) -> tuple[str | None, list[DeviceEntry], int]:
    """A line's item, errors and tag."""
    item, fine, tag = line[:-1].partition(_NO_ERROR)
    # As mostly; the patterns below take 5 us.
    if fine and item.find(b";") == len(item) - 1 and b'"' not in item and _is_tag(tag):
        return (item[:-1].decode("latin-1") if item else None), [], int(tag)
    text = line.decode("latin-1")
    bare = _BARE.fullmatch(text)
    found = bare or _WITH_ITEM.fullmatch(text)
    if found is None:
        raise Nonsense(f"it answered {line[:80]!r}")
    return None if bare else found["item"], parse_entries(found["errors"]), int(found["tag"])


def _is_tag(text: bytes) -> bool:
    return len(text) <= _LONGEST_TAG and text.isdigit()
