"""What tests share: an exact crossbar in memory, and how hypothesis draws.

`ArrayMacro` is the smallest macro there is. Its currents are the exact sums of a NumPy array, its
cells answer pulses by simple rules, it keeps a log of the driver verbs that were reached, and it
fails where a test tells it to.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

# Before NumPy and torch are loaded: their arrays are small here, and on two busy cores a second
# thread made the tests of the paper's networks seven times slower (42 s instead of 6).
os.environ.setdefault("OMP_NUM_THREADS", "1")

import h5py
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from rgnn_hal.macro import Capability, Macro, MacroSpec, MacroUri, PulseKind, Region, Side
from rgnn_hal.macro.checks import FloatArray

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

PULSES = {
    "form": {
        "voltage": {"low": 2.0, "high": 4.0},
        "gate_voltage": {"low": 1.0, "high": 2.0},
        "width": {"low": 1e-7, "high": 1e-3},
        "max_count": 5,
    },
    "set": {
        "voltage": {"low": 0.9, "high": 2.4},
        "gate_voltage": {"low": 0.9, "high": 2.4},
        "width": {"low": 1e-7, "high": 1e-3},
        "max_count": 5,
    },
    "reset": {
        "voltage": {"low": 0.9, "high": 2.4},
        "gate_voltage": {"low": 0.9, "high": 3.0},
        "width": {"low": 1e-7, "high": 1e-3},
        "max_count": 5,
    },
}


def make_spec(rows: int = 8, cols: int = 6, **changes: Any) -> MacroSpec:
    """A small, ideal, bipolar macro with every capability; `changes` replace fields."""
    fields: dict[str, Any] = {
        "identity": "array",
        "rows": rows,
        "cols": cols,
        "conductance": {"low": 1e-6, "high": 40e-6},
        "read_voltage": {"low": -0.2, "high": 0.2},
        "pulses": PULSES,
        "current": {"low": -1e-3, "high": 1e-3},
        "dac_bits": None,
        "adc_bits": None,
        "read_noise": 0.0,
        "max_batch": 512,
        "max_samples": 64,
        "read_time": 1e-6,
        "capabilities": frozenset(Capability),
    }
    return MacroSpec.model_validate(fields | changes)


class ArrayMacro(Macro):
    """An exact crossbar: a NumPy array of conductances, and per column a zero and a gain."""

    def __init__(
        self,
        spec: MacroSpec | None = None,
        conductance: NDArray[np.float64] | None = None,
        *,
        zero: NDArray[np.float64] | float = 0.0,
        gain: NDArray[np.float64] | float = 1.0,
    ) -> None:
        spec = spec or make_spec()
        shape = (spec.rows, spec.cols)
        self.conductance = np.full(shape, 10e-6) if conductance is None else conductance.copy()
        self.zero = np.broadcast_to(zero, spec.cols)
        self.gain = np.broadcast_to(gain, spec.cols)
        self.breakdown = np.full(shape, 3.0)
        """FORM amplitude, V, at which a pristine cell starts to conduct."""
        self.stuck = np.zeros(shape, dtype=bool)
        """Cells that ignore SET and RESET."""
        self.response = 1e-6
        """Conductance that the gentlest SET or RESET pulse moves, S; each 0.1 V adds as much."""
        self.log: list[str] = []
        self.pulse_log: list[tuple[PulseKind, NDArray[np.bool_], NDArray[np.float64]]] = []
        """Kind, mask and amplitude of every pulse, on the whole macro."""
        self.failures: dict[str, BaseException] = {}
        """What to raise on reaching a driver verb."""
        self.received: Any = None
        """The array that the last verb was handed."""
        self.latched: tuple[FloatArray, Side, Region]
        self.seconds = 0.0
        self._ground()
        super().__init__(spec)

    @classmethod
    def open(cls, uri: MacroUri) -> Self:
        raise NotImplementedError

    def _ground(self) -> None:
        rows, cols = self.conductance.shape
        self.latched = np.zeros((1, rows)), "rows", Region(0, rows, 0, cols)

    def _reach(self, verb: str) -> None:
        self.log.append(verb)
        if verb in self.failures:
            raise self.failures[verb]

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
        self._reach("pulse")
        self.received = mask
        whole = np.zeros_like(self.stuck)
        whole[region.slices] = mask
        amplitude = np.zeros(whole.shape)
        amplitude[region.slices] = voltage if kind is not PulseKind.SET else gate_voltage
        self.pulse_log.append((kind, whole, amplitude))
        low = self.spec.conductance.low
        pristine = self.conductance < 0.25 * low
        if kind is PulseKind.FORM:
            self.conductance[whole & pristine & (amplitude >= self.breakdown)] = 12e-6
            return
        sign = 1 if kind is PulseKind.SET else -1
        moves = sign * count * self.response * (1 + np.rint((amplitude - 0.9) / 0.1))
        answers = whole & ~pristine & ~self.stuck
        self.conductance[answers] = (self.conductance + moves)[answers].clip(0.5 * low, 50e-6)

    def _program(self, conductance: FloatArray, region: Region) -> None:
        self._ground()
        self._reach("program")
        self.received = conductance
        self.conductance[region.slices] = conductance

    def _apply(self, voltage: FloatArray, side: Side, region: Region) -> None:
        self._reach("apply")
        self.received = voltage
        self.latched = voltage, side, region

    def _read(self, samples: int) -> FloatArray:
        self._reach("read")
        voltage, side, region = self.latched
        block = self.conductance[region.slices]
        exact = voltage.astype(np.float64)
        if side == "cols":
            return np.stack([block @ row for row in exact]).astype(voltage.dtype)
        # Vector by vector: a GEMM's last digits depend on the batch, a macro's must not.
        columns = region.slices[1]
        current = np.stack([row @ block for row in exact]) * self.gain[columns] + self.zero[columns]
        sensed: FloatArray = current.astype(voltage.dtype)
        return sensed

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        self._ground()
        self._reach("read_conductance")
        return self.conductance[region.slices].copy()

    def _safe(self) -> None:
        self._ground()
        self._reach("safe")

    def _close(self) -> None:
        self._reach("close")

    def _clock(self) -> float:
        self._reach("clock")
        return self.seconds

    def _wait(self, duration: float) -> None:
        self._reach("wait")
        self.seconds += duration


def random_conductance(rows: int, cols: int, seed: int = 0) -> NDArray[np.float64]:
    """Conductances drawn uniformly from the window of `make_spec`, S."""
    return np.random.default_rng(seed).uniform(1e-6, 40e-6, (rows, cols))


@pytest.fixture
def macro() -> ArrayMacro:
    """An exact 8 x 6 macro of random conductances."""
    return ArrayMacro(conductance=random_conductance(8, 6))


@pytest.fixture
def terminal_signals() -> Iterator[None]:
    """Signals as a terminal hands them to a process, and so to its children.

    A shell has its background jobs ignore Ctrl-C, and `nohup` the end of the session; the tests may
    run in either.
    """
    usual: dict[signal.Signals, signal.Handlers | Callable[..., None]] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


CutFrames = Callable[[Path, Path, slice], Path]


@pytest.fixture(scope="session")
def cut_frames() -> CutFrames:
    """Writes some frames of a file of molecular Hamiltonians into another one."""

    def cut(source: Path, target: Path, frames: slice) -> Path:
        with h5py.File(source) as whole, h5py.File(target, "w") as part:
            count = len(whole["R"])
            for name, values in whole.items():
                part[name] = values[frames] if len(values) == count else values[()]
        return target

    return cut
