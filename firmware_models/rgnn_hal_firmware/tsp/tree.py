"""Programs as trees that run themselves: expressions with values, statements with effects."""

from dataclasses import dataclass
from typing import Any, Protocol

from rgnn_hal_firmware.tsp.errors import RuntimeFault

Value = Any
"""nil, a boolean, a number, a string, a function or a `Table`."""


class Table(Protocol):
    """What has fields."""

    def read(self, key: Value) -> Value:
        """The field `key`, None where there is none."""

    def write(self, key: Value, value: Value) -> None:
        """Set the field `key`."""


class Expression(Protocol):
    """A tree that has a value."""

    def values(self, scope: Table) -> tuple[Value, ...]:
        """What it is worth; only calls have other than one value."""


class Statement(Protocol):
    """A tree that does something."""

    def run(self, scope: Table) -> None:
        """Do it."""


@dataclass(frozen=True)
class Constant:
    """A number, a string, true, false or nil."""

    value: Value

    def values(self, scope: Table) -> tuple[Value, ...]:
        """Itself."""
        return (self.value,)


@dataclass(frozen=True)
class Field:
    """`base.key`, `base[key]`, or the global `key` where there is no base."""

    base: "Expression | None"
    key: Expression

    def values(self, scope: Table) -> tuple[Value, ...]:
        """What the field holds."""
        return (self._owner(scope).read(_first(self.key, scope)),)

    def assign(self, scope: Table, value: Value) -> None:
        """Set the field."""
        self._owner(scope).write(_first(self.key, scope), value)

    def _owner(self, scope: Table) -> Table:
        if self.base is None:
            return scope
        owner: Table = _first(self.base, scope)
        if not hasattr(owner, "read"):
            raise RuntimeFault(f"attempt to index a {kind(owner)} value")
        return owner


@dataclass(frozen=True)
class Call:
    """`function(arguments)`; the last argument may bring several values."""

    function: Expression
    arguments: tuple[Expression, ...]

    def values(self, scope: Table) -> tuple[Value, ...]:
        """What the function returns."""
        function = _first(self.function, scope)
        if not callable(function):
            raise RuntimeFault(f"attempt to call a {kind(function)} value")
        given = [_first(argument, scope) for argument in self.arguments[:-1]]
        if self.arguments:
            given.extend(self.arguments[-1].values(scope))
        result: tuple[Value, ...] = function(*given)
        return result

    def run(self, scope: Table) -> None:
        """Call it and drop what it returns."""
        self.values(scope)


@dataclass(frozen=True)
class Equal:
    """`left == right`."""

    left: Expression
    right: Expression

    def values(self, scope: Table) -> tuple[Value, ...]:
        """Whether type and value are the same."""
        left, right = _first(self.left, scope), _first(self.right, scope)
        return (kind(left) == kind(right) and left == right,)


@dataclass(frozen=True)
class Negative:
    """`-operand`."""

    operand: Expression

    def values(self, scope: Table) -> tuple[Value, ...]:
        """The number with its sign turned."""
        value = _first(self.operand, scope)
        if kind(value) != "number":
            raise RuntimeFault(f"attempt to perform arithmetic on a {kind(value)} value")
        return (-value,)


@dataclass(frozen=True)
class Assignment:
    """`target = value`."""

    target: Field
    value: Expression

    def run(self, scope: Table) -> None:
        """Set the target."""
        self.target.assign(scope, _first(self.value, scope))


def kind(value: Value) -> str:
    """Lua's name for the type of a value."""
    match value:
        case None:
            return "nil"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
    return "table" if hasattr(value, "read") else "function"


def _first(expression: Expression, scope: Table) -> Value:
    values = expression.values(scope)
    return values[0] if values else None
