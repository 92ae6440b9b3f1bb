"""What one macro is: geometry, limits of every operation, converters, capabilities.

A `MacroSpec` is complete and frozen: whatever a caller may rely on stands in it, and the base class
checks every call against it before a driver sees the call. A capability that is not declared is a
typed error, never a silent fallback.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, model_validator

from rgnn_hal.macro.region import Region

Side = Literal["rows", "cols"]
"""Where voltages enter: on the rows (currents on columns) or, transposed, on the columns."""


class PulseKind(StrEnum):
    """FORM breaks a pristine cell down, SET raises its conductance, RESET lowers it."""

    FORM = "form"
    SET = "set"
    RESET = "reset"


class Capability(StrEnum):
    """What not every macro can do.

    CLOSED_LOOP_PROGRAM: `program` is done by the hardware itself.
    TRANSPOSE: columns can be driven and rows sensed (`side="cols"`).
    VIRTUAL_CLOCK: `wait` returns at once and `clock` counts simulated seconds.
    PERSISTENT: conductances outlive the session, as in silicon.
    """

    CLOSED_LOOP_PROGRAM = "closed-loop-program"
    TRANSPOSE = "transpose"
    VIRTUAL_CLOCK = "virtual-clock"
    PERSISTENT = "persistent"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Range(_Frozen):
    """A closed interval `low <= x <= high` in the unit of the field that holds it."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"range from {self.low} to {self.high} is empty")
        return self

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def nearest(self, value: float) -> float:
        """The value of the range that is nearest to `value`."""
        return min(max(value, self.low), self.high)


class PulseLimits(_Frozen):
    """The envelope of one kind of pulse."""

    voltage: Range
    """Amplitude across cell and transistor, V; positive for every kind, polarity is the kind's."""
    gate_voltage: Range
    """Gate (word line) amplitude, V; it sets the compliance current of FORM and SET."""
    width: Range
    """Pulse width, s."""
    max_count: PositiveInt
    """Most pulses of one call to one cell."""

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.voltage.low < 0 or self.width.low <= 0:
            raise ValueError(
                "pulse amplitudes must be >= 0 V (polarity is the kind's), widths > 0 s"
            )
        return self


class MacroSpec(_Frozen):
    """Everything that a caller may rely on."""

    identity: str
    """Which individual chip this is: equal only for the same chip."""
    rows: PositiveInt
    cols: PositiveInt
    conductance: Range
    """Window that cells can be programmed into, S."""
    read_voltage: Range
    """Voltages that `apply` and `multiply` accept, V. Signed inputs need `low < 0`."""
    pulses: Mapping[PulseKind, PulseLimits]
    """The kinds of pulse that exist, each with its envelope."""
    current: Range
    """Full scale of a column converter, A; a current at an end of it may be saturated."""
    dac_bits: Annotated[int, Field(ge=1, le=32)] | None
    """Resolution of `read_voltage`; None: continuous."""
    adc_bits: Annotated[int, Field(ge=1, le=32)] | None
    """Resolution of `current`; None: continuous."""
    read_noise: NonNegativeFloat
    """Largest rms white noise of one cell in one read, S."""
    max_batch: PositiveInt
    """Most vectors in one `apply` or `multiply`."""
    max_samples: PositiveInt
    """Most samples that one read averages."""
    read_time: NonNegativeFloat
    """Time of one sample of one vector on all columns, s."""
    capabilities: frozenset[Capability]

    @model_validator(mode="after")
    def _physical(self) -> Self:
        if self.conductance.low < 0:
            raise ValueError("conductance window starts below 0 S")
        if not self.read_voltage.low <= 0 < self.read_voltage.high:
            raise ValueError("read voltages need 0 V, for lines at rest, and something above it")
        return self

    @property
    def current_step(self) -> float:
        """One code of a column converter, A; 0 for a continuous one."""
        return (self.current.high - self.current.low) / 2**self.adc_bits if self.adc_bits else 0.0

    @property
    def region(self) -> Region:
        """All cells."""
        return _whole(self.rows, self.cols)


@lru_cache(maxsize=64)
def _whole(rows: int, cols: int) -> Region:
    # Verbs ask for it every time, and a region checks its bounds when it is made.
    return Region(0, rows, 0, cols)
