"""`bench.toml`: which instruments, wired to what, within which limits.

    [macro]               what the array is: identity, geometry, window, read voltage and noise
    [instruments.NAME]    model, serial and either `resource` (a VISA string) or `node` (its number
                          on the TSP-Link of the instrument that measures)
    [channels.ROLE]       drive, sense and gate: instrument, channel, matrix row, current limit
    [wiring]              matrix columns of the array's row, column and gate lines (`wiring`)
    [measure]             ammeter range, integration, settling time, gate voltage
    [pulses.KIND]         envelope of form, set and reset; a kind that is missing does not exist

Limits may be tighter than the instruments', never wider. Everything is checked before an instrument
is spoken to, and an unknown key is an error.
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import ValidationError, model_validator

from rgnn_hal.macro import ConfigurationError, PulseKind
from rgnn_hal_drivers.smu_matrix.models import MATRIX_MODELS, SMU_MODELS, SmuModel
from rgnn_hal_drivers.smu_matrix.tables import (
    ArrayConfig,
    ChannelConfig,
    InstrumentConfig,
    MeasureConfig,
    Name,
    PulseConfig,
    Role,
    Table,
    WiringConfig,
)
from rgnn_hal_drivers.smu_matrix.wiring import Wiring


class BenchConfig(Table):
    """The whole file."""

    macro: ArrayConfig
    instruments: Mapping[Name, InstrumentConfig]
    channels: Mapping[Role, ChannelConfig]
    wiring: WiringConfig
    measure: MeasureConfig
    pulses: Mapping[PulseKind, PulseConfig]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a file.

        Raises:
            ConfigurationError: it is missing, no TOML, or does not fit; names every complaint.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read bench file {path}: {error}") from error
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"bench file {path} is not TOML: {error}") from error
        except ValidationError as error:
            complaints = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'bench'}: {item['msg']}"
                for item in error.errors(include_url=False, include_context=False)
            )
            raise ConfigurationError(f"bench file {path} does not fit: {complaints}") from error

    @property
    def meter(self) -> SmuModel:
        """The model of the instrument that drives and senses."""
        return SMU_MODELS[self.instruments[self.channels["drive"].instrument].model]

    @property
    def matrices(self) -> tuple[str, ...]:
        """Names of the switching matrices; their rows are joined."""
        return tuple(name for name, one in self.instruments.items() if one.model in MATRIX_MODELS)

    @cached_property
    def wired(self) -> Wiring:
        """Columns of the array's lines."""
        return Wiring.of(self.wiring, self.matrices)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for complain in (self._check_instruments, self._check_channels, self._check_wiring):
            complain()
        self._check_limits()
        return self

    def _check_instruments(self) -> None:
        known = (*SMU_MODELS, *MATRIX_MODELS)
        for name, one in self.instruments.items():
            if one.model not in known:
                raise ValueError(f"{name}: unknown model {one.model!r}; known: {', '.join(known)}")
        if not self.matrices:
            raise ValueError("no switching matrix; this driver needs at least one")
        for what in ("serial", "resource", "node"):
            values = [getattr(one, what) for one in self.instruments.values()]
            _unique(f"instruments' {what}", (value for value in values if value is not None))

    def _check_channels(self) -> None:
        missing = {"drive", "sense", "gate"} - set(self.channels)
        if missing:
            raise ValueError(f"channels: {', '.join(sorted(missing))} missing")
        for role, one in self.channels.items():
            instrument = self.instruments.get(one.instrument)
            if instrument is None or instrument.model not in SMU_MODELS:
                raise ValueError(f"channels.{role}: {one.instrument!r} is no source-measure unit")
            model = SMU_MODELS[instrument.model]
            if one.channel not in model.channels:
                raise ValueError(f"channels.{role}: a {model.name} has no {one.channel}")
            if one.current_limit > model.max_current:
                raise ValueError(
                    f"channels.{role}: current limit {one.current_limit:g} A is above the "
                    f"{model.max_current:g} A of a {model.name}"
                )
        _unique("channels", (f"{one.instrument}.{one.channel}" for one in self.channels.values()))
        _unique("matrix rows", (one.matrix_row for one in self.channels.values()))
        drive, sense = self.channels["drive"].instrument, self.channels["sense"].instrument
        if drive != sense or self.instruments[drive].resource is None:
            raise ValueError(
                "drive and sense must be the channels of one instrument with a resource: its "
                "scripts pulse and measure with both"
            )
        self._check_link(drive)

    def _check_link(self, master: str) -> None:
        linked = [name for name, one in self.instruments.items() if one.node is not None]
        for name in (master, *linked) if linked else ():
            model = SMU_MODELS.get(self.instruments[name].model)
            if model is not None and not model.tsp_link:
                raise ValueError(
                    f"{name}: a {model.name} has no TSP-Link; give every instrument a resource"
                )

    def _check_wiring(self) -> None:
        wired, macro = self.wired, self.macro
        for name, columns, lines in (
            ("rows", wired.rows, macro.rows),
            ("cols", wired.cols, macro.cols),
            ("gates", wired.gates, macro.rows),
        ):
            if len(columns) != lines:
                raise ValueError(
                    f"wiring.{name}: {len(columns)} matrix columns for {lines} lines; a line has "
                    "one column, of one mainframe"
                )
        _unique("matrix columns", wired.columns)

    def _check_limits(self) -> None:
        model, measure, macro = self.meter, self.measure, self.macro
        if measure.range not in model.ranges:
            shown = ", ".join(f"{one:g}" for one in model.ranges)
            raise ValueError(f"measure.range: {measure.range:g} A is none of {shown}")
        _within("measure.nplc", measure.nplc, *model.nplc)
        strongest = macro.conductance[1] * macro.read_voltage
        if strongest > measure.range * (1 + 1e-9):
            raise ValueError(
                f"measure.range: a cell of {macro.conductance[1]:g} S draws {strongest:g} A at "
                f"{macro.read_voltage:g} V, more than {measure.range:g} A"
            )
        if self.channels["sense"].current_limit < measure.range:
            raise ValueError("channels.sense: current limit below measure.range")
        if self.channels["drive"].current_limit < 1.05 * measure.range:
            raise ValueError(
                "channels.drive: current limit below 1.05 measure.range; the ammeter must overflow "
                "before the source limits, for it is the ammeter whose status is read"
            )
        gate_model = SMU_MODELS[self.instruments[self.channels["gate"].instrument].model]
        _within("measure.gate_voltage", measure.gate_voltage, 0.0, gate_model.max_voltage)
        _within("macro.read_voltage", macro.read_voltage, 0.0, model.max_voltage)
        for kind, pulse in self.pulses.items():
            for what, values, low, high in (
                ("voltage", pulse.voltage, 0.0, model.max_voltage),
                ("gate_voltage", pulse.gate_voltage, 0.0, gate_model.max_voltage),
                ("width", pulse.width, model.min_pulse_width, 10.0),
                ("max_count", (pulse.max_count,), 1, 1000),
            ):
                for value in values:
                    _within(f"pulses.{kind}.{what}", value, low, high)


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what}: {value:g} is outside the instruments' {low:g} ... {high:g}")


def _unique(what: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what}: {value} is used twice")
        seen.add(value)
