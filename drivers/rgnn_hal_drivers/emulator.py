"""`emulator://`: a chip model in this process.

    emulator://?seed=7                    a chip that lives as long as the macro is open
    emulator://?seed=7&state=chip.h5      one that lives in a file, as silicon would
    &preset=NAME                          another kind of chip; `chip40nm` by default
    &exact=true                           ideal instruments: no read noise, no converters
    &temperature=350                      where it works, K; 300 by default

Nothing is modelled here: the chip is `rgnn_hal_firmware`, this driver only speaks to it. A chip in
a file keeps its own seed and preset; what the address says must agree, and may be left out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from rgnn_hal.macro import (
    ConfigurationError,
    DeviceError,
    Macro,
    MacroSpec,
    MacroUri,
    PulseKind,
    Region,
    Served,
    Side,
)
from rgnn_hal_firmware import (
    Chip,
    ChipFileError,
    ChipStorageError,
    PresetError,
    ServeError,
    Window,
    describe,
    new_chip,
)
from rgnn_hal_firmware import (
    PulseKind as ChipPulseKind,
)

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
        except (PresetError, ChipFileError, ServeError) as error:
            raise ConfigurationError(str(error)) from error
        except ChipStorageError as error:
            raise DeviceError(str(error)) from error

    return call


class EmulatorDriver(Macro):
    """An emulated chip as a macro."""

    def __init__(self, chip: Chip, *, persistent: bool) -> None:
        self._chip = chip
        super().__init__(MacroSpec.model_validate(describe(chip, persistent=persistent)))

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        """Make or load the chip at `uri`.

        Raises:
            ConfigurationError: unknown key, value or preset; a file that holds no chip or another.
            DeviceError: the file is in use, or its disk refuses.
        """
        options = _options(uri)
        chip = _chip(options)
        try:
            return cls(chip, persistent=options.state is not None)
        except BaseException:
            chip.close()
            raise

    @classmethod
    @contextmanager
    def serve(
        cls, uri: MacroUri, *, host: str, port: int, watchdog: float | None
    ) -> Iterator[Served]:
        """Put the chip at `uri` behind SCPI; what `rgnn_hal.macro.serving` asks of a driver."""
        from rgnn_hal_firmware.scpi import WATCHDOG, ScpiServer

        seconds = WATCHDOG if watchdog is None else watchdog
        chip = _chip(_options(uri))
        try:
            server = _translated(ScpiServer)(chip, host=host, port=port, watchdog=seconds)
        except BaseException:
            chip.close()
            raise
        try:
            yield Served(
                *server.address,
                scheme="scpi",
                identity=server.identity,
                nonvolatile=server.nonvolatile,
            )
        finally:
            _translated(server.stop)()

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

    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        self._chip.apply(voltage, side, _window(region))
        return self._chip.read(samples)

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        return self._chip.read_conductance(_window(region), samples)

    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        return self._chip.read_conductance(_window(region), samples, mask)

    def _clock(self) -> float:
        return self._chip.time

    def _wait(self, duration: float) -> None:
        self._chip.wait(duration)

    def _safe(self) -> None:
        self._chip.ground()

    @_translated
    def _close(self) -> None:
        self._chip.close()


def _options(uri: MacroUri) -> EmulatorOptions:
    if uri.address:
        raise ConfigurationError(
            f"emulator:// takes no address, got {uri.address!r}; "
            "write emulator://?state=chip.h5 for a chip in a file"
        )
    return uri.options(EmulatorOptions)


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
