"""The array behind the controller: one chip, one owner at a time, and a watchdog.

Everything electrical happens while the array's lock is held, so connections take turns. Lines stay
driven between commands only for the owner; what grounds them behind its back (the watchdog, or
another connection's `MACRo:SAFE`) is remembered, and reading them is refused until they are set
anew: the owner would take currents of grounded lines for those of its voltages.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rgnn_hal_firmware.chip import Chip
from rgnn_hal_firmware.errors import ChipStorageError
from rgnn_hal_firmware.scpi.errors import ScpiError


class Client(Protocol):
    """What the array knows of a connection."""

    peer: str
    """`host:port`."""
    watchdog: float
    """Seconds of silence after which its lines are grounded; 0: never."""
    heard_at: float
    """When it last sent something, on the monotonic clock."""

    def bitten(self, error: ScpiError) -> None:
        """The watchdog has grounded its lines."""


class SharedArray:
    """One chip for several connections."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._lock = threading.RLock()
        self._owner: Client | None = None
        self._driven = False
        self._lost: ScpiError | None = None
        """Why what was latched is not on the lines any more."""
        self.wake = threading.Event()
        """Set when `watch` is worth calling before the time that it gave."""

    @property
    def owner(self) -> str | None:
        """Who owns the array."""
        owner = self._owner
        return None if owner is None else owner.peer

    def claim(self, client: Client) -> bool:
        """Make `client` the owner, if there is none; whether it is now."""
        with self._lock:
            if self._owner is None:
                self._owner = client
                self._lost = None
            return self._owner is client

    def release(self, client: Client) -> None:
        """End the ownership of `client`, if it has it, and ground the array."""
        with self._lock:
            if self._owner is client:
                self._owner = None
                self._ground()

    @contextmanager
    def owned(self, client: Client, *, driven: bool = False) -> Iterator[Chip]:
        """The chip, for a command of its owner that leaves lines grounded, or `driven`."""
        with self._turn(client):
            yield self._chip
            rises = driven and not self._driven
            self._driven = driven
            self._lost = None
        if rises:
            self.wake.set()

    @contextmanager
    def sensed(self, client: Client) -> Iterator[Chip]:
        """The chip, for a command of its owner that reads what the lines hold."""
        with self._turn(client, reading=True):
            yield self._chip

    def ground(self, client: Client) -> None:
        """Ground every line, whoever asks."""
        with self._lock:
            if self._driven and self._owner is not client:
                self._lost = ScpiError(-221, f"{client.peer} grounded the array; set lines anew")
            elif self._owner is client:
                self._lost = None
            self._ground()

    @property
    def time(self) -> float:
        """The chip's clock, s."""
        with self._lock:
            return self._chip.time

    def watch(self) -> float | None:
        """Ground the lines of an owner that was silent for too long.

        Returns:
            Seconds until that can next be due; None while nothing is driven.
        """
        with self._lock:
            owner = self._owner
            if owner is None or not self._driven or owner.watchdog == 0:
                return None
            left = owner.heard_at + owner.watchdog - time.monotonic()
            if left > 0:
                return left
            self._ground()
            self._lost = ScpiError(101, f"nothing came for {owner.watchdog:g} s; set lines anew")
            owner.bitten(self._lost)
            return None

    def close(self) -> None:
        """Ground every line and let go of the chip, which saves what it keeps in a file.

        Raises:
            ChipStorageError: it could not be saved.
        """
        with self._lock:
            self._owner = None
            self._ground()
            self._chip.close()

    @contextmanager
    def _turn(self, client: Client, *, reading: bool = False) -> Iterator[None]:
        with self._lock:
            if self._owner is not client:
                raise ScpiError(102, f"owner: {self.owner or 'none'}; ask SYSTem:LOCK:REQuest?")
            if reading and self._lost is not None:
                raise ScpiError(self._lost.number, self._lost.detail)
            try:
                yield
            except BaseException as error:
                self._ground()
                if isinstance(error, ChipStorageError):
                    raise ScpiError(104, str(error)) from error
                raise
            finally:
                client.heard_at = time.monotonic()  # a long operation is no silence

    def _ground(self) -> None:
        self._chip.ground()
        self._driven = False
