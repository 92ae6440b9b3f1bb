"""The status model of IEEE 488.2 and SCPI-99, chapter 20: registers that summarise into one byte.

event register  -- and -- enable register --> one bit of the status byte
    ^ latches what became true                    ^ cleared by reading and by *CLS

bit of the status byte      bit of the standard event register (*ESR?)
  2  EAV  an error waits       0  operation complete
  3  QUES questionable         2  query error         -4xx
  4  MAV  an answer waits      3  device error        -3xx and the controller's own
  5  ESB  standard event       4  execution error     -2xx
  6  MSS  of all enabled       5  command error       -1xx
  7  OPER operation            7  power on
"""

from collections import deque
from dataclasses import dataclass, field

from rgnn_hal_firmware.scpi.errors import NO_ERROR, ScpiError

OPERATION_COMPLETE = 1 << 0
_POWER_ON = 1 << 7
_EVENTS_OF_CLASS = {1: 1 << 5, 2: 1 << 4, 3: 1 << 3, 4: 1 << 2}
"""By the hundreds of a negative error number."""
_DEVICE_ERROR = 1 << 3

GROUNDED_BY_WATCHDOG = 1 << 9
AT_FULL_SCALE = 1 << 10
"""Bits of the questionable register."""

_LONGEST_QUEUE = 32


@dataclass
class Register:
    """A condition, the events that latch where a bit of it rises, and which of them matter."""

    condition: int = 0
    event: int = 0
    enable: int = 0

    def set(self, bits: int, value: bool) -> None:
        """Set or clear `bits` of the condition."""
        changed = self.condition | bits if value else self.condition & ~bits
        self.event |= changed & ~self.condition
        self.condition = changed

    def read_event(self) -> int:
        """The events, which are cleared."""
        event, self.event = self.event, 0
        return event

    @property
    def summary(self) -> bool:
        """Whether an enabled event has happened."""
        return bool(self.event & self.enable)


class ErrorQueue:
    """At most 32 entries, oldest first; when it overflows, the last one says so."""

    def __init__(self) -> None:
        # Text, not exceptions: their tracebacks would keep the blocks of refused commands alive.
        self._entries: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, error: ScpiError) -> None:
        """Append, or turn the last entry into -350."""
        if len(self._entries) == _LONGEST_QUEUE:
            self._entries[-1] = ScpiError(-350).entry
        else:
            self._entries.append(error.entry)

    def pop(self) -> str:
        """The oldest entry, which is removed."""
        return self._entries.popleft() if self._entries else NO_ERROR

    def pop_all(self) -> str:
        """Every entry, comma-separated."""
        entries = list(self._entries) or [NO_ERROR]
        self._entries.clear()
        return ",".join(entries)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()


@dataclass
class Status:
    """What one connection is told about its own commands; begins as after power on."""

    standard: Register = field(default_factory=lambda: Register(event=_POWER_ON))
    operation: Register = field(default_factory=Register)
    """Its condition is always 0: commands are never overlapped."""
    questionable: Register = field(default_factory=Register)
    errors: ErrorQueue = field(default_factory=ErrorQueue)
    service_enable: int = 0

    def report(self, error: ScpiError) -> None:
        """Queue `error` and latch its class."""
        self.errors.push(error)
        kind = -error.number // 100
        self.standard.event |= _EVENTS_OF_CLASS.get(kind, _DEVICE_ERROR)

    def clear(self) -> None:
        """`*CLS`: events and errors; what is enabled stays so."""
        for register in (self.standard, self.operation, self.questionable):
            register.event = 0
        self.errors.clear()

    def preset(self) -> None:
        """`STATus:PRESet`: nothing of SCPI's own registers is enabled."""
        self.operation.enable = self.questionable.enable = 0

    def byte(self, *, answering: bool) -> int:
        """The status byte; `answering`: items of this message wait to be read."""
        bits = (
            (len(self.errors) > 0) << 2
            | self.questionable.summary << 3
            | answering << 4
            | self.standard.summary << 5
            | self.operation.summary << 7
        )
        return bits | bool(bits & self.service_enable) << 6
