"""The tables of `bench.toml`, each by itself; `config` says what must hold between them."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from rgnn_hal.macro import PulseLimits, Range

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^[\x20-\x7e]+$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]
"""Of an instrument: it stands in scripts and in wiring."""
Role = Literal["drive", "sense", "gate"]
_BUFFER = 50_000
"""Readings; the instruments' hold some more."""


class Table(BaseModel):
    """What all tables share: unknown keys are errors, and nothing changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ArrayConfig(Table):
    """What the array is."""

    identity: Text
    rows: PositiveInt
    cols: PositiveInt
    conductance: tuple[NonNegativeFloat, PositiveFloat]
    """Window that cells can be programmed into, S."""
    read_voltage: PositiveFloat = 0.2
    """Reads use -read_voltage ... read_voltage, V."""
    read_noise: NonNegativeFloat
    """Largest rms white noise of one cell in one read, S; the ammeter's is added to it."""
    max_batch: PositiveInt = 64
    max_samples: Annotated[int, Field(ge=1, le=1000)] = 64

    @model_validator(mode="after")
    def _fits_a_buffer(self) -> Self:
        if self.max_batch * self.max_samples > _BUFFER:
            raise ValueError(
                f"max_batch * max_samples is {self.max_batch * self.max_samples}; a reading buffer "
                f"takes {_BUFFER}, and a cell is read in one go"
            )
        return self


class InstrumentConfig(Table):
    """One instrument."""

    model: Text
    serial: Text
    resource: Text | None = None
    """VISA resource string."""
    backend: Text = "@py"
    """Of pyvisa: `@py`, `@ivi`, or a path."""
    node: Annotated[int, Field(ge=1, le=64)] | None = None
    """Number on the TSP-Link."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if (self.resource is None) == (self.node is None):
            raise ValueError("give either resource (an address of its own) or node (TSP-Link)")
        return self


class ChannelConfig(Table):
    """One source-measure channel in a role."""

    instrument: Text
    channel: Literal["smua", "smub"]
    matrix_row: Annotated[str, StringConstraints(pattern="^[A-H]$")]
    current_limit: PositiveFloat
    """Compliance, A."""


class WiringConfig(Table):
    """Matrix columns of the array's lines, first line first; `wiring` reads them."""

    rows: tuple[str, ...]
    cols: tuple[str, ...]
    gates: tuple[str, ...]
    """One per row: gate lines run along the rows."""


class MeasureConfig(Table):
    """How currents are measured."""

    range: PositiveFloat
    """Full scale of the ammeter, A."""
    nplc: PositiveFloat = 0.1
    """Integration time, power line cycles."""
    settle: Annotated[float, Field(ge=0, le=1)] = 1e-3
    """From switching a source on to the first reading, s."""
    gate_voltage: PositiveFloat = 1.1
    """That opens a row for reading, V."""
    line_frequency: Literal[50, 60] = 50
    """Hz."""

    @property
    def aperture(self) -> float:
        """Integration time, s."""
        return self.nplc / self.line_frequency


class PulseConfig(Table):
    """The envelope of one kind of pulse: lowest and highest."""

    voltage: tuple[float, float]
    """Over cell and transistor, V."""
    gate_voltage: tuple[float, float]
    """V."""
    width: tuple[float, float]
    """s."""
    max_count: PositiveInt = 100

    @property
    def limits(self) -> PulseLimits:
        """The same as a part of a spec."""
        return PulseLimits(
            voltage=Range(low=self.voltage[0], high=self.voltage[1]),
            gate_voltage=Range(low=self.gate_voltage[0], high=self.gate_voltage[1]),
            width=Range(low=self.width[0], high=self.width[1]),
            max_count=self.max_count,
        )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _ = self.limits
        return self
