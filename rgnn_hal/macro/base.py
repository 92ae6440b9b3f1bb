"""The macro contract: program conductances, apply voltages, read currents.

A macro is a crossbar of `rows x cols` one-transistor-one-resistor cells. Voltages enter on rows,
currents leave on columns: `current[b, c] = sum_r conductance[r, c] * voltage[b, r]`. Where the
macro declares `TRANSPOSE`, `side="cols"` swaps the two.

What every caller may rely on
-----------------------------
*Units* are SI: volts, siemens, amperes, seconds. Arrays are NumPy. Currents have the dtype of the
voltages (float32 or float64), conductances are float64. What a verb returns belongs to the caller
and never changes afterwards; what a verb was given is copied before the verb returns.

*Effect.* When a verb returns, its effect is complete: pulses have ended, cells are where the pulses
left them, voltages are latched. Nothing is buffered. What cells do afterwards by themselves (relax,
drift, fluctuate) and what half-selection does to neighbours is the chip's physics, not the verb's.

*Lines.* `apply` and `multiply` leave their voltages latched, so `multiply(v)` equals `apply(v)`
then `read()`. After opening, and after `safe`, `wait`, `program`, `pulse` or `read_conductance`,
all lines are grounded, and `read` senses one float64 vector of zero volts on every row: the
converters' offsets.

*Refusals.* A verb raises `LimitError` for an argument outside the spec (shape, type, NaN, a region
beyond the macro, any limit), `NotSupportedError` for what the spec does not declare, `ClosedError`
after `close`. Then nothing electrical has happened: no cell, latch, clock or random stream has
moved. Limits are compared in the precision of the array: float32(0.2) meets a limit of 0.2 V.

*Failures.* A `DeviceError` leaves whatever the hardware reports. After a `TransportError` it is
unknown whether the verb took effect. Any exception inside a verb that biases cells, Ctrl-C
included, grounds the array before it leaves the verb.

*Randomness* belongs to the chip: on emulated chips the same chip and the same sequence of calls
give the same results, and a batch split over several calls gives those of the whole batch.

*Threads* may share a macro: each verb holds the macro's lock, so `safe` waits for a verb that runs
in another thread. A sequence of verbs is atomic only while the caller holds `macro.lock`.

*Processes* may not share a macro. A driver of real or persistent hardware takes exclusive ownership
when it opens, and a second opener gets a `DeviceError` that names the owner. A forked child must
leave its parent's macros alone; it does not close them when it ends.

*Closing* grounds the array first; `close` is idempotent and is called on leaving a `with` block,
when the last reference goes and at interpreter exit. Every verb but `safe`, `close` and the
properties then raises `ClosedError`.

*Signals.* Ctrl-C is an exception and grounds the array. SIGTERM and SIGHUP end Python at once, as
SIGKILL and a power cut do: then only the device can ground itself, when it notices that the
connection ended or by its watchdog. The command line makes clean exits of them (codes 143 and 129);
a program of one's own does so in its main thread, before it opens a macro:
`signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))`.

For driver authors
------------------
Implement `open` and the underscored verbs. They receive checked, private, C-contiguous copies,
hold the lock already, and need no checks of their own; do not validate again and never clip. A verb
that ends with all lines grounded does that itself. Set the spec through `super().__init__(spec)`
last, when the hardware is ready.
"""

import time
from abc import abstractmethod
from collections.abc import Callable
from typing import ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import checks
from rgnn_hal.macro.checks import FloatArray
from rgnn_hal.macro.errors import ClosedError, NotSupportedError
from rgnn_hal.macro.opened import Opened
from rgnn_hal.macro.region import Region
from rgnn_hal.macro.spec import Capability, MacroSpec, PulseKind, Side
from rgnn_hal.macro.uri import MacroUri

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Macro(Opened):
    """One crossbar, opened. See the module docstring for what holds for every verb."""

    def __init__(self, spec: MacroSpec) -> None:
        self._spec = spec
        super().__init__()

    @classmethod
    @abstractmethod
    def open(cls, uri: MacroUri) -> Self:
        """Open the hardware at `uri`; its identity and limits are verified on the way."""

    @property
    def spec(self) -> MacroSpec:
        """What this macro is and allows; constant while it is open."""
        return self._spec

    def program(self, conductance: ArrayLike, region: Region | None = None) -> None:
        """Write `conductance` (region's rows, columns), S, within `spec.conductance`.

        The closed loop is the hardware's own, `CLOSED_LOOP_PROGRAM`; without it, use
        `rgnn_hal.programming.write_verify`.
        """
        self._check_open()
        if Capability.CLOSED_LOOP_PROGRAM not in self._spec.capabilities:
            raise NotSupportedError(
                "this macro has no closed-loop programming; use rgnn_hal.programming.write_verify"
            )
        region = checks.check_region(self._spec, region)
        target = checks.check_conductance(self._spec, conductance, region)
        self._bias(self._program, target, region)

    def pulse(
        self,
        kind: PulseKind,
        mask: ArrayLike,
        *,
        voltage: ArrayLike,
        gate_voltage: ArrayLike,
        width: float,
        count: int = 1,
        region: Region | None = None,
    ) -> None:
        """Give every cell of `region` where `mask` is set `count` pulses of one kind.

        Args:
            kind: FORM, SET or RESET; it fixes the polarity.
            mask: bool, the region's shape; cells outside of it are not addressed, and amplitudes
                there may be anything, NaN too.
            voltage: amplitude over cell and transistor, V, positive; a number or one per cell.
            gate_voltage: gate amplitude, V; likewise.
            width: of each pulse, s.
            count: pulses per cell.
            region: cells that the arrays stand for; the whole macro by default.

        The envelope is `spec.pulses[kind]`; a kind that is not in it is not supported.
        """
        self._check_open()
        region = checks.check_region(self._spec, region)
        cells = checks.check_mask(mask, region)
        amplitude, gate = checks.check_pulse(
            self._spec, kind, cells, voltage, gate_voltage, width, count
        )
        self._bias(
            self._pulse, PulseKind(kind), cells, amplitude, gate, float(width), int(count), region
        )

    def apply(
        self, voltage: ArrayLike, *, side: Side = "rows", region: Region | None = None
    ) -> None:
        """Latch read voltages (batch, driven lines of `region`), V, within `spec.read_voltage`.

        Other lines stay grounded; only the sensed lines of `region` are converted by `read`.
        """
        self._check_open()
        latched, region = checks.check_drive(self._spec, voltage, side, region)
        self._bias(self._apply, latched, side, region)

    def read(self, samples: int = 1) -> FloatArray:
        """Sense what is applied: (batch, sensed lines), A, each the mean of `samples` samples."""
        self._check_open()
        checks.check_count("samples", samples, self._spec.max_samples)
        return self._bias(self._read, int(samples))

    def multiply(
        self,
        voltage: ArrayLike,
        *,
        side: Side = "rows",
        region: Region | None = None,
        samples: int = 1,
    ) -> FloatArray:
        """`apply` and `read` in one transaction: (batch, sensed lines), A."""
        self._check_open()
        checks.check_count("samples", samples, self._spec.max_samples)
        latched, region = checks.check_drive(self._spec, voltage, side, region)
        return self._bias(self._multiply, latched, side, region, int(samples))

    def read_conductance(
        self,
        region: Region | None = None,
        samples: int = 1,
        *,
        mask: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """Read cell by cell: (region's rows, columns), S, each the mean of `samples` reads.

        Args:
            region: cells; the whole macro by default.
            samples: reads of each cell.
            mask: bool, the region's shape: the cells that are asked for; the others come as NaN.
                Hardware that can leaves them out, which takes less time and disturbs less, and on
                emulated chips uses up none of their random numbers; other hardware reads them too.
        """
        self._check_open()
        region = checks.check_region(self._spec, region)
        checks.check_count("samples", samples, self._spec.max_samples)
        if mask is None:
            return self._bias(self._read_conductance, region, int(samples))
        cells = checks.check_mask(mask, region)
        return self._bias(self._read_cells, cells, region, int(samples))

    def clock(self) -> float:
        """Seconds on the chip's own clock, real or virtual; only differences mean anything."""
        with self.lock:
            self._check_open()
            return self._clock()

    def wait(self, duration: float) -> None:
        """Let `duration` seconds pass on the chip, grounded; a virtual clock jumps."""
        self._check_open()
        duration = checks.check_duration(duration)
        self._bias(self._rest, duration)

    # What a driver implements, besides `_safe` and `_close`.

    @abstractmethod
    def _pulse(
        self,
        kind: PulseKind,
        mask: NDArray[np.bool_],
        voltage: FloatArray,
        gate_voltage: FloatArray,
        width: float,
        count: int,
        region: Region,
    ) -> None: ...

    @abstractmethod
    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None: ...

    @abstractmethod
    def _read(self, samples: int) -> FloatArray: ...

    @abstractmethod
    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]: ...

    # What a driver overrides where its hardware can do better.

    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        self._apply(voltage, side, region)
        return self._read(samples)

    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        return np.where(mask, self._read_conductance(region, samples), np.nan)

    def _program(self, conductance: FloatArray, region: Region) -> None:
        raise NotImplementedError("declare CLOSED_LOOP_PROGRAM only together with _program")

    def _clock(self) -> float:
        return time.monotonic()

    def _wait(self, duration: float) -> None:
        time.sleep(duration)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"macro {self._spec.identity} is closed; open it again")

    def _rest(self, duration: float) -> None:
        self._safe()
        self._wait(duration)

    def _bias(self, verb: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Do `verb` alone with the hardware, and ground the array if it fails."""
        # No context manager: in Python that takes up to a tenth of the time of one vector.
        with self.lock:
            self._check_open()
            try:
                return verb(*args, **kwargs)
            except BaseException as error:
                try:
                    self._safe()
                except Exception as failure:
                    error.add_note(f"and grounding the array failed: {failure}")
                raise
