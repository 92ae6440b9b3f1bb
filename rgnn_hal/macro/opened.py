"""Hardware that is open: grounded at any time, and grounded and let go once, however it ends."""

import atexit
import os
import threading
import weakref
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Opened(ABC):
    """What `rgnn_hal.macro.base` says of grounding and closing."""

    def __init__(self) -> None:
        self._closed = False
        self._process = os.getpid()
        self.lock = threading.RLock()
        _OPEN.add(self)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def safe(self) -> None:
        """Ground every line. Always possible, idempotent; does nothing once closed."""
        with self.lock:
            if not self._closed:
                self._safe()

    def close(self) -> None:
        """Ground every line, then let go of the hardware. Idempotent."""
        with self.lock:
            if self._closed:
                return
            self._closed = True
            try:
                self._safe()
            finally:
                self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except Exception as failure:
            if error is None:
                raise
            error.add_note(f"and closing the macro failed: {failure}")

    def _let_go(self) -> None:
        # Neither `suppress` nor `os` may be left when the interpreter drops the last macro, and a
        # driver's __init__ may never have got to ours.
        try:
            if self._process == os.getpid():
                self.close()
        except Exception:
            pass

    __del__ = _let_go

    @abstractmethod
    def _safe(self) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


_OPEN: "weakref.WeakSet[Opened]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for each in list(_OPEN):
        each._let_go()
