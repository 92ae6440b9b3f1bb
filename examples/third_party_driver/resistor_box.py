"""`resistor-box://?rows=4&cols=3`: a box of programmable resistors, as a driver of its own."""

from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from rgnn_hal.macro import Capability, Macro, MacroSpec, MacroUri, Range, Region, Side
from rgnn_hal.macro.checks import FloatArray


class Options(BaseModel):
    """The query keys of the address; anything else is refused with a message that lists them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: Annotated[int, Field(ge=1, le=64)] = 4
    cols: Annotated[int, Field(ge=1, le=64)] = 3


class ResistorBox(Macro):
    """Resistors are set one by one by the box itself, and it measures currents exactly."""

    def __init__(self, rows: int, cols: int) -> None:
        self._latched: tuple[FloatArray, Region]
        self._registers = np.full((rows, cols), 10e-6)  # stands for the connection to the box
        self._safe()
        super().__init__(
            MacroSpec(
                identity=f"resistor-box-{rows}x{cols}",
                rows=rows,
                cols=cols,
                conductance=Range(low=1e-6, high=100e-6),
                read_voltage=Range(low=0.0, high=0.5),  # single supply: no negative inputs
                pulses={},  # resistors are not pulsed
                current=Range(low=0.0, high=5e-3),
                dac_bits=None,
                adc_bits=None,
                read_noise=0.0,
                max_batch=64,
                max_samples=1,
                read_time=1e-3,
                capabilities=frozenset({Capability.CLOSED_LOOP_PROGRAM}),
            )
        )

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        options = uri.options(Options)
        return cls(options.rows, options.cols)

    def _program(self, conductance: FloatArray, region: Region) -> None:
        self._safe()
        self._registers[region.slices] = conductance

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self._latched = voltage, region

    def _read(self, samples: int) -> FloatArray:
        voltage, region = self._latched
        current = voltage.astype(np.float64) @ self._registers[region.slices]
        return np.ascontiguousarray(current, dtype=voltage.dtype)

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        self._safe()
        return self._registers[region.slices].copy()

    def _pulse(self, *arguments: object) -> None:
        raise NotImplementedError("never reached: the spec names no pulses")

    def _safe(self) -> None:
        rows, cols = self._registers.shape
        self._latched = np.zeros((1, rows)), Region(0, rows, 0, cols)

    def _close(self) -> None:
        pass  # here the connection would be closed
