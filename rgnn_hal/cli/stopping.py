"""Signals that stop a command: it leaves through every `finally` block, with a sentence.

Python dies of SIGTERM and SIGHUP at once, without closing a macro: voltages would stay on its lines
until a watchdog acts. Here they raise `Stopped` in the main thread, and so does Ctrl-C, which typer
would make a silent exit of. What a parent has told us to ignore stays ignored (`nohup` does that
with SIGHUP).
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(SystemExit):
    """The process was told to end; it exits with 128 plus the signal's number, as shells say."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(128 + number)

    def __str__(self) -> str:
        return f"stopped by {self.signal.name}"


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn signals into `Stopped`, once: a second one does not disturb the cleaning up."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where Python takes no handlers
        return
    before = {each: signal.getsignal(each) for each in _SIGNALS}
    usual = (signal.SIG_DFL, signal.default_int_handler)
    ours = [each for each, handler in before.items() if handler in usual]

    def stop(number: int, frame: FrameType | None) -> None:
        for each in ours:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    for each in ours:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each in ours:
            if signal.getsignal(each) is stop:
                signal.signal(each, before[each])
