"""An instrument's controller: messages in, answers out, errors into the queue.

A message is one line. `*IDN?` and its kin are answered as IEEE 488.2 says; every other line is a
program of its own, but for those between `loadandrunscript` and `endscript`, which are one. A
syntax error keeps a program from running at all, a run-time error ends it where it is, and a
command that the instrument refuses is skipped; each leaves its entry in the error queue.
"""

from collections.abc import Callable

from rgnn_hal_firmware.tsp.errors import (
    INPUT_OVERRUN,
    RUNTIME,
    SYNTAX,
    Complaint,
    ErrorQueue,
    ProgramSyntaxError,
    RuntimeFault,
)
from rgnn_hal_firmware.tsp.syntax import MAX_CHARACTERS, parse
from rgnn_hal_firmware.tsp.tree import Table, Value

_MAX_OUTPUT = 1 << 22
"""Bytes of answers to one message; what exceeds them is an error."""


class Controller:
    """One instrument's controller; a `Session` of it per connection.

    Args:
        identity: the answer to `*IDN?`.
        reset: what `*RST` does.
    """

    def __init__(self, identity: str, reset: Callable[[], None]) -> None:
        self.errors = ErrorQueue()
        self.scope: Table
        self.prompts = False
        """Whether a prompt follows every message: what script editors switch on and leave so."""
        self.shows_errors = False
        """Whether errors are sent as lines instead of kept."""
        self._output = bytearray()
        self._common: dict[str, Callable[[], None]] = {
            "*IDN?": lambda: self.emit(identity.encode() + b"\n"),
            "*RST": reset,
            "*CLS": self.errors.clear,
            "*OPC?": lambda: self.emit(b"1\n"),
            "*WAI": lambda: None,
        }

    def execute(self, program: str) -> bytes:
        """Run a program or a common command; what it prints."""
        self._output.clear()
        common = self._common.get(program.strip().upper())
        try:
            if common is not None:
                common()
            else:
                self._run(program)
        except ProgramSyntaxError as error:
            self.errors.add(SYNTAX, f"TSP Syntax error: {error}")
        except RuntimeFault as error:
            self.errors.add(RUNTIME, f"TSP Runtime error: {error}")
        prompt = b"TSP?\n" if self.errors else b"TSP>\n"
        while self.shows_errors and self.errors:
            code, message, *_ = self.errors.next()
            self._output += f"{code:.0f}\t{message}\n".encode("latin-1", "replace")
        return bytes(self._output) + (prompt if self.prompts else b"")

    def emit(self, answer: bytes) -> None:
        """Answer the message that is being executed."""
        if len(self._output) + len(answer) > _MAX_OUTPUT:
            raise RuntimeFault("output queue is full")
        self._output += answer

    def print(self, *values: Value) -> tuple[Value, ...]:
        """Lua's `print`: values with tabs between them, ended by LF."""
        self.emit("\t".join(map(in_words, values)).encode("latin-1", "replace") + b"\n")
        return ()

    def _run(self, program: str) -> None:
        for statement in parse(program):
            try:
                statement.run(self.scope)
            except Complaint as complaint:
                self.errors.add(complaint.code, str(complaint))


class Session:
    """What one connection has said so far of a message or a script."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._script: list[str] | None = None
        self._length = 0

    def line(self, text: str) -> bytes:
        """The answer to one more line."""
        stripped = text.strip()
        if self._script is None:
            if stripped.split(" ", 1)[0] == "loadandrunscript":
                self._script, self._length = [], 0
                return b""
            return self._controller.execute(text)
        if stripped == "endscript":
            lines, self._script = self._script, None
            if self._length > MAX_CHARACTERS:
                self._controller.errors.add(INPUT_OVERRUN, "Input buffer overrun: script dropped")
                return b""
            return self._controller.execute("\n".join(lines))
        self._length += len(text) + 1
        if self._length <= MAX_CHARACTERS:
            self._script.append(text)
        else:
            self._script.clear()
        return b""


def in_words(value: Value) -> str:
    """A value as `print` writes it with the default precision of six digits."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.5e}"
    if isinstance(value, str):
        return value
    return "table" if hasattr(value, "read") else "function"
