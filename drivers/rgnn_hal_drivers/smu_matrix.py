"""`smu-matrix://?config=bench.toml`: a probed array, source-measure units and a relay matrix.

A small 1T1R array on a probe station with three source-measure channels: one drives a line, one
holds the crossing line at zero volts and measures what flows into it, one opens the row's gates; a
switching matrix connects them to one cell after the other. All other lines float (`Programs`).
`smu_matrix_config` says what stands in the file.

*Products are superpositions.* `read` measures every cell of the region at every vector's voltage
for its line, then and there, and adds the currents up on the host:

    current[b, c] = sum over r of I(r, c; voltage[b, r]) - I(nothing connected)

so readings are real, and vectors of a batch have noise of their own. Cells are ohmic within the
read window or they are not: each contributes what it conducts at its own voltage, as on shared
lines of no resistance. What superposition leaves out is what lines do to each other when all are
driven at once: drops along wires and in the sense input (below 1 mV, data sheet) and currents that
sneak through half-selected cells. A line at exactly 0 V is not measured; it would add noise only.
`apply` latches on the host and asks the instruments whether they are well: between verbs nothing
is driven, all outputs are off and all relays open, and that is what grounded means here.

*Pulses* go cell by cell as trains of the instrument's own timing (`PulseVMeasureI`), RESET with
drive and sense exchanged. Voltage, gate and width are as the spec has them; between pulses of a
train the cell rests for as long as they last.

*Compliance.* A reading in compliance or overflow, or a train whose last pulse was in compliance,
raises `DeviceError` and is never data. Cells after it in the same script have had their pulses.

*Failure.* The error queue is read after every exchange. Scripts run on the instrument to their end,
which switches off: a connection that breaks while one runs leaves the array grounded, and `safe`
connects anew. Two sources never share a line and no relay moves under voltage: the order of the
programs, the matrix's break-before-make rule (verified when opening) and assertions in the scripts
see to that. Processes of this computer exclude each other by a lock on each resource.

Reads take `rows * cols * (relays + batch * samples * integration)`: seconds to minutes on a bench.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from math import floor, hypot, log2, sqrt
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from rgnn_hal.macro import (
    Capability,
    ConfigurationError,
    DeviceError,
    Macro,
    MacroSpec,
    MacroUri,
    PulseKind,
    Range,
    Region,
    Side,
)
from rgnn_hal_drivers.smu_matrix_config import BenchConfig
from rgnn_hal_drivers.smu_matrix_link import Instruments, Step
from rgnn_hal_drivers.smu_matrix_program import Cell, Programs

FloatArray = NDArray[np.floating[Any]]
Values = NDArray[np.float64]

_SCRIPT_SECONDS = 1.0
"""How long one script may keep the instruments: so long may Ctrl-C have to wait."""
_SCRIPT_READINGS = 10_000
"""Readings of one script; a buffer holds 60 000."""
_ZERO_READINGS = 16
_IN_COMPLIANCE = 0x40
"""Bit 6 of the statuses of a reading buffer."""
_CONDITIONS = 0x03 | 0x80
"""Voltage limit, current limit and overflow in the condition register."""
_OVERFLOW = 1e37
"""Readings are 9.91e37 where the range does not reach."""


class SmuMatrixOptions(BaseModel):
    """Query keys of `smu-matrix://`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: Annotated[str, Field(min_length=1)]
    """Path of the bench file."""


class Spot(NamedTuple):
    """A cell and the voltages that it is measured at."""

    cell: Cell
    levels: tuple[float, ...]


class SmuMatrixDriver(Macro):
    """Cells behind a relay matrix as a macro."""

    def __init__(self, config: BenchConfig, instruments: Instruments) -> None:
        self._instruments = instruments
        self._programs = Programs(config)
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
        most = max(1, int(_SCRIPT_SECONDS / seconds))
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
        measured = self._measure(spots, side, samples)
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
        conductance[mask] = self._measure(spots, "rows", samples) / level
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

    def _measure(self, spots: Sequence[Spot], side: Side, samples: int) -> Values:
        """Mean currents into the sensed line, less the ammeter's zero, A; one per level."""
        programs = self._programs
        nowhere = Spot(Cell(-1, -1), (0.0,) * _ZERO_READINGS)
        zero = self._readings([nowhere], lambda _: programs.zero(_ZERO_READINGS), samples)
        program = partial(self._spot_program, side)
        parts = [self._readings(some, program, samples) for some in self._scripts(spots, samples)]
        # Current into an instrument is negative in its own count, and ours counts what arrives.
        return np.asarray(zero.mean() - np.concatenate([np.empty(0), *parts]))

    def _spot_program(self, side: Side, spot: Spot) -> Iterator[Step]:
        return self._programs.read(spot.cell, spot.levels, side)

    def _readings(self, spots: Sequence[Spot], program: Any, samples: int) -> Values:
        """Run the program of every spot; the instrument's readings, averaged over samples, A."""
        steps = list(self._programs.start_readings(samples))
        for spot in spots:
            steps += program(spot)
        seconds = sum(self._programs.read_seconds(len(spot.levels), samples) for spot in spots)
        self._instruments.run(steps, seconds)
        levels = [len(spot.levels) for spot in spots]
        count = samples * sum(levels)
        reading = self._instruments.block(f"{self._programs.buffer}.readings", count)
        status = self._instruments.block(f"{self._programs.buffer}.statuses", count)
        bad = (status.astype(np.int64) & _IN_COMPLIANCE != 0) | ~(np.abs(reading) < _OVERFLOW)
        if bad.any():
            owner = np.repeat(np.arange(len(spots)), np.multiply(levels, samples))
            cell = spots[int(owner[np.flatnonzero(bad)[0]])].cell
            raise DeviceError(
                f"{int(bad.sum())} of {count} readings are in compliance or overflow, the first at "
                f"cell ({cell.row}, {cell.col}); look for a short, or raise current_limit or "
                "measure.range"
            )
        return np.asarray(reading.reshape(-1, samples).mean(axis=1))

    def _scripts(self, spots: Sequence[Spot], samples: int) -> Iterator[Sequence[Spot]]:
        """Spots in parts that one script may have."""
        some: list[Spot] = []
        seconds, readings = 0.0, 0
        for spot in spots:
            one = self._programs.read_seconds(len(spot.levels), samples)
            taken = len(spot.levels) * samples
            full = seconds + one > _SCRIPT_SECONDS or readings + taken > _SCRIPT_READINGS
            if some and full:
                yield some
                some, seconds, readings = [], 0.0, 0
            some.append(spot)
            seconds, readings = seconds + one, readings + taken
        if some:
            yield some


def make_spec(config: BenchConfig) -> MacroSpec:
    """What a bench is and allows.

    A current is a sum over lines: full scale is that of all of them at the end of the ammeter's
    range, and one code of it is three times the noise of such a sum.
    """
    macro, measure = config.macro, config.measure
    lines = max(macro.rows, macro.cols)
    noise = config.meter.noise(measure.range, measure.nplc)
    full_scale = lines * measure.range
    of_a_sum = hypot(noise * sqrt(lines), lines * noise / sqrt(_ZERO_READINGS))
    return MacroSpec(
        identity=macro.identity,
        rows=macro.rows,
        cols=macro.cols,
        conductance=Range(low=macro.conductance[0], high=macro.conductance[1]),
        read_voltage=Range(low=-macro.read_voltage, high=macro.read_voltage),
        pulses={kind: pulse.limits for kind, pulse in config.pulses.items()},
        current=Range(low=-full_scale, high=full_scale),
        dac_bits=None,
        adc_bits=max(1, floor(log2(2 * full_scale / (3 * of_a_sum)))),
        read_noise=hypot(macro.read_noise, noise / macro.read_voltage),
        max_batch=macro.max_batch,
        max_samples=macro.max_samples,
        read_time=macro.rows * macro.cols * Programs(config).read_seconds(1, 1),
        capabilities=frozenset({Capability.TRANSPOSE, Capability.PERSISTENT}),
    )


def _places(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return [(row, col) for row, col in np.argwhere(mask).tolist()]


def _cell(place: tuple[int, int], region: Region) -> Cell:
    return Cell(region.row_start + place[0], region.col_start + place[1])


def _require_no_compliance(cells: Sequence[Cell], printed: Sequence[str], kind: PulseKind) -> None:
    for cell, condition in zip(cells, printed, strict=True):
        if int(float(condition)) & _CONDITIONS:
            raise DeviceError(
                f"a {kind.upper()} pulse to cell ({cell.row}, {cell.col}) ended in compliance "
                f"(status {float(condition):.0f}); lower its gate voltage or raise current_limit"
            )
