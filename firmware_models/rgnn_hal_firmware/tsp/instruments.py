"""Whole instruments: a controller with a scope of commands, and the TSP-Link between them.

Over TSP-Link, once `tsplink.reset()` has found the others, their commands are `node[N].command`;
factory scripts, `print` and the error queue are not among them. What a remote command complains
about goes to the queue of whoever ran it; this simulator names the local node there.
"""

from collections.abc import Callable, Iterable
from types import SimpleNamespace

from rgnn_hal_firmware.tsp.buffer import Format
from rgnn_hal_firmware.tsp.datasheet import Ammeter
from rgnn_hal_firmware.tsp.errors import RuntimeFault
from rgnn_hal_firmware.tsp.interpreter import Controller
from rgnn_hal_firmware.tsp.matrix import Matrix, Relays
from rgnn_hal_firmware.tsp.sourcemeter import Channel, PulseFunction, World
from rgnn_hal_firmware.tsp.tables import Attribute, Commands, Value, number, whole


class Instrument:
    """What both kinds share.

    Args:
        model: e.g. `2602B`.
        serial: of the individual.
        node: number on the TSP-Link.
        own: commands of the kind, reachable over the link.
        local: commands of the kind that are not.
    """

    def __init__(
        self,
        model: str,
        serial: str,
        node: int,
        own: dict[str, Value],
        local: dict[str, Value] | None = None,
    ) -> None:
        self.model, self.serial, self.node = model, serial, node
        identity = f"Keithley Instruments Inc., Model {model}, {serial}, 3.0.0"
        self.controller = Controller(identity, self._reset_all)
        self._format = Format()
        self._others: dict[float, Commands] = {}
        self._online = False
        self._linked: tuple[Instrument, ...] = ()
        errors = self.controller.errors
        about = {
            "model": Attribute(lambda: self.model),
            "serialno": Attribute(lambda: self.serial),
        }
        self.remote = Commands({**own, **about, "reset": self._reset})
        self.controller.scope = Commands(
            {
                **(local or {}),
                "localnode": Commands({**about, **_interface(self.controller)}),
                "print": self.controller.print,
                "printbuffer": self._print_buffer,
                "format": self._format.commands,
                "reset": self._reset,
                "delay": self._delay,
                "assert": _assert,
                "errorqueue": Commands(
                    {
                        "next": lambda *_: errors.next(),
                        "clear": self._clear,
                        "count": Attribute(lambda: float(len(errors))),
                    }
                ),
                "tsplink": Commands(
                    {
                        "reset": self._find_others,
                        "state": Attribute(lambda: "online" if self._online else "offline"),
                    }
                ),
                "node": SimpleNamespace(read=self._node, write=_no_node),
            },
            elsewhere=self.remote,
        )

    def link(self, others: Iterable["Instrument"]) -> None:
        """Plug in the TSP-Link cable."""
        self._linked = tuple(others)

    def restore(self) -> None:
        """Back to how the kind wakes up."""
        self._format.reset()

    def pause(self, seconds: float) -> None:
        """Time passes."""

    def complain(self, code: int, message: str) -> None:
        """Put an error into the queue of whoever would read it."""
        # The movement may have been ordered over the link, by a controller that this one is not.
        for instrument in {self, *(one for one in self._linked if one._online)}:
            instrument.controller.errors.add(code, message, self.node)

    def _reset_all(self) -> None:
        self.restore()
        if self._online:
            for other in self._linked:
                other.restore()

    def _reset(self, *_: Value) -> tuple[Value, ...]:
        self._reset_all()
        return ()

    def _clear(self, *_: Value) -> tuple[Value, ...]:
        self.controller.errors.clear()
        return ()

    def _delay(self, *given: Value) -> tuple[Value, ...]:
        self.pause(number(given[0] if given else None, 0.0, 100.0, "delay"))
        return ()

    def _print_buffer(self, *given: Value) -> tuple[Value, ...]:
        self.controller.emit(self._format.answer(given))
        return ()

    def _find_others(self, *_: Value) -> tuple[Value, ...]:
        self._others = {float(one.node): one.remote for one in self._linked}
        self._online = len(self._others) > 1
        return (float(len(self._others)),)

    def _node(self, key: Value) -> Value:
        return self._others.get(key) if isinstance(key, float) else None


class SourceMeter(Instrument):
    """A 2602B."""

    def __init__(self, serial: str, node: int, world: World, ammeters: list[Ammeter]) -> None:
        self._world = world
        self.channels = {
            name: Channel(name, world, ammeter)
            for name, ammeter in zip(("smua", "smub"), ammeters, strict=True)
        }
        tables = {name: channel.commands() for name, channel in self.channels.items()}
        conditions = Commands(
            {name: Commands({"condition": _condition(one)}) for name, one in self.channels.items()}
        )
        status = Commands({"measurement": Commands({"instrument": conditions})})
        pulse = PulseFunction({id(tables[name]): one for name, one in self.channels.items()})
        own = {**tables, "status": status}
        super().__init__("2602B", serial, node, own, {"PulseVMeasureI": pulse})

    def restore(self) -> None:
        """Outputs off, everything at its default."""
        super().restore()
        for channel in self.channels.values():
            channel.reset()

    def pause(self, seconds: float) -> None:
        """Time passes at what is on the outputs."""
        self._world.dwell(seconds)


class MatrixInstrument(Instrument):
    """A 707B."""

    def __init__(self, serial: str, node: int, moved: Callable[[Relays, Relays], None]) -> None:
        self.relays = Matrix(moved)
        super().__init__("707B", serial, node, self.relays.commands())

    def restore(self) -> None:
        """All relays open, everything at its default."""
        super().restore()
        self.relays.reset()


def _interface(controller: Controller) -> dict[str, Value]:
    def set_prompts(value: Value) -> None:
        controller.prompts = whole(value, 0, 1, "localnode.prompts") == 1

    def set_showerrors(value: Value) -> None:
        controller.shows_errors = whole(value, 0, 1, "localnode.showerrors") == 1

    return {
        "prompts": Attribute(lambda: float(controller.prompts), set_prompts),
        "showerrors": Attribute(lambda: float(controller.shows_errors), set_showerrors),
    }


def _condition(channel: Channel) -> Attribute:
    return Attribute(lambda: float(channel.condition))


def _assert(*given: Value) -> tuple[Value, ...]:
    if not given or given[0] is None or given[0] is False:
        words = given[1] if len(given) > 1 and isinstance(given[1], str) else "assertion failed!"
        raise RuntimeFault(words)
    return given


def _no_node(key: Value, value: Value) -> None:
    raise RuntimeFault("nodes cannot be set")
