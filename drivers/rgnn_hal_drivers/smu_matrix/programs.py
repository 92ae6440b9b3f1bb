"""What instruments are told: programs for one cell at a time, in TSP.

A cell is reached by three relays: drive to one of its lines, sense to the other, gate to its row's
gate line. All other lines float, so nothing flows through any other cell: their transistors are
closed, or one of their ends hangs in the air. A program moves relays only while all outputs are
off. It opens those of all mainframes before it closes any, has the mainframes assert both before
anything is switched on, and switches everything off again. An assertion that fails ends the script
where it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rgnn_hal.macro import PulseKind, Side
from rgnn_hal_drivers.smu_matrix.config import BenchConfig
from rgnn_hal_drivers.smu_matrix.instruments import Step
from rgnn_hal_drivers.smu_matrix.tables import ChannelConfig, Role
from rgnn_hal_drivers.smu_matrix.wiring import Column

_PULSE_NPLC = 0.001
"""Integration at the end of a pulse, as short as it gets."""
_RELAYS = 20e-3
"""s that one movement of relays takes: a guess, for time-outs and the spec's read time."""
_STATEMENT = 0.5e-3
"""s per measurement besides its integration; likewise."""


@dataclass(frozen=True)
class Cell:
    """One cell of the array."""

    row: int
    col: int


@dataclass(frozen=True)
class Programs:
    """Programs for one bench."""

    config: BenchConfig

    def configure(self) -> Iterator[Step]:
        """From whatever state to a known one, everything off."""
        # Whoever was here before may have died with outputs on, and reset() opens relays.
        yield from self.ground()
        for name, instrument in self.config.instruments.items():
            if instrument.resource is not None:
                yield Step(name, "reset()")
        for role, one in self.config.channels.items():
            highest = self._highest(role)
            yield self._tell(
                role,
                f"source.func=1 @.source.rangev={highest!r} @.source.levelv=0 "
                f"@.source.limiti={one.current_limit!r} @.measure.rangei={self._range(role)!r}",
            )
        measure, master = self.config.measure, self.config.channels["drive"].instrument
        yield self._tell("drive", f"measure.nplc={_PULSE_NPLC}")
        yield self._tell("sense", f"measure.nplc={measure.nplc!r} @.nvbuffer1.appendmode=1")
        yield Step(master, "format.data=format.REAL32 format.byteorder=format.LITTLEENDIAN")
        for matrix in self.config.matrices:
            yield Step(matrix, "@channel.connectrule=@channel.BREAK_BEFORE_MAKE")
            yield Step(matrix, "assert(@channel.connectrule==@channel.BREAK_BEFORE_MAKE)")

    def ground(self) -> Iterator[Step]:
        """All outputs off, then all relays open."""
        for role in self.config.channels:
            yield self._tell(role, "source.output=0 @.source.levelv=0")
        yield from self._break()

    def start_readings(self, samples: int) -> Iterator[Step]:
        """Empty the buffer; each measurement from here on is `samples` readings."""
        yield self._tell("sense", f"nvbuffer1.clear() @.measure.count={samples}")

    def zero(self, count: int) -> Iterator[Step]:
        """Measure `count` times with nothing connected."""
        yield self._tell("sense", "source.output=1")
        yield from [self._measure()] * count
        yield self._tell("sense", "source.output=0")

    def read(self, cell: Cell, levels: Sequence[float], side: Side) -> Iterator[Step]:
        """Measure a cell once at each of `levels`, V on the line of `side`."""
        yield from self._connect(cell, side)
        yield from self._open_gate(self.config.measure.gate_voltage)
        yield self._tell("sense", "source.output=1")
        yield self._tell("drive", "source.output=1")
        for level in levels:
            yield self._tell("drive", f"source.levelv={level!r}")
            yield Step(self._drive.instrument, f"delay({self.config.measure.settle!r})")
            yield self._measure()
        yield from self._disconnect()

    def pulse(
        self, cell: Cell, kind: PulseKind, voltage: float, gate: float, width: float, count: int
    ) -> Iterator[Step]:
        """Give a cell a train of pulses; prints the status of the last one's measurement."""
        # RESET is the other polarity. A negative level would put the transistor's well forward.
        yield from self._connect(cell, "cols" if kind is PulseKind.RESET else "rows")
        yield from self._open_gate(gate)
        yield self._tell("sense", "source.output=1")
        yield self._tell("drive", "source.output=1")
        on = width - _PULSE_NPLC / self.config.measure.line_frequency
        train = f"PulseVMeasureI({self._drive.channel}, 0, {voltage!r}, {on!r}, {on!r}, {count})"
        yield Step(self._drive.instrument, train)
        condition = f"@status.measurement.instrument.{self._drive.channel}.condition"
        yield Step(self._drive.instrument, f"print({condition})")
        yield from self._disconnect()

    def read_seconds(self, levels: int, samples: int) -> float:
        """About how long `read` takes, s."""
        one = samples * self.config.measure.aperture + self.config.measure.settle + _STATEMENT
        return self._relays + levels * one

    def pulse_seconds(self, width: float, count: int) -> float:
        """About how long `pulse` takes, s."""
        return self._relays + 2 * width * (count + 1) + _STATEMENT

    @property
    def buffer(self) -> str:
        """Where readings are."""
        return f"{self.config.channels['sense'].channel}.nvbuffer1"

    @property
    def _drive(self) -> ChannelConfig:
        return self.config.channels["drive"]

    @property
    def _relays(self) -> float:
        """About how long connecting and disconnecting take, s: one mainframe after the other."""
        return 2 * len(self.config.matrices) * _RELAYS

    def _connect(self, cell: Cell, side: Side) -> Iterator[Step]:
        wired = self.config.wired
        row, col = wired.rows[cell.row], wired.cols[cell.col]
        driven, sensed = (row, col) if side == "rows" else (col, row)
        lines: dict[Role, Column] = {
            "drive": driven,
            "sense": sensed,
            "gate": wired.gates[cell.row],
        }
        relays: dict[str, list[str]] = {}
        for role, column in lines.items():
            name = column.relay(self.config.channels[role].matrix_row)
            relays.setdefault(column.matrix, []).append(name)
        yield from self._break()
        for matrix, names in relays.items():
            names.sort()
            yield Step(matrix, f'@channel.exclusiveclose("{",".join(names)}")')
            complaint = f"others than {','.join(names)} of {matrix} are closed"
            yield _assert_closed(matrix, f'"{";".join(names)}"', complaint)

    def _break(self) -> Iterator[Step]:
        """Open all relays of all mainframes, and make sure of it."""
        for matrix in self.config.matrices:
            yield Step(matrix, '@channel.open("allslots")')
            yield _assert_closed(matrix, "nil", f"relays of {matrix} do not open")

    def _open_gate(self, voltage: float) -> Iterator[Step]:
        yield self._tell("gate", f"source.levelv={voltage!r} @.source.output=1")

    def _disconnect(self) -> Iterator[Step]:
        yield self._tell("drive", "source.levelv=0 @.source.output=0")
        yield self._tell("sense", "source.output=0")
        yield self._tell("gate", "source.output=0 @.source.levelv=0")
        for matrix in self.config.matrices:
            yield Step(matrix, '@channel.open("allslots")')

    def _measure(self) -> Step:
        channel = self.config.channels["sense"].channel
        return self._tell("sense", f"measure.i(@{channel}.nvbuffer1)")

    def _tell(self, role: Role, text: str) -> Step:
        """`text` with the role's channel before it and wherever it says `@.`."""
        one = self.config.channels[role]
        return Step(one.instrument, f"@{one.channel}." + text.replace("@.", f"@{one.channel}."))

    def _highest(self, role: Role) -> float:
        """The largest voltage that a channel is asked for, V."""
        macro, pulses = self.config.macro, self.config.pulses.values()
        if role == "gate":
            gates = [pulse.gate_voltage[1] for pulse in pulses]
            return max([self.config.measure.gate_voltage, *gates])
        if role == "drive":
            return max([macro.read_voltage, *(pulse.voltage[1] for pulse in pulses)])
        return macro.read_voltage

    def _range(self, role: Role) -> float:
        """Of a channel's ammeter, A."""
        if role == "sense":
            return self.config.measure.range
        return self.config.channels[role].current_limit


def _assert_closed(matrix: str, relays: str, complaint: str) -> Step:
    """End the script with a complaint unless just these relays of a mainframe are closed."""
    return Step(matrix, f'assert(@channel.getclose("allslots")=={relays},"{complaint}")')
