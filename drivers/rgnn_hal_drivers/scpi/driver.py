"""The driver: each verb of the contract as one exchange, and what becomes of a lost connection."""

from functools import partial
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import (
    HalError,
    LimitError,
    Macro,
    MacroUri,
    PulseKind,
    Region,
    Side,
    TransportError,
)
from rgnn_hal.macro.checks import FloatArray
from rgnn_hal_drivers.scpi import commands
from rgnn_hal_drivers.scpi.answers import Array, Item, Nothing, Text, finite
from rgnn_hal_drivers.scpi.commands import Command, Drive
from rgnn_hal_drivers.scpi.device import Device, arm, claim, greet
from rgnn_hal_drivers.scpi.durations import Durations
from rgnn_hal_drivers.scpi.errors import GROUNDED
from rgnn_hal_drivers.scpi.keep_alive import KeepAlive
from rgnn_hal_drivers.scpi.link import Link
from rgnn_hal_drivers.scpi.options import ScpiOptions, visa_resource
from rgnn_hal_drivers.visa import open_stream

_ROOM_FOR_END = 64
"""Bytes that ask for errors and tag."""

T = TypeVar("T")


class ScpiDriver(Macro):
    """A macro behind a SCPI controller."""

    def __init__(self, link: Link, device: Device, keep_alive: KeepAlive | None) -> None:
        self._link = link
        self._device = device
        self._keep_alive = keep_alive
        self._durations = Durations(device.spec, link.timeout)
        self._grounded = Drive(1, device.spec.region, "rows", np.dtype(np.float64))
        self._latched = self._grounded
        self._abandoned = False
        """The connection is gone, and the array was grounded since."""
        super().__init__(device.spec)

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        """Connect, verify what is there, and take ownership of it.

        Raises:
            ConfigurationError: bad address or option, no pyvisa, or another chip than `identity`.
            TransportError: nothing answers, or no controller of this dialect.
            DeviceError: another connection owns the array.
        """
        options = uri.options(ScpiOptions)
        resource = visa_resource(uri, options)
        connect = partial(open_stream, resource, options.backend, options.timeout_s)
        link = Link(connect, resource, options.timeout_s)
        keep_alive = None
        try:
            device = greet(link, options.identity)
            claim(link, options.lock_wait_s)
            arm(link, options.watchdog_s)
            if options.watchdog_s:
                keep_alive = KeepAlive(link, options.watchdog_s)
            return cls(link, device, keep_alive)
        except BaseException:
            if keep_alive is not None:
                keep_alive.stop()
            link.close()
            raise

    def _pulse(
        self,
        kind: PulseKind,
        mask: NDArray[np.bool_],
        voltage: FloatArray,
        gate_voltage: FloatArray,
        width: float,
        count: int,
        region: Region,
    ) -> None:
        self._latched = self._grounded
        command = commands.pulse(kind, mask, voltage, gate_voltage, width, count, region)
        seconds = self._durations.pulses(mask, width, count, sum(map(len, command)))
        self._ask(command, Nothing(), seconds, f"{kind} pulses")

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        drive = Drive(voltage.shape[0], region, side, voltage.dtype)
        seconds = self._durations.products(drive, 0)
        self._ask(commands.apply(drive, voltage), Nothing(), seconds, "apply")
        self._latched = drive

    def _read(self, samples: int) -> FloatArray:
        drive = self._latched
        seconds = self._durations.products(drive, samples)
        command = commands.text(f"MACR:CURR? {samples}")
        return self._ask(command, self._currents(drive), seconds, "read")

    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        drive = Drive(voltage.shape[0], region, side, voltage.dtype)
        seconds = self._durations.products(drive, samples)
        command = commands.multiply(drive, voltage, samples)
        current = self._ask(command, self._currents(drive), seconds, "multiply")
        self._latched = drive
        return current

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        return self._cells(region, samples, None)

    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        return self._cells(region, samples, mask)

    def _clock(self) -> float:
        # Resynchronising grounds, and so must all else that goes wrong.
        command, timeout = commands.text("MACR:TIME?"), self._link.timeout
        return self._bias(self._ask, command, Text(finite), timeout, "clock")

    def _wait(self, duration: float) -> None:
        self._latched = self._grounded
        command = commands.text(f"MACR:WAIT {duration:.17g}")
        self._ask(command, Nothing(), self._durations.waiting(duration), "wait")

    def _safe(self) -> None:
        self._latched = self._grounded
        for _ in range(2):
            if self._link.lost is not None:
                break
            try:
                _ground(self._link)
                return
            except TransportError:
                if self._link.foreign:
                    raise
                continue  # once more: now it is resynchronised, or lost
        self._ground_anew()

    def _close(self) -> None:
        if self._keep_alive is not None:
            self._keep_alive.stop()
        self._abandoned = True
        try:
            if self._link.lost is None:
                release = commands.text("SYST:LOCK:REL")
                self._link.exchange(release, Nothing(), self._link.timeout, doing="close")
        except HalError:
            pass  # ownership ends with the connection, too
        finally:
            self._link.close()

    def _ask(self, command: Command, item: Item[T], seconds: float, doing: str) -> T:
        length = sum(map(len, command)) + _ROOM_FOR_END
        if length > self._device.max_message_bytes:
            raise LimitError(
                f"{doing} makes a message of {length} bytes, the device takes "
                f"{self._device.max_message_bytes}; split it"
            )
        try:
            return self._link.exchange(command, item, seconds, doing=doing)
        except TransportError as error:
            if self._link.lost is not None:
                self._close_for(error)
            raise

    def _close_for(self, error: TransportError) -> None:
        try:
            self.close()
        except HalError as failure:
            error.add_note(str(failure))

    def _ground_anew(self) -> None:
        """Ground the array through another connection; any may."""
        if self._abandoned:
            return
        self._link.close()
        try:
            link = self._link.anew()
            try:
                _ground(link)
            finally:
                link.close()
            self._abandoned = True
        except HalError as error:
            raise TransportError(
                "the connection is lost, and nobody confirms that the array is grounded "
                f"({error}); the device grounds it when it notices, at the latest by its watchdog"
            ) from error

    def _cells(
        self, region: Region, samples: int, mask: NDArray[np.bool_] | None
    ) -> NDArray[np.float64]:
        self._latched = self._grounded
        most = self._largest_current / self.spec.read_voltage.high
        item = Array(region.shape, np.dtype(np.float64), most, mask)
        seconds = self._durations.cells(region, samples)
        return self._ask(
            commands.conductance(region, samples, mask), item, seconds, "read_conductance"
        )

    def _currents(self, drive: Drive) -> Array:
        return Array(drive.shape, drive.dtype, self._largest_current)

    @property
    def _largest_current(self) -> float:
        """Beyond which a number is no current: twice what converters can tell, A."""
        return 2 * max(abs(self.spec.current.low), abs(self.spec.current.high))


def _ground(link: Link) -> None:
    """Ground the array; that it was grounded before is no error."""
    command = commands.text("MACR:SAFE")
    link.exchange(command, Nothing(), link.timeout, doing="safe", forgiven=GROUNDED)
