"""Exclusive ownership of an instrument by one process of this computer: a kernel lock on a file.

The lock is released by the kernel however its owner ends. Instruments without a lock of their own
cannot tell that another computer speaks to them; nor does this.
"""

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from rgnn_hal.macro import DeviceError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Nobody else can read what is locked, and the owner's number is to be read.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Ownership:
    """The lock on one resource, held until `release`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, resource: str) -> Self:
        """Become the owner of a resource.

        Raises:
            DeviceError: somebody else is, and who.
        """
        name = hashlib.sha256(resource.encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"rgnn-hal-{name}.lock"
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise DeviceError(f"cannot lock {resource}: {error.strerror}: {path}") from error
            try:
                _lock(descriptor)
            except OSError as error:
                os.lseek(descriptor, 0, os.SEEK_SET)
                owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
                os.close(descriptor)
                raise DeviceError(
                    f"{resource} is in use by process {owner}; close the macro there first"
                ) from error
            # The owner before removes the file when it lets go: ours may be without a name by now.
            if _is_current(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()}\n".encode())
                return cls(path, descriptor)
            os.close(descriptor)

    def release(self) -> None:
        """Let go. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                self._path.unlink()
            os.close(descriptor)


def _is_current(descriptor: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False
