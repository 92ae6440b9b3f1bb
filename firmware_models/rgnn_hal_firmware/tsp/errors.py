"""What goes wrong in an instrument, and the queue that keeps it.

Sources of codes: -285 and -286, and that everything else lets a script go on, are of the 2600B
reference manual (2600BS-901-01, section 8, "Effects of errors on scripts"); an empty queue reads
`0.00000e+00 Queue Is Empty` (2606B-901-01, errorqueue.next). The other negative codes are those of
SCPI; that TSP instruments use them in these places is a guess. 590x are this simulator's own:
real instruments do not notice what they report.
"""

from collections import deque

SYNTAX = -285
RUNTIME = -286
DATA_TYPE = -104
MISSING_PARAMETER = -109
SETTINGS_CONFLICT = -221
OUT_OF_RANGE = -222
ILLEGAL_VALUE = -224
QUEUE_OVERFLOW = -350
INPUT_OVERRUN = -363
HOT_SWITCHING = 5901
CONTENTION = 5902

_LONGEST = 64
_SERIOUS = 20.0
"""RECOVERABLE in Keithley's scale of severities."""


class ProgramSyntaxError(Exception):
    """The text is no program; nothing of it runs."""


class RuntimeFault(Exception):  # noqa: N818 - what Lua calls it
    """Lua's own run-time error: the script ends where it is."""


class Complaint(Exception):  # noqa: N818 - the instrument complains and goes on
    """The instrument refused a command; the script goes on behind it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ErrorQueue:
    """First in, first out; the last place becomes -350 when it is full."""

    def __init__(self) -> None:
        self._errors: deque[tuple[int, str, int]] = deque()

    def add(self, code: int, message: str, node: int = 1) -> None:
        """Keep an error."""
        if len(self._errors) >= _LONGEST - 1:
            if self._errors[-1][0] != QUEUE_OVERFLOW:
                self._errors.append((QUEUE_OVERFLOW, "Queue overflow", node))
            return
        self._errors.append((code, message, node))

    def next(self) -> tuple[float, str, float, float]:
        """Code, message, severity and node of the oldest error, which is removed."""
        if not self._errors:
            return 0.0, "Queue Is Empty", 0.0, 0.0
        code, message, node = self._errors.popleft()
        return float(code), message, _SERIOUS, float(node)

    def clear(self) -> None:
        """Forget all."""
        self._errors.clear()

    def __len__(self) -> int:
        return len(self._errors)
