"""`emulator://`: a chip model in this process.

    emulator://?seed=7                    a chip that lives as long as the macro is open
    emulator://?seed=7&state=chip.h5      one that lives in a file, as silicon would
    &preset=NAME                          another kind of chip; `chip40nm` by default
    &exact=true                           ideal instruments: no read noise, no converters
    &temperature=350                      where it works, K; 300 by default

Nothing is modelled here: the chip is `rgnn_hal_firmware`, this driver only speaks to it. A chip in
a file keeps its own seed and preset; what the address says must agree, and may be left out.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, Self, TypeVar

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
    PulseLimits,
    Range,
    Region,
    Side,
)
from rgnn_hal_firmware import (
    Chip,
    ChipFileError,
    ChipStorageError,
    PresetError,
    Window,
    new_chip,
)
from rgnn_hal_firmware import (
    PulseKind as ChipPulseKind,
)
from rgnn_hal_firmware.parameters import ChipParameters, PulseEnvelope

FloatArray = NDArray[np.floating[Any]]
_P = ParamSpec("_P")
_R = TypeVar("_R")


class EmulatorOptions(BaseModel):
    """Query keys of `emulator://`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: Annotated[int, Field(ge=0, lt=2**64)] | None = None
    """Which chip; 0 for a new one by default."""
    preset: str | None = None
    """Which kind of chip."""
    state: Annotated[str, Field(min_length=1)] | None = None
    """File that the chip lives in; created if missing."""
    exact: bool = False
    """Read with ideal instruments."""
    temperature: Annotated[float, Field(ge=200, le=500)] = 300.0
    """Of the chip, K."""


def _translated(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Raise what the contract promises where the chip raises its own errors."""

    @wraps(verb)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return verb(*args, **kwargs)
        except (PresetError, ChipFileError) as error:
            raise ConfigurationError(str(error)) from error
        except ChipStorageError as error:
            raise DeviceError(str(error)) from error

    return call


class EmulatorDriver(Macro):
    """An emulated chip as a macro."""

    def __init__(self, chip: Chip, *, persistent: bool, exact: bool) -> None:
        self._chip = chip
        super().__init__(_spec(chip, persistent=persistent, exact=exact))

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        """Make or load the chip at `uri`.

        Raises:
            ConfigurationError: unknown key, value or preset; a file that holds no chip or another.
            DeviceError: the file is in use, or its disk refuses.
        """
        if uri.address:
            raise ConfigurationError(
                f"emulator:// takes no address, got {uri.address!r}; "
                "write emulator://?state=chip.h5 for a chip in a file"
            )
        options = uri.options(EmulatorOptions)
        chip = _chip(options)
        try:
            return cls(chip, persistent=options.state is not None, exact=options.exact)
        except BaseException:
            chip.close()
            raise

    @_translated
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
        self._chip.pulse(
            ChipPulseKind(kind.value), mask, voltage, gate_voltage, width, count, _window(region)
        )

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self._chip.apply(voltage, side, _window(region))

    def _read(self, samples: int) -> FloatArray:
        return self._chip.read(samples)

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        return self._chip.read_conductance(_window(region), samples)

    def _clock(self) -> float:
        return self._chip.time

    def _wait(self, duration: float) -> None:
        self._chip.wait(duration)

    def _safe(self) -> None:
        self._chip.ground()

    @_translated
    def _close(self) -> None:
        self._chip.close()


@_translated
def _chip(options: EmulatorOptions) -> Chip:
    if options.state is not None:
        return Chip.stored(
            Path(options.state),
            preset=options.preset,
            seed=options.seed,
            exact=options.exact,
            temperature=options.temperature,
        )
    return new_chip(
        options.preset or "chip40nm",
        options.seed or 0,
        exact=options.exact,
        temperature=options.temperature,
    )


def _window(region: Region) -> Window:
    return Window(region.row_start, region.row_stop, region.col_start, region.col_stop)


def _spec(chip: Chip, *, persistent: bool, exact: bool) -> MacroSpec:
    parameters = chip.preset.parameters
    periphery = parameters.periphery
    capabilities = {Capability.TRANSPOSE, Capability.VIRTUAL_CLOCK}
    if persistent:
        capabilities.add(Capability.PERSISTENT)
    full_scale = _ideal_full_scale(parameters) if exact else periphery.full_scale
    return MacroSpec(
        identity=_identity(chip),
        rows=parameters.array.rows,
        cols=parameters.array.cols,
        conductance=_range(parameters.array.conductance_window),
        read_voltage=_range(periphery.read_voltage),
        pulses={
            PulseKind.FORM: _limits(parameters.limits.form),
            PulseKind.SET: _limits(parameters.limits.set),
            PulseKind.RESET: _limits(parameters.limits.reset),
        },
        current=Range(low=-full_scale, high=full_scale),
        dac_bits=None if exact else periphery.dac_bits,
        adc_bits=None if exact else periphery.adc_bits,
        read_noise=0.0 if exact else parameters.read_noise_rms,
        max_batch=periphery.max_batch,
        max_samples=periphery.max_samples,
        read_time=parameters.read_time,
        capabilities=frozenset(capabilities),
    )


def _identity(chip: Chip) -> str:
    """The chip's kind, which one it is, and a digest of every parameter that it is made from."""
    digest = hashlib.sha256(chip.preset.document.encode()).hexdigest()[:8]
    return f"{chip.preset.name}-{digest}-seed{chip.seed}"


def _ideal_full_scale(parameters: ChipParameters) -> float:
    """A current that no product reaches: every line driven at full voltage into 1 mS."""
    lines = max(parameters.array.rows, parameters.array.cols)
    return lines * parameters.periphery.read_voltage[1] * 1e-3


def _limits(envelope: PulseEnvelope) -> PulseLimits:
    return PulseLimits(
        voltage=_range(envelope.voltage),
        gate_voltage=_range(envelope.gate_voltage),
        width=_range(envelope.width),
        max_count=envelope.max_count,
    )


def _range(ends: tuple[float, float]) -> Range:
    return Range(low=ends[0], high=ends[1])
