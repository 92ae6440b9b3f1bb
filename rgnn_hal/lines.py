"""Append-only files of JSON lines that survive a crash, and how arrays stand in them.

One record is one line, written in one go. What a crash or a full disk leaves is at most the
beginning of a last line: a writer that meets one ends it and goes on below, a reader leaves it out.
A full disk takes back what it took of a line, so that the line is there as a whole or not at all.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro.errors import ConfigurationError, DataError, DeviceError


class LineFile:
    """A file that this process alone appends to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigurationError(
                f"cannot open {path} for appending: {error.strerror}; "
                "its folder must exist and be writable"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise DeviceError(
                f"{path} is being written by another macro; close it, or name another file"
            ) from error
        size = os.fstat(self._file).st_size
        if not size:
            _flush_folder(path.parent)  # or a power cut may take the whole file
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            try:
                self._write(b"\n")
            except BaseException:
                self.close()
                raise

    def append(self, record: Mapping[str, Any], *, durable: bool = False) -> None:
        """Add a record; on the disk on return where it is to be `durable`, else with the kernel.

        Raises:
            DeviceError: the disk refuses; the file is as before.
        """
        self._write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        if durable:
            self._flush()

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _write(self, line: bytes) -> None:
        start = os.fstat(self._file).st_size
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, start)
            raise _refused(self.path, error) from error

    def _flush(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as error:
            raise _refused(self.path, error) from error


@dataclass(frozen=True)
class Lines:
    """What a file of lines holds."""

    records: list[dict[str, Any]]
    torn: int
    """Beginnings of lines that crashes left."""


def read_lines(path: Path) -> Lines:
    """Every whole record of a file.

    Raises:
        DataError: the file cannot be read, or a line of it was never a record.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    records, torn = [], 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line:
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            if not line.startswith(b"{"):
                raise DataError(f"{path}, line {number} is no record: {line[:40]!r}") from error
            torn += 1
            continue
        if not isinstance(record, dict):
            raise DataError(f"{path}, line {number} is no record: {line[:40]!r}")
        records.append(record)
    return Lines(records, torn)


def digest(value: Any) -> Any:
    """A short stand-in for an array: type, shape and hash; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    content = hashlib.blake2b(np.ascontiguousarray(value).tobytes(), digest_size=12).hexdigest()
    return f"{value.dtype.str}{list(value.shape)}:{content}"


def encode(value: Any) -> Any:
    """`value` in JSON's types, arrays to the last bit."""
    if not isinstance(value, np.ndarray):
        return value
    content = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return {"dtype": value.dtype.str, "shape": list(value.shape), "base64": content}


def decode(value: Any) -> Any:
    """What `encode` was given."""
    if not isinstance(value, dict):
        return value
    content = np.frombuffer(base64.b64decode(value["base64"]), dtype=np.dtype(value["dtype"]))
    array: NDArray[Any] = content.reshape(value["shape"]).copy()
    return array


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refused(path: Path, error: OSError) -> DeviceError:
    return DeviceError(
        f"cannot write to {path}: {error.strerror}; make room, or write it somewhere else"
    )
