"""What a command's parameters may be, as values: each turns arguments into what handlers take.

A parameter knows syntax and type only; whether a value suits the chip is asked in `limits`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rgnn_hal_firmware.scpi.errors import ScpiError
from rgnn_hal_firmware.scpi.messages import Argument, Block, String
from rgnn_hal_firmware.window import Window

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


class Parameter(Protocol):
    """One parameter."""

    @property
    def arguments(self) -> int:
        """How many arguments it takes."""

    def convert(self, arguments: Sequence[Argument]) -> Any:
        """Its value; raises `ScpiError`."""


@dataclass(frozen=True)
class Number:
    """A decimal number."""

    name: str
    arguments: int = 1

    def convert(self, arguments: Sequence[Argument]) -> float:
        """A finite float."""
        text = _plain(self.name, arguments[0])
        found = _NUMBER.match(text)
        if found is None:
            raise _no_number(self.name, text)
        if found.end() < len(text):
            rest = text[found.end() :].strip()
            number = -131 if _WORD.match(rest) else -120
            raise ScpiError(number, f"{self.name} {text[:40]}: give a bare number in SI units")
        value = float(text)
        if not math.isfinite(value):
            raise ScpiError(-222, f"{self.name} {text[:40]} is larger than any number here")
        return value


@dataclass(frozen=True)
class Integer:
    """A whole number from `low` to `high`."""

    name: str
    low: int
    high: int
    arguments: int = 1

    def convert(self, arguments: Sequence[Argument]) -> int:
        """The number."""
        value = Number(self.name).convert(arguments)
        if not value.is_integer():
            raise ScpiError(-222, f"{self.name} {value:.17g} is not a whole number")
        if not self.low <= value <= self.high:
            raise ScpiError(-222, f"{self.name} {value:.17g} is outside {self.low} ... {self.high}")
        return int(value)


@dataclass(frozen=True)
class Choice:
    """One of some words, which stand for values."""

    name: str
    values: Mapping[str, Any]
    arguments: int = 1

    def convert(self, arguments: Sequence[Argument]) -> Any:
        """What the word stands for."""
        text = _plain(self.name, arguments[0])
        if not _WORD.fullmatch(text):
            raise ScpiError(-104, f"{self.name} {text[:40]} is no word")
        if text.upper() not in self.values:
            known = ", ".join(self.values)
            raise ScpiError(-224, f"{self.name} {text[:40]} is none of {known}")
        return self.values[text.upper()]


@dataclass(frozen=True)
class Region:
    """`r0,r1,c0,c1`, half open, not empty."""

    arguments: int = 4

    def convert(self, arguments: Sequence[Argument]) -> Window:
        """The window."""
        bound = Integer("region bound", 0, 10**9)
        window = Window(*(bound.convert([argument]) for argument in arguments))
        if not (window.row_start < window.row_stop and window.col_start < window.col_stop):
            raise ScpiError(-222, f"region {','.join(map(str, window))} is empty")
        return window


@dataclass(frozen=True)
class Bytes:
    """A definite-length block."""

    name: str
    arguments: int = 1

    def convert(self, arguments: Sequence[Argument]) -> Block:
        """Its bytes."""
        if isinstance(arguments[0], str):
            raise ScpiError(-104, f"{self.name} must be a block, not {arguments[0][:40]}")
        return arguments[0]


@dataclass(frozen=True)
class Optional:
    """A last parameter that may be left out; then it is None."""

    parameter: Parameter

    @property
    def arguments(self) -> int:
        """As many as the parameter takes."""
        return self.parameter.arguments

    def convert(self, arguments: Sequence[Argument]) -> Any:
        """The parameter's value, or None."""
        return self.parameter.convert(arguments) if arguments else None


TYPES = {"REAL32": np.dtype(np.float32), "REAL64": np.dtype(np.float64)}
"""Types of the numbers in a block."""


def convert(parameters: Sequence[Parameter], arguments: Sequence[Argument]) -> list[Any]:
    """The values of `parameters`, from as many arguments as they take."""
    wanted = sum(parameter.arguments for parameter in parameters)
    last = parameters[-1] if parameters else None
    least = wanted - last.arguments if isinstance(last, Optional) else wanted
    if len(arguments) < least:
        raise ScpiError(-109, f"{len(arguments)} arguments of {least}")
    if len(arguments) > wanted:
        surplus = arguments[wanted]
        if isinstance(surplus, str):
            raise ScpiError(-108, f"{surplus[:40]}; it takes {wanted} arguments")
        raise ScpiError(-168, f"it takes {wanted} arguments")
    values = []
    start = 0
    for parameter in parameters:
        values.append(parameter.convert(arguments[start : start + parameter.arguments]))
        start += parameter.arguments
    return values


def _plain(name: str, argument: Argument) -> str:
    if isinstance(argument, String):
        raise ScpiError(-104, f"{name} must not be quoted")
    if not isinstance(argument, str):
        raise ScpiError(-168, f"{name} must be text")
    return argument


def _no_number(name: str, text: str) -> ScpiError:
    if re.fullmatch(r"[+-]?(nan|inf\w*)", text, re.IGNORECASE):
        return ScpiError(-224, f"{name} {text[:40]}: give a finite number")
    number = -104 if _WORD.match(text) else -120
    return ScpiError(number, f"{name} {text[:40]} is no number")
