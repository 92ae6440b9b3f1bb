"""The language: the part of Lua that programs of a bench are written in.

    chunk      = { statement [";"] }
    statement  = call | path "=" expression
    expression = operand [ "==" operand ]
    operand    = number | string | "true" | "false" | "nil" | "-" operand
               | "(" expression ")" | path
    path       = name { "." name | "[" expression "]" | "(" [ expression { "," expression } ] ")" }

There are no loops, functions or variables: every program ends, in time that grows with its length.
Nesting and length are bounded, so that no text is too much.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from rgnn_hal_firmware.tsp.errors import ProgramSyntaxError
from rgnn_hal_firmware.tsp.tree import (
    Assignment,
    Call,
    Constant,
    Equal,
    Expression,
    Field,
    Name,
    Negative,
    Statement,
)

MAX_CHARACTERS = 1 << 20
"""Of one program."""
_MAX_DEPTH = 12
"""Brackets within brackets."""
_MAX_LINKS = 10
"""Fields of fields in one path."""
_CACHED_LINES = 4096
_TOKEN = re.compile(
    r"(?P<skip>[ \t\r\n\f\v]+|--[^\n]*)"
    r"|(?P<number>(?:\d{1,20}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,4})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<string>\"[^\"\\\n]*\"|'[^'\\\n]*')"
    r"|(?P<sign>==|[=().,;\[\]\-])"
)
_RESERVED = frozenset(
    "and break do else elseif end for function if in local not or repeat return then until "  # noqa: SIM905
    "while".split()
)
_CONSTANTS = {"true": True, "false": False, "nil": None}


def parse(text: str) -> tuple[Statement, ...]:
    """The statements of a program.

    Raises:
        ProgramSyntaxError: it is none, or too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise ProgramSyntaxError(f"program of more than {MAX_CHARACTERS} characters")
    try:
        # Programs of a bench repeat their lines, and a line mostly is a program of its own.
        return tuple(part for line in text.split("\n") for part in _parse_line(line))
    except ProgramSyntaxError:
        return tuple(_Parser(text).chunk())


@lru_cache(maxsize=_CACHED_LINES)
def _parse_line(line: str) -> tuple[Statement, ...]:
    return tuple(_Parser(line).chunk())


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def chunk(self) -> Iterator[Statement]:
        while self._at < len(self._tokens):
            if not self._accept(";"):
                yield self._statement()

    def _statement(self) -> Statement:
        path = self._path()
        if self._accept("="):
            if not isinstance(path, Name | Field):
                raise ProgramSyntaxError("cannot assign to a call")
            return Assignment(path, self._expression())
        if not isinstance(path, Call):
            raise ProgramSyntaxError(f"'=' expected near {self._near()}")
        return path

    def _expression(self) -> Expression:
        left = self._operand()
        return Equal(left, self._operand()) if self._accept("==") else left

    def _operand(self) -> Expression:
        if self._accept("-"):
            return Negative(self._nested(self._operand))
        if self._accept("("):
            inner = self._nested(self._expression)
            self._expect(")")
            return inner
        type_, text = self._peek()
        if type_ == "number":
            self._at += 1
            return Constant(float(text))
        if type_ == "string":
            self._at += 1
            return Constant(text[1:-1])
        if text in _CONSTANTS:
            self._at += 1
            return Constant(_CONSTANTS[text])
        return self._path()

    def _path(self) -> Expression:
        path: Expression = Name(self._name())
        links = 0
        while True:
            links += 1
            if links > _MAX_LINKS:
                raise ProgramSyntaxError("chunk has too many syntax levels")
            if self._accept("."):
                path = Field(path, Constant(self._name()))
            elif self._accept("["):
                path = Field(path, self._nested(self._expression))
                self._expect("]")
            elif self._accept("("):
                path = Call(path, tuple(self._arguments()))
            else:
                return path

    def _arguments(self) -> Iterator[Expression]:
        if self._accept(")"):
            return
        yield self._nested(self._expression)
        while self._accept(","):
            yield self._nested(self._expression)
        self._expect(")")

    def _nested(self, part: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ProgramSyntaxError("chunk has too many syntax levels")
        inner = part()
        self._depth -= 1
        return inner

    def _name(self) -> str:
        type_, text = self._peek()
        if type_ != "name" or text in _RESERVED or text in _CONSTANTS:
            raise ProgramSyntaxError(f"unexpected symbol near {self._near()}")
        self._at += 1
        return text

    def _accept(self, sign: str) -> bool:
        if self._peek() != ("sign", sign):
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise ProgramSyntaxError(f"'{sign}' expected near {self._near()}")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "<eof>")

    def _near(self) -> str:
        return f"`{self._peek()[1][:40]}'"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ProgramSyntaxError(f"unexpected symbol near `{text[at : at + 10]!r}'")
        at = match.end()
        type_ = match.lastgroup
        assert type_ is not None
        if type_ != "skip":
            yield type_, match.group()
