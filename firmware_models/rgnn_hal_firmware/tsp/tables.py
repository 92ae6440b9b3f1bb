"""Command tables: what an instrument's names stand for.

A `Commands` is a Lua table whose fields are attributes with a getter and perhaps a setter,
functions, or further tables. Whatever is not in it reads as nil and cannot be set.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from rgnn_hal_firmware.tsp.errors import (
    DATA_TYPE,
    ILLEGAL_VALUE,
    MISSING_PARAMETER,
    OUT_OF_RANGE,
    Complaint,
    RuntimeFault,
)

Value = Any


@dataclass(frozen=True)
class Attribute:
    """A field with a getter, and a setter unless it is read-only."""

    get: Callable[[], Value]
    set: Callable[[Value], None] | None = None


class Commands:
    """A table of attributes, functions, constants and tables."""

    def __init__(self, fields: Mapping[str, Value], elsewhere: "Commands | None" = None) -> None:
        self._fields = dict(fields)
        self._elsewhere = elsewhere
        """Where names are looked up that are not here."""

    def read(self, key: Value) -> Value:
        """The value of field `key`, None where there is none."""
        field = self._fields.get(key) if isinstance(key, str) else None
        if field is None and self._elsewhere is not None:
            return self._elsewhere.read(key)
        return field.get() if isinstance(field, Attribute) else field

    def write(self, key: Value, value: Value) -> None:
        """Set attribute `key`."""
        field = self._fields.get(key) if isinstance(key, str) else None
        if field is None and self._elsewhere is not None:
            self._elsewhere.write(key, value)
            return
        if not isinstance(field, Attribute):
            raise RuntimeFault(f"attempt to set {str(key)[:40]!r}, which is no attribute")
        if field.set is None:
            raise Complaint(ILLEGAL_VALUE, f"{key} is read-only")
        field.set(value)


def number(value: Value, low: float, high: float, what: str) -> float:
    """`value` if it is a number in the range.

    Raises:
        Complaint: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Complaint(DATA_TYPE, f"Data type error: {what} needs a number")
    if not (isfinite(value) and low <= value <= high):
        raise Complaint(
            OUT_OF_RANGE,
            f"Parameter data out of range: {what} {value:g} is not in {low:g} ... {high:g}",
        )
    return float(value)


def whole(value: Value, low: int, high: int, what: str) -> int:
    """`value` if it is a whole number in the range; raises as `number` does."""
    exact = number(value, low, high, what)
    if exact != int(exact):
        raise Complaint(ILLEGAL_VALUE, f"Illegal parameter value: {what} {value:g} is not whole")
    return int(exact)


def arguments(given: tuple[Value, ...], names: str) -> tuple[Value, ...]:
    """`given` if there is one for each of `names`; more are dropped, as Lua does."""
    wanted = names.split()
    if len(given) < len(wanted):
        raise Complaint(MISSING_PARAMETER, f"Missing parameter: {wanted[len(given)]}")
    return given[: len(wanted)]
