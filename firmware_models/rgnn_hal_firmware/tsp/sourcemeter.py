"""The Keithley 2600B as far as a bench of cells needs it: two channels that source volts.

The sign of a current is the instrument's: positive *out of* its HI terminal. A channel that grounds
a line therefore reads what flows into it as negative. In compliance the source falls back until its
limit flows; reading and status say so (condition bit 1, buffer status bit 6). An output that is
off holds its terminal at zero volts (`OUTPUT_NORMAL`).
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.tsp.buffer import CAPACITY, ReadingBuffer
from rgnn_hal_firmware.tsp.datasheet import (
    LINE_FREQUENCY,
    MAX_CURRENT,
    MAX_NPLC,
    MAX_VOLTAGE,
    MIN_NPLC,
    Ammeter,
    CurrentRange,
    range_for,
)
from rgnn_hal_firmware.tsp.errors import ILLEGAL_VALUE, Complaint
from rgnn_hal_firmware.tsp.tables import Attribute, Commands, Value, arguments, number, whole

CURRENT_LIMITED = 2
"""Bit 1 of status.measurement.instrument.smuX.condition: ILMT."""
OVERFLOW = 128
"""Bit 7: ROF."""
BUFFER_COMPLIANCE = 64
"""Bit 6 of a buffer's statuses: the source was in compliance."""
OVERFLOW_READING = 9.91e37

_MOST_READINGS = 1000
"""Of one measure.count or pulse train: the simulator's own bound."""


class World(Protocol):
    """What the terminals of a channel are connected to."""

    def currents(self, channel: "Channel", count: int) -> NDArray[np.float64]:
        """What flows out of a channel, `count` times in a row, A."""

    def dwell(self, seconds: float) -> None:
        """Everything stays as it is for a while."""


@dataclass
class Channel:
    """One source-measure channel."""

    name: str
    world: World
    ammeter: Ammeter
    output: bool = False
    level: float = 0.0
    limit: float = 0.1
    range: CurrentRange = field(default_factory=lambda: range_for(0.1))
    autorange: bool = True
    nplc: float = 1.0
    count: int = 1
    condition: int = 0
    func: int = 1
    buffers: tuple[ReadingBuffer, ReadingBuffer] = field(
        default_factory=lambda: (ReadingBuffer(), ReadingBuffer())
    )

    @property
    def voltage(self) -> float:
        """At the terminal while nothing limits it, V."""
        return self.level if self.output else 0.0

    @property
    def aperture(self) -> float:
        """Integration time of one reading, s."""
        return self.nplc / LINE_FREQUENCY

    def reset(self) -> None:
        """Back to how the instrument wakes up."""
        self.output, self.level, self.limit, self.func = False, 0.0, 0.1, 1
        self.range, self.autorange = range_for(0.1), True
        self.nplc, self.count, self.condition = 1.0, 1, 0
        for buffer in self.buffers:
            buffer.reset()

    def measure(self, buffer: ReadingBuffer | None) -> tuple[Value, ...]:
        """Take `count` readings of the current; the last one."""
        if buffer is not None and not buffer.append:
            buffer.clear()
        self.world.dwell(self.count * self.aperture)
        return (self._readings(buffer, self.count),)

    def pulse(self, bias: float, level: float, on: float, off: float, points: int) -> None:
        """PulseVMeasureI: `points` pulses, each measured at its end; readings in nvbuffer1."""
        buffer = self.buffers[0]
        buffer.clear()
        self.level = bias
        self.world.dwell(on)
        for _ in range(points):
            self.level = level
            self.world.dwell(on + self.aperture)
            self._readings(buffer, 1)
            self.level = bias
            self.world.dwell(off)

    def commands(self) -> Commands:
        """The table `smua` or `smub`."""
        return Commands(
            {
                "source": Commands(
                    {
                        "func": Attribute(lambda: float(self.func), self._set_func),
                        "output": Attribute(lambda: float(self.output), self._set_output),
                        "levelv": Attribute(lambda: self.level, self._set_level),
                        "limiti": Attribute(lambda: self.limit, self._set_limit),
                        "rangev": Attribute(lambda: MAX_VOLTAGE, self._set_source_range),
                        "compliance": Attribute(lambda: bool(self.condition & CURRENT_LIMITED)),
                    }
                ),
                "measure": Commands(
                    {
                        "i": self._measure,
                        "rangei": Attribute(lambda: self.range.full_scale, self._set_range),
                        "autorangei": Attribute(lambda: float(self.autorange), self._set_autorange),
                        "nplc": Attribute(lambda: self.nplc, self._set_nplc),
                        "count": Attribute(lambda: float(self.count), self._set_count),
                    }
                ),
                "nvbuffer1": self.buffers[0],
                "nvbuffer2": self.buffers[1],
                "reset": self._reset,
                "OUTPUT_OFF": 0.0,
                "OUTPUT_ON": 1.0,
                "OUTPUT_DCVOLTS": 1.0,
                "AUTORANGE_OFF": 0.0,
                "AUTORANGE_ON": 1.0,
            }
        )

    def _readings(self, buffer: ReadingBuffer | None, count: int) -> float:
        """Take readings into a buffer; the last one."""
        flowing = self.world.currents(self, count)
        limited = np.abs(flowing) > self.limit
        current = np.clip(flowing, -self.limit, self.limit)
        used = range_for(float(np.abs(current).max())) if self.autorange else self.range
        over = np.abs(current) > 1.01 * used.full_scale
        reading = self.ammeter.read(current, used, self.nplc)
        reading[over] = OVERFLOW_READING
        self.condition = CURRENT_LIMITED * bool(limited[-1]) | OVERFLOW * bool(over[-1])
        if buffer is not None:
            buffer.add(reading.tolist(), (BUFFER_COMPLIANCE * limited.astype(float)).tolist())
        return float(reading[-1])

    def _measure(self, *given: Value) -> tuple[Value, ...]:
        buffer = given[0] if given else None
        if buffer is not None and not isinstance(buffer, ReadingBuffer):
            raise Complaint(ILLEGAL_VALUE, "Illegal parameter value: that is no reading buffer")
        return self.measure(buffer)

    def _reset(self, *_: Value) -> tuple[Value, ...]:
        self.reset()
        return ()

    def _set_func(self, value: Value) -> None:
        if whole(value, 0, 1, "source.func") != 1:
            raise Complaint(ILLEGAL_VALUE, "this simulator sources volts only")

    def _set_output(self, value: Value) -> None:
        self.output = whole(value, 0, 1, "source.output") == 1

    def _set_level(self, value: Value) -> None:
        self.level = number(value, -MAX_VOLTAGE, MAX_VOLTAGE, "source.levelv")

    def _set_limit(self, value: Value) -> None:
        self.limit = number(value, 10e-9, MAX_CURRENT, "source.limiti")

    def _set_source_range(self, value: Value) -> None:
        number(value, 0.0, MAX_VOLTAGE, "source.rangev")

    def _set_range(self, value: Value) -> None:
        self.range = range_for(number(value, 0.0, MAX_CURRENT, "measure.rangei"))
        self.autorange = False

    def _set_autorange(self, value: Value) -> None:
        self.autorange = whole(value, 0, 1, "measure.autorangei") == 1

    def _set_nplc(self, value: Value) -> None:
        self.nplc = number(value, MIN_NPLC, MAX_NPLC, "measure.nplc")

    def _set_count(self, value: Value) -> None:
        self.count = whole(value, 1, _MOST_READINGS, "measure.count")


@dataclass(frozen=True)
class PulseFunction:
    """`PulseVMeasureI(smu, bias, level, ton, toff, points)`."""

    channels: dict[int, Channel]

    def __call__(self, *given: Value) -> tuple[Value, ...]:
        """Give a train of pulses."""
        smu, bias, level, on, off, points = arguments(given, "smu bias level ton toff points")
        channel = self.channels.get(id(smu))
        if channel is None:
            raise Complaint(ILLEGAL_VALUE, "Illegal parameter value: smu is no local channel")
        channel.pulse(
            number(bias, -MAX_VOLTAGE, MAX_VOLTAGE, "bias"),
            number(level, -MAX_VOLTAGE, MAX_VOLTAGE, "level"),
            number(on, 0.0, 10.0, "ton"),
            number(off, 0.0, 10.0, "toff"),
            whole(points, 1, min(_MOST_READINGS, CAPACITY), "points"),
        )
        return ()
