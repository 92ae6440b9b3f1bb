"""The Keithley 707B: six slots of 8 rows x 12 columns of relays, named like `1A01`.

A command with a crosspoint that does not exist, or whose slot has no card, moves no relay at all.
The connection rule decides what happens first when one command both opens and closes: under
BREAK_BEFORE_MAKE no moment exists in which both the old and the new relays are closed.
"""

import re
from collections.abc import Callable, Iterable
from itertools import product
from types import SimpleNamespace

from rgnn_hal_firmware.tsp.errors import ILLEGAL_VALUE, Complaint
from rgnn_hal_firmware.tsp.tables import Attribute, Commands, Value, arguments, whole

SLOTS = range(1, 7)
ROWS = "ABCDEFGH"
COLUMNS = range(1, 13)
OFF, BREAK_BEFORE_MAKE, MAKE_BEFORE_BREAK = 0, 1, 2

_CROSSPOINT = re.compile(r"([1-6])([A-H])(\d\d)")
_CARD = "7072,Semiconductor Matrix 8x12,00.00a,simulated"
_LONGEST_LIST = 4096
"""Characters of one list of crosspoints."""

Relays = frozenset[str]


class Matrix:
    """The relays.

    Args:
        moved: told what is closed before and after each movement.
    """

    def __init__(self, moved: Callable[[Relays, Relays], None]) -> None:
        self.closed: Relays = frozenset()
        self.cards = frozenset(SLOTS)
        """Slots with a card in them."""
        self._moved = moved
        self._rule = OFF

    def reset(self) -> None:
        """Open everything, and back to how the instrument wakes up."""
        self._move(frozenset())
        self._rule = OFF

    def commands(self) -> dict[str, Value]:
        """The tables `channel` and `slot`."""
        channel = {
            "close": self._close,
            "open": self._open,
            "exclusiveclose": self._exclusive_close,
            "getclose": self._get_closed,
            "connectrule": Attribute(lambda: float(self._rule), self._set_rule),
            "OFF": float(OFF),
            "BREAK_BEFORE_MAKE": float(BREAK_BEFORE_MAKE),
            "MAKE_BEFORE_BREAK": float(MAKE_BEFORE_BREAK),
        }
        return {
            "channel": Commands(channel),
            "slot": SimpleNamespace(read=self._slot, write=_no_slot),
        }

    def _close(self, *given: Value) -> tuple[Value, ...]:
        (text,) = arguments(given, "channelList")
        self._move(self.closed | self._wanted(text))
        return ()

    def _open(self, *given: Value) -> tuple[Value, ...]:
        (text,) = arguments(given, "channelList")
        self._move(self.closed - _selected(text))
        return ()

    def _exclusive_close(self, *given: Value) -> tuple[Value, ...]:
        (text,) = arguments(given, "channelList")
        wanted = self._wanted(text)
        if self._rule == BREAK_BEFORE_MAKE:
            self._move(self.closed & wanted)
        elif self._rule == MAKE_BEFORE_BREAK:
            self._move(self.closed | wanted)
        self._move(wanted)
        return ()

    def _get_closed(self, *given: Value) -> tuple[Value, ...]:
        (text,) = arguments(given, "channelList")
        closed = self.closed & _selected(text)
        return (";".join(sorted(closed)) or None,)

    def _wanted(self, text: Value) -> Relays:
        wanted = _crosspoints(text)
        if missing := {int(name[0]) for name in wanted} - self.cards:
            raise Complaint(ILLEGAL_VALUE, f"Illegal parameter value: no card in {sorted(missing)}")
        return wanted

    def _slot(self, key: Value) -> Value:
        if isinstance(key, float) and key in SLOTS:
            return Commands({"idn": _CARD if key in self.cards else "Empty Slot"})
        return None

    def _set_rule(self, value: Value) -> None:
        self._rule = whole(value, OFF, MAKE_BEFORE_BREAK, "channel.connectrule")

    def _move(self, closed: Relays) -> None:
        before, self.closed = self.closed, closed
        if before != closed:
            self._moved(before, closed)


def _selected(text: Value) -> Relays:
    """Crosspoints of a list, of a slot, or all."""
    if text == "allslots":
        return _ALL
    if isinstance(text, str) and re.fullmatch(r"slot[1-6]", text):
        return frozenset(name for name in _ALL if name[0] == text[-1])
    return _crosspoints(text)


def _crosspoints(text: Value) -> Relays:
    """Crosspoints of a list like `1A01,1B03:1B07`."""
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_LIST:
        raise Complaint(ILLEGAL_VALUE, "Illegal parameter value: a list of channels is needed")
    return frozenset(name for part in text.split(",") for name in _range(part.strip()))


def _range(text: str) -> Iterable[str]:
    first, _, last = text.partition(":")
    start, stop = _crosspoint(first), _crosspoint(last or first)
    if start[:2] != stop[:2] or start > stop:
        raise Complaint(ILLEGAL_VALUE, f"Illegal parameter value: channel range {text[:20]}")
    return (f"{start[:2]}{column:02d}" for column in range(int(start[2:]), int(stop[2:]) + 1))


def _crosspoint(text: str) -> str:
    match = _CROSSPOINT.fullmatch(text.upper())
    if match is None or int(match[3]) not in COLUMNS:
        raise Complaint(ILLEGAL_VALUE, f"Illegal parameter value: no channel {text[:20]}")
    return match[0]


_ALL = frozenset(f"{slot}{row}{column:02d}" for slot, row, column in product(SLOTS, ROWS, COLUMNS))


def _no_slot(key: Value, value: Value) -> None:
    raise Complaint(ILLEGAL_VALUE, "slots cannot be set")
