"""All instruments of a bench, through as few connections as it has.

Instruments on the TSP-Link of another are reached through that one, as `node[N]`: then one exchange
serves them all. In programs `@` stands for whatever leads to the instrument of the step.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import ConfigurationError, DeviceError, TransportError
from rgnn_hal_drivers.smu_matrix.config import BenchConfig
from rgnn_hal_drivers.smu_matrix.link import TspLink, verify

_NO_CARD = "Empty Slot"
"""As QCoDeS reads it from the 3706A, whose commands the 707B shares."""


class Step(NamedTuple):
    """A line of TSP for one instrument."""

    instrument: str
    text: str


class Instruments:
    """The instruments, opened."""

    def __init__(self, config: BenchConfig) -> None:
        self._master = config.channels["drive"].instrument
        self._configs = config.instruments
        self._links: dict[str, TspLink] = {}

    @classmethod
    def open(cls, config: BenchConfig) -> Self:
        """Own, connect and identify every instrument.

        Raises:
            DeviceError: one is in use, or not on the TSP-Link.
            TransportError: one does not answer.
            ConfigurationError: one is not what the configuration says, or a card is missing.
        """
        instruments = cls(config)
        try:
            for name, one in config.instruments.items():
                if one.resource is not None:
                    instruments._links[name] = TspLink(name, one)
            for link in instruments._links.values():
                link.connect()
                link.run(["errorqueue.clear()"], 0.0)
            instruments._find_nodes()
            instruments._find_cards(config)
        except BaseException:
            instruments.close()
            raise
        return instruments

    def run(self, steps: Iterable[Step], seconds: float = 0.0) -> list[str]:
        """Run steps in their order, neighbours on one connection in one exchange.

        Raises:
            DeviceError: an instrument reports errors; later exchanges were not begun.
            TransportError: a dialogue broke.
        """
        printed = []
        for link, lines in self._exchanges(steps):
            printed += link.run(lines, seconds)
        return printed

    def block(self, column: str, count: int) -> NDArray[np.float64]:
        """Numbers of a buffer of the instrument that measures."""
        return self._links[self._master].block(column, count)

    def check(self) -> None:
        """Ask every connection for errors; raises as `run` does."""
        for link in self._links.values():
            link.run([], 0.0)

    def ground(self, steps: Iterable[Step]) -> None:
        """Run steps as far as possible, on new connections where old ones broke.

        Each instrument has a script of its own: one that fails keeps no other from its rest.

        Raises:
            HalError: the first that failed, after all others were tried.
        """
        failure: Exception | None = None
        silent: set[TspLink] = set()
        for name, group in groupby(steps, lambda step: step.instrument):
            link = self._link(name)
            if link in silent:
                continue
            try:
                link.connect()
                link.run([self._line(step) for step in group], 0.0)
            except Exception as error:
                # And on to the relays: an open one under voltage may wear, a cell would be lost.
                failure = failure or error
                if isinstance(error, TransportError):
                    silent.add(link)
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Disconnect and let go. Idempotent."""
        for link in self._links.values():
            link.close()

    def _exchanges(self, steps: Iterable[Step]) -> Iterator[tuple[TspLink, list[str]]]:
        for link, group in groupby(steps, lambda step: self._link(step.instrument)):
            yield link, [self._line(step) for step in group]

    def _line(self, step: Step) -> str:
        node = self._configs[step.instrument].node
        return step.text.replace("@", "" if node is None else f"node[{node}].")

    def _link(self, instrument: str) -> TspLink:
        return self._links.get(instrument) or self._links[self._master]

    def _find_nodes(self) -> None:
        linked = {name: one for name, one in self._configs.items() if one.node is not None}
        if not linked:
            return
        self._links[self._master].run(["tsplink.reset()"], 1.0)
        for name, one in linked.items():
            try:
                printed = self.run([Step(name, "print(@model)"), Step(name, "print(@serialno)")])
            except DeviceError as error:
                raise DeviceError(
                    f"{name} is not node {one.node} of the TSP-Link of {self._master} ({error}); "
                    "check cables and node numbers"
                ) from error
            verify(name, one, *printed)

    def _find_cards(self, config: BenchConfig) -> None:
        slots = config.wired.slots
        printed = self.run(Step(matrix, f"print(@slot[{slot}].idn)") for matrix, slot in slots)
        if len(printed) != len(slots):
            raise TransportError(f"{len(printed)} answers about the cards of {len(slots)} slots")
        for (matrix, slot), card in zip(slots, printed, strict=True):
            if card in ("nil", _NO_CARD):
                raise ConfigurationError(
                    f"{matrix} has no card in slot {slot}, where wiring has lines of the array; "
                    "correct the wiring, or plug in a card"
                )
