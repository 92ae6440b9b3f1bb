"""The macro behind `smu-matrix://`; what it promises stands in the package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from rgnn_hal.macro import (
    ConfigurationError,
    DeviceError,
    Macro,
    MacroUri,
    PulseKind,
    Region,
    Side,
    TransportError,
)
from rgnn_hal_drivers.smu_matrix.config import BenchConfig
from rgnn_hal_drivers.smu_matrix.instruments import Instruments, Step
from rgnn_hal_drivers.smu_matrix.measurement import SCRIPT_SECONDS, Meter, Spot
from rgnn_hal_drivers.smu_matrix.programs import Cell, Programs
from rgnn_hal_drivers.smu_matrix.spec import make_spec

FloatArray = NDArray[np.floating[Any]]
Values = NDArray[np.float64]

_CONDITIONS = 0x03 | 0x80
"""Voltage limit, current limit and overflow in the condition register."""


class SmuMatrixOptions(BaseModel):
    """Query keys of `smu-matrix://`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: Annotated[str, Field(min_length=1)]
    """Path of the bench file."""


class SmuMatrixDriver(Macro):
    """Cells behind a relay matrix as a macro."""

    def __init__(self, config: BenchConfig, instruments: Instruments) -> None:
        self._instruments = instruments
        self._programs = Programs(config)
        self._meter = Meter(instruments, self._programs)
        self._latched: tuple[FloatArray, Side, Region]
        self._forget_voltages(config.macro.rows, config.macro.cols)
        super().__init__(make_spec(config))

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        """Take the bench of a file: own, identify, reset and configure its instruments.

        Raises:
            ConfigurationError: the file does not fit, or an instrument is not the one it names.
            DeviceError: an instrument is in use, or reports an error.
            TransportError: an instrument does not answer.
        """
        if uri.address:
            raise ConfigurationError(
                f"smu-matrix:// takes no address, got {uri.address!r}; "
                "write smu-matrix://?config=bench.toml"
            )
        config = BenchConfig.load(Path(uri.options(SmuMatrixOptions).config))
        instruments = Instruments.open(config)
        try:
            instruments.run(Programs(config).configure(), 1.0)
            return cls(config, instruments)
        except BaseException:
            instruments.close()
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
        self._ground()
        seconds = self._programs.pulse_seconds(width, count)
        most = max(1, int(SCRIPT_SECONDS / seconds))
        places = _places(mask)
        for start in range(0, len(places), most):
            steps: list[Step] = []
            cells = []
            for place in places[start : start + most]:
                cells.append(_cell(place, region))
                level, gate = float(voltage[place]), float(gate_voltage[place])
                steps += self._programs.pulse(cells[-1], kind, level, gate, width, count)
            printed = self._instruments.run(steps, seconds * len(cells))
            _require_no_compliance(cells, printed, kind)

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self._instruments.check()
        self._latched = voltage, side, region

    def _read(self, samples: int) -> FloatArray:
        voltage, side, region = self._latched
        driven, sensed = region.shape if side == "rows" else region.shape[::-1]
        exact = voltage.astype(np.float64)
        spots = []
        for line in range(driven):
            levels = tuple(exact[exact[:, line] != 0, line].tolist())
            for other in range(sensed if levels else 0):
                place = (line, other) if side == "rows" else (other, line)
                spots.append(Spot(_cell(place, region), levels))
        measured = self._meter.measure(spots, side, samples)
        currents = np.zeros((voltage.shape[0], sensed))
        start = 0
        for line in range(driven):
            vectors = np.flatnonzero(exact[:, line])
            stop = start + sensed * vectors.size
            currents[vectors] += measured[start:stop].reshape(sensed, vectors.size).T
            start = stop
        return currents.astype(voltage.dtype)

    def _read_conductance(self, region: Region, samples: int) -> Values:
        return self._read_cells(np.ones(region.shape, np.bool_), region, samples)

    def _read_cells(self, mask: NDArray[np.bool_], region: Region, samples: int) -> Values:
        self._ground()
        level = self.spec.read_voltage.high
        places = _places(mask)
        spots = [Spot(_cell(place, region), (level,)) for place in places]
        conductance = np.full(region.shape, np.nan)
        conductance[mask] = self._meter.measure(spots, "rows", samples) / level
        return conductance

    def _safe(self) -> None:
        self._forget_voltages(self.spec.rows, self.spec.cols)
        self._instruments.ground(self._programs.ground())

    def _close(self) -> None:
        self._instruments.close()

    def _ground(self) -> None:
        """Lines are at rest between verbs; all there is to ground is what was latched."""
        self._forget_voltages(self.spec.rows, self.spec.cols)
        self._instruments.check()

    def _forget_voltages(self, rows: int, cols: int) -> None:
        self._latched = np.zeros((1, rows)), "rows", Region(0, rows, 0, cols)


def _places(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return [(row, col) for row, col in np.argwhere(mask).tolist()]


def _cell(place: tuple[int, int], region: Region) -> Cell:
    return Cell(region.row_start + place[0], region.col_start + place[1])


def _require_no_compliance(cells: Sequence[Cell], printed: Sequence[str], kind: PulseKind) -> None:
    try:
        conditions = [int(float(line)) for line in printed]
    except ValueError as error:
        raise TransportError(f"statuses of pulses expected, got {printed[:3]}") from error
    if len(conditions) != len(cells):
        raise TransportError(f"{len(conditions)} statuses for pulses to {len(cells)} cells")
    for cell, condition in zip(cells, conditions, strict=True):
        if condition & _CONDITIONS:
            raise DeviceError(
                f"a {kind.upper()} pulse to cell ({cell.row}, {cell.col}) ended in compliance "
                f"(status {condition}); lower its gate voltage or raise current_limit"
            )
