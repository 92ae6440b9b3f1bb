"""Measuring cells: currents at given voltages, less the ammeter's zero, and nothing in compliance.

Programs of many cells go out in scripts of about `SCRIPT_SECONDS`; their readings come back in two
blocks, values and statuses.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import DeviceError, Side
from rgnn_hal_drivers.smu_matrix.instruments import Instruments, Step
from rgnn_hal_drivers.smu_matrix.programs import Cell, Programs

Values = NDArray[np.float64]

SCRIPT_SECONDS = 1.0
"""How long one script may keep the instruments, but for one cell: so long may Ctrl-C wait."""
_SCRIPT_READINGS = 10_000
"""Readings of one script; a buffer holds 60 000."""
ZERO_READINGS = 16
_IN_COMPLIANCE = 0x40
"""Bit 6 of the statuses of a reading buffer."""
_OVERFLOW = 1e37
"""Readings are 9.91e37 where the range does not reach."""


class Spot(NamedTuple):
    """A cell and the voltages that it is measured at."""

    cell: Cell
    levels: tuple[float, ...]


@dataclass(frozen=True)
class Meter:
    """Instruments and the programs that make them measure."""

    instruments: Instruments
    programs: Programs

    def measure(self, spots: Sequence[Spot], side: Side, samples: int) -> Values:
        """Mean currents into the sensed line, less the ammeter's zero, A; one per level."""
        programs = self.programs
        nowhere = Spot(Cell(-1, -1), (0.0,) * ZERO_READINGS)
        zero = self._readings([nowhere], lambda _: programs.zero(ZERO_READINGS), samples)
        program = partial(self._spot_program, side)
        parts = [self._readings(some, program, samples) for some in self._scripts(spots, samples)]
        # Current into an instrument is negative in its own count, and ours counts what arrives.
        return np.asarray(zero.mean() - np.concatenate([np.empty(0), *parts]))

    def _spot_program(self, side: Side, spot: Spot) -> Iterator[Step]:
        return self.programs.read(spot.cell, spot.levels, side)

    def _readings(
        self, spots: Sequence[Spot], program: Callable[[Spot], Iterable[Step]], samples: int
    ) -> Values:
        """Run the program of every spot; the instrument's readings, averaged over samples, A."""
        steps = list(self.programs.start_readings(samples))
        for spot in spots:
            steps += program(spot)
        seconds = sum(self.programs.read_seconds(len(spot.levels), samples) for spot in spots)
        self.instruments.run(steps, seconds)
        levels = [len(spot.levels) for spot in spots]
        count = samples * sum(levels)
        reading = self.instruments.block(f"{self.programs.buffer}.readings", count)
        status = self.instruments.block(f"{self.programs.buffer}.statuses", count)
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
            one = self.programs.read_seconds(len(spot.levels), samples)
            taken = len(spot.levels) * samples
            full = seconds + one > SCRIPT_SECONDS or readings + taken > _SCRIPT_READINGS
            if some and full:
                yield some
                some, seconds, readings = [], 0.0, 0
            some.append(spot)
            seconds, readings = seconds + one, readings + taken
        if some:
            yield some
