"""Replay: a recorded session stands in for the macro that it was recorded on.

Calls must come as they came then. The first that does not is an error that shows the call, the
argument, what was expected and what came; from there on every verb raises it again, because what a
chip would have answered is not known.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from rgnn_hal.lines import decode, read_lines
from rgnn_hal.macro import (
    ClosedError,
    ConfigurationError,
    DataError,
    DeviceError,
    HalError,
    LimitError,
    Macro,
    MacroSpec,
    MacroUri,
    NotSupportedError,
    PulseKind,
    Region,
    Side,
    TransportError,
)
from rgnn_hal.macro.checks import FloatArray

_ERRORS: dict[str, type[HalError]] = {
    error.__name__: error
    for error in (
        ClosedError,
        ConfigurationError,
        DataError,
        DeviceError,
        LimitError,
        NotSupportedError,
        TransportError,
    )
}


class Replay(Macro):
    """The macro of a recording.

    Raises:
        DataError: the file is no recording.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        records = read_lines(self._path).records
        try:
            spec = MacroSpec.model_validate(records[0]["spec"])
        except (IndexError, KeyError, ValidationError) as error:
            raise DataError(f"{path} is no recording of a macro: {error}") from error
        self._records = records[1:]
        self._next = 0
        self._deviation: str | None = None
        self._told = False
        super().__init__(spec)

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        """Replays have no address.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError("a replay has no address; write Replay(path)")

    @property
    def remaining(self) -> int:
        """Recorded calls that have not been made yet."""
        return len(self._records) - self._next

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
        self._play(
            "pulse",
            kind=kind.value,
            mask=mask,
            voltage=voltage,
            gate_voltage=gate_voltage,
            width=width,
            count=count,
            region=str(region),
        )

    def _program(self, conductance: FloatArray, region: Region) -> None:
        self._play("program", conductance=conductance, region=str(region))

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self._play("apply", voltage=voltage, side=side, region=str(region))

    def _read(self, samples: int) -> FloatArray:
        current: FloatArray = self._play("read", samples=samples)
        return current

    def _multiply(
        self, voltage: FloatArray, side: Side, region: Region, samples: int
    ) -> FloatArray:
        current: FloatArray = self._play(
            "multiply", voltage=voltage, side=side, region=str(region), samples=samples
        )
        return current

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        cells: NDArray[np.float64] = self._play(
            "read_conductance", region=str(region), samples=samples
        )
        return cells

    def _read_cells(
        self, mask: NDArray[np.bool_], region: Region, samples: int
    ) -> NDArray[np.float64]:
        cells: NDArray[np.float64] = self._play(
            "read_conductance", mask=mask, region=str(region), samples=samples
        )
        return cells

    def _clock(self) -> float:
        return float(self._play("clock"))

    def _wait(self, duration: float) -> None:
        self._play("wait", duration=duration)

    def _safe(self) -> None:
        # Grounding is always possible: a deviation here is raised by the verb that comes next.
        if self._deviation is None and (complaint := self._mismatch("safe", {})):
            self._deviation = complaint
        elif self._deviation is None:
            self._next += 1

    def _close(self) -> None:
        if self._deviation is None or not self._told:
            self._play("close")

    def _play(self, verb: str, **arguments: Any) -> Any:
        if self._deviation is None:
            self._deviation = self._mismatch(verb, arguments)
        if self._deviation is not None:
            self._told = True
            raise DeviceError(self._deviation)
        record = self._records[self._next]
        self._next += 1
        if "error" in record:
            raise _ERRORS.get(record["error"], HalError)(record["message"])
        return decode(record["result"])

    def _mismatch(self, verb: str, arguments: dict[str, Any]) -> str | None:
        """What is wrong with a call as the next one, in words; None if it is the recorded one."""
        where = f"replay of {self._path} deviates at call {self._next + 1}"
        if not self.remaining:
            return f"{where}: the recording ends here, got {verb}"
        record = self._records[self._next]
        if record["verb"] != verb:
            return f"{where}: expected {record['verb']}, got {verb}"
        expected = {name: decode(value) for name, value in record["arguments"].items()}
        return next(
            (f"{where}, {verb}: {complaint}" for complaint in _differences(expected, arguments)),
            None,
        )


def _differences(expected: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    if expected.keys() != got.keys():
        yield f"expected {', '.join(expected)}, got {', '.join(got)}"
        return
    for name, value in expected.items():
        other = got[name]
        if not isinstance(value, np.ndarray):
            if value != other:
                yield f"{name}: expected {value!r}, got {other!r}"
        elif value.shape != other.shape or value.dtype != other.dtype:
            yield (
                f"{name}: expected {value.dtype} of {value.shape}, "
                f"got {other.dtype} of {other.shape}"
            )
        elif not np.array_equal(value, other, equal_nan=value.dtype.kind == "f"):
            differs = np.argwhere(~((value == other) | ((value != value) & (other != other))))
            place = tuple(differs[0].tolist())
            yield (
                f"{name}: expected {value[place].item()} at {place}, got {other[place].item()} "
                f"({len(differs)} of {value.size} values differ)"
            )
