"""A cell of the table: a number that says how it was obtained.

    with watching("train forces, 75 frames") as watch:
        model = train(...)
    cell = watch.measured(model.error, "meV/Å")

A `Measured` cell needs the `Run` of a watch that has watched the work, so that none stands in the
code as a constant; a `Modelled` one comes from `rgnn_hal.cost` with its presets; a `Quoted` one has
a source, and only it may be a literal. What could not be had is `Missing`, with the reason.
"""

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from rgnn_hal.cost.uncertainty import Modelled as Prediction
from rgnn_hal.macro.errors import ConfigurationError

EXTRAPOLATED = "extrapolated"
"""A fitted law carried it beyond the sizes that were measured."""
RECORDED = "against a record"
"""What it is compared with was measured when the bundled data were made, on another machine."""

Interval: TypeAlias = tuple[float, float]
Kind: TypeAlias = Literal["measured", "modelled", "quoted", "missing"]


@dataclass(frozen=True)
class Run:
    """Work that was done, and where."""

    procedure: str
    machine: str
    load: float | None
    """Mean number of processes that wanted a processor over the last minute, when it ended."""
    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True)
class Measured:
    """What a run of this command found."""

    kind: ClassVar[Kind] = "measured"
    value: float
    unit: str
    run: Run
    interval: Interval | None = None
    """Of 68 %, where a spread could be seen."""
    bound: str = ""
    """"at least" or "at most", where the number is only that."""
    qualifier: str = ""
    """What not all of it was measured for: `EXTRAPOLATED`, or `RECORDED`."""
    remark: str = ""

    @property
    def how(self) -> str:
        """In a word or two."""
        return ", ".join(word for word in ("measured here", self.qualifier) if word)

    @property
    def details(self) -> str:
        """Procedure, machine, load and time."""
        run = self.run
        load = "" if run.load is None else f"load {run.load:.1f}, "
        text = (
            f"{run.procedure}; {run.machine}, {load}{run.cpu_seconds:.3g} s of CPU time, "
            f"{run.wall_seconds:.3g} s on the clock"
        )
        return f"{text}; {self.remark}" if self.remark else text


@dataclass(frozen=True)
class Modelled:
    """What a hardware model says of counted work."""

    kind: ClassVar[Kind] = "modelled"
    how: ClassVar[str] = "modelled"
    bound: ClassVar[str] = ""
    value: float
    unit: str
    interval: Interval
    presets: tuple[str, ...]
    shares: tuple[tuple[str, float], ...]
    """Figures that the uncertainty hangs on, the largest first."""
    counted: Run
    """How the work was counted."""
    remark: str = ""

    @classmethod
    def of(
        cls, found: Prediction, unit: str, presets: Sequence[str], counted: Run, remark: str = ""
    ) -> "Modelled":
        """From a model's own result."""
        interval = (found.low, found.high)
        return cls(found.value, unit, interval, tuple(presets), found.shares[:3], counted, remark)

    @property
    def details(self) -> str:
        """Presets, and what dominates the uncertainty."""
        shares = ", ".join(f"{name} {share:.0%}" for name, share in self.shares)
        text = (
            f"presets {', '.join(self.presets)}; uncertainty from {shares}; "
            f"counted: {self.counted.procedure}"
        )
        return f"{text}; {self.remark}" if self.remark else text


@dataclass(frozen=True)
class Quoted:
    """What somebody else published."""

    kind: ClassVar[Kind] = "quoted"
    how: ClassVar[str] = "quoted"
    bound: ClassVar[str] = ""
    value: float
    unit: str
    source: str
    interval: Interval | None = None

    @property
    def details(self) -> str:
        """The source."""
        return self.source


@dataclass(frozen=True)
class Missing:
    """What could not be had."""

    kind: ClassVar[Kind] = "missing"
    how: ClassVar[str] = "not available"
    reason: str

    @property
    def details(self) -> str:
        """Why, and what would help."""
        return self.reason


Cell: TypeAlias = Measured | Modelled | Quoted | Missing


@dataclass
class Watch:
    """Times one piece of work; gives out numbers once that is over."""

    procedure: str
    _run: Run | None = field(default=None, init=False)

    @property
    def run(self) -> Run:
        """The work's record.

        Raises:
            ConfigurationError: it is not over.
        """
        if self._run is None:
            raise ConfigurationError(f"{self.procedure!r} is not over, so nothing is measured yet")
        return self._run

    def measured(
        self,
        value: float,
        unit: str,
        interval: Interval | None = None,
        *,
        bound: str = "",
        qualifier: str = "",
        remark: str = "",
    ) -> Measured:
        """A number that this work found."""
        return Measured(value, unit, self.run, interval, bound, qualifier, remark)


@contextmanager
def watching(procedure: str) -> Iterator[Watch]:
    """Time what the block does, by this process's processors and by the clock."""
    watch = Watch(procedure)
    cpu, wall = time.process_time(), time.perf_counter()
    yield watch
    watch._run = Run(
        procedure=procedure,
        machine=f"{_processor()}, {platform.system()}, Python {platform.python_version()}",
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        cpu_seconds=time.process_time() - cpu,
        wall_seconds=time.perf_counter() - wall,
    )


@cache
def _processor() -> str:
    """Its model where Linux tells it, its architecture elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
