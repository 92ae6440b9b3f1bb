"""A chip in a file: silicon that outlives the process.

The file is HDF5 behind a 512-byte text header (HDF5's user block) that carries the format's version
and the SHA-256 of all that follows. The digest is checked before the HDF5 library sees a byte, so a
damaged file is an error and never a wrong chip. The file keeps its own parameters: a chip does not
change because the preset it was made from is refined later.

    / attrs: chip = JSON {preset document, seed, clocks}
    /conductance /formed /stress /pulses /pulsed_at /reads   (rows, columns)
    /streams   (streams, 7): window, driven side is columns, normals, conversions

*Commit* writes a new file beside the old one, flushes it to the disk and renames it over the old
one: after a crash at any moment there is either the old chip or the new one. *Ownership* is a
kernel lock on `<name>.lock`, which also names the owner and is released by the kernel however the
owner ends.
"""

import fcntl
import hashlib
import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from rgnn_hal_firmware.errors import ChipFileError, ChipStorageError, PresetError
from rgnn_hal_firmware.parameters import Preset, load_preset
from rgnn_hal_firmware.state import ChipState, StreamPosition
from rgnn_hal_firmware.window import Side, Window

DEFAULT_PRESET = "chip40nm"
DEFAULT_SEED = 0

_MAGIC = b"rgnn-hal chip, format "
_VERSION = 2
_HEADER = 512
_CELLS = ("conductance", "formed", "stress", "pulses", "pulsed_at", "reads")


class ChipFile:
    """A chip file that this process owns until `release`."""

    def __init__(
        self, path: Path, lock: int, preset: Preset, seed: int, state: ChipState | None
    ) -> None:
        self.path = path
        self.preset = preset
        self.seed = seed
        self.state = state
        """As it was found; None if there was no file."""
        self._lock = lock

    @classmethod
    def open(cls, path: Path, *, preset: str | None, seed: int | None) -> Self:
        """Take ownership of `path` and load what is there.

        Raises:
            ChipStorageError: somebody else owns it, or it cannot be read.
            ChipFileError: it holds no chip, or not the one asked for.
            PresetError: there is nothing yet and no such preset, or no file of that path.
        """
        path = path.resolve()
        lock = _acquire(path)
        try:
            content = _content(path)
            if content is None:
                name = DEFAULT_PRESET if preset is None else preset
                new_seed = DEFAULT_SEED if seed is None else seed
                return cls(path, lock, load_preset(name), new_seed, None)
            found, found_seed, state = _decode(path, content)
            _check_same(path, "preset", _name_of(preset), found.name)
            _check_same(path, "seed", seed, found_seed)
            return cls(path, lock, found, found_seed, state)
        except BaseException:
            _release(path, lock)
            raise

    def commit(self, state: ChipState) -> None:
        """Replace the file's content with `state`; on the disk when this returns.

        Raises:
            ChipStorageError: the file is as before.
        """
        content = _encode(self.preset, self.seed, state)
        draft = self.path.with_name(self.path.name + ".tmp")
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise ChipStorageError(
                f"cannot write chip file {self.path}: {error.strerror or error}; the chip is as it "
                "was before the call. Make room or make the folder writable, and repeat the call"
            ) from error
        _flush_folder(self.path.parent)

    def release(self) -> None:
        """Give up ownership. Idempotent."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            _release(self.path, lock)


def _acquire(path: Path) -> int:
    lock_path = _lock_path(path)
    while True:
        try:
            lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ChipStorageError(
                f"cannot lock chip file {path}: {error.strerror}: {lock_path}. "
                "Its folder must exist and be writable"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise ChipStorageError(
                f"chip file {path} is in use by process {owner}; "
                "close the chip there first, or open another file"
            ) from error
        # The previous owner removes the lock file when it lets go; then ours is a file without a
        # name that excludes nobody.
        if _is_current(lock, lock_path):
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            return lock
        os.close(lock)


def _is_current(lock: int, lock_path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock), lock_path.stat())
    return False


def _release(path: Path, lock: int) -> None:
    with suppress(OSError):
        _lock_path(path).unlink()
    os.close(lock)


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError as error:
        raise ChipFileError(f"{path} is a folder; name a file with state=") from error
    except OSError as error:
        raise ChipStorageError(f"cannot read chip file {path}: {error.strerror}") from error


def _encode(preset: Preset, seed: int, state: ChipState) -> bytes:
    about = {
        "preset": json.loads(preset.document),
        "seed": seed,
        "time_ns": state.time_ns,
        "product_time_ns": state.product_time_ns,
    }
    streams = [
        (*window, int(side == "cols"), position.normals, position.conversions)
        for (window, side), position in state.streams.items()
    ]
    import h5py  # 12 MB, for chips in files only

    with h5py.File("chip.h5", "w", driver="core", backing_store=False) as file:
        file.attrs["chip"] = json.dumps(about)
        for name in _CELLS:
            file[name] = getattr(state, name)
        file["streams"] = np.array(streams, np.int64).reshape(-1, 7)
        file.flush()
        image: bytes = file.id.get_file_image()
    digest = hashlib.sha256(image).hexdigest()
    header = _MAGIC + f"{_VERSION}\nsha256 {digest}\n".encode()
    return header.ljust(_HEADER - 1) + b"\n" + image


def _decode(path: Path, content: bytes) -> tuple[Preset, int, ChipState]:
    header, image = content[:_HEADER], content[_HEADER:]
    if not header.startswith(_MAGIC):
        raise ChipFileError(
            f"{path} is not a chip file; name another file with state=, or move this one away"
        )
    version, _, rest = header[len(_MAGIC) :].partition(b"\n")
    if version != str(_VERSION).encode():
        raise ChipFileError(
            f"chip file {path} has format {version[:16]!r}, this version reads {_VERSION}; "
            "open it with the version that wrote it"
        )
    if rest.split(b"\n")[0] != b"sha256 " + hashlib.sha256(image).hexdigest().encode():
        raise ChipFileError(
            f"chip file {path} is damaged: its content does not match its checksum; "
            "restore it from a copy, or move it away to start with a new chip"
        )
    try:
        return _parse(image)
    except (OSError, KeyError, TypeError, ValueError, PresetError) as error:
        raise ChipFileError(f"chip file {path} does not hold a complete chip: {error}") from error


def _parse(image: bytes) -> tuple[Preset, int, ChipState]:
    import h5py

    with h5py.File(io.BytesIO(image), "r") as file:
        about: dict[str, Any] = json.loads(file.attrs["chip"])
        preset = Preset.from_document(about["preset"])
        shape = preset.parameters.array.rows, preset.parameters.array.cols
        cells = {name: file[name][()] for name in _CELLS}
        streams = file["streams"][()].tolist()
    for name, array in cells.items():
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, the chip {shape}")
    state = ChipState(**cells, time_ns=about["time_ns"], product_time_ns=about["product_time_ns"])
    for *window, transposed, normals, conversions in streams:
        side: Side = "cols" if transposed else "rows"
        state.streams[Window(*window), side] = StreamPosition(normals, conversions)
    return preset, int(about["seed"]), state


def _name_of(preset: str | None) -> str | None:
    """What the preset calls itself, where `preset` is the path of a file."""
    if preset is None or not preset.endswith(".toml"):
        return preset
    return load_preset(preset).name


def _check_same(path: Path, what: str, asked: str | int | None, found: str | int) -> None:
    if asked is not None and asked != found:
        raise ChipFileError(
            f"chip file {path} holds the chip with {what} {found}, not {asked}; "
            f"ask for {what}={found}, or name another file with state="
        )


def _flush_folder(folder: Path) -> None:
    # The rename is done; where a folder cannot be flushed, the file system decides when it lands.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
