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

    def value(self, scope: Table) -> Value:
        """What it is worth."""


class Statement(Protocol):
    """A tree that does something."""

    def run(self, scope: Table) -> None:
        """Do it."""


@dataclass(frozen=True)
class Constant:
    """A number, a string, true, false or nil."""

    constant: Value

    def value(self, scope: Table) -> Value:
        """Itself."""
        return self.constant


@dataclass(frozen=True)
class Name:
    """A global name."""

    name: str

    def value(self, scope: Table) -> Value:
        """What it stands for."""
        return scope.read(self.name)

    def assign(self, scope: Table, value: Value) -> None:
        """Set it."""
        scope.write(self.name, value)


@dataclass(frozen=True)
class Field:
    """`base.name`, or `base[key]`."""

    base: Expression
    key: Expression

    def value(self, scope: Table) -> Value:
        """What the field holds."""
        return self._owner(scope).read(self.key.value(scope))

    def assign(self, scope: Table, value: Value) -> None:
        """Set the field."""
        self._owner(scope).write(self.key.value(scope), value)

    def _owner(self, scope: Table) -> Table:
        owner: Table = self.base.value(scope)
        if not hasattr(owner, "read"):
            raise RuntimeFault(f"attempt to index a {kind(owner)} value")
        return owner


@dataclass(frozen=True)
class Call:
    """`function(arguments)`; a call as the last argument may bring several values."""

    function: Expression
    arguments: tuple[Expression, ...]

    def values(self, scope: Table) -> tuple[Value, ...]:
        """All that the function returns."""
        function = self.function.value(scope)
        if not callable(function):
            raise RuntimeFault(f"attempt to call a {kind(function)} value")
        given: list[Value] = []
        for place, argument in enumerate(self.arguments, 1):
            if place == len(self.arguments) and isinstance(argument, Call):
                given += argument.values(scope)
            else:
                given.append(argument.value(scope))
        result: tuple[Value, ...] = function(*given)
        return result

    def value(self, scope: Table) -> Value:
        """The first of them."""
        values = self.values(scope)
        return values[0] if values else None

    def run(self, scope: Table) -> None:
        """Call it and drop what it returns."""
        self.values(scope)


@dataclass(frozen=True)
class Equal:
    """`left == right`."""

    left: Expression
    right: Expression

    def value(self, scope: Table) -> Value:
        """Whether type and value are the same."""
        left, right = self.left.value(scope), self.right.value(scope)
        return kind(left) == kind(right) and bool(left == right)


@dataclass(frozen=True)
class Negative:
    """`-operand`."""

    operand: Expression

    def value(self, scope: Table) -> Value:
        """The number with its sign turned."""
        value = self.operand.value(scope)
        if kind(value) != "number":
            raise RuntimeFault(f"attempt to perform arithmetic on a {kind(value)} value")
        return -value


@dataclass(frozen=True)
class Assignment:
    """`target = source`."""

    target: Name | Field
    source: Expression

    def run(self, scope: Table) -> None:
        """Set the target."""
        self.target.assign(scope, self.source.value(scope))


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
