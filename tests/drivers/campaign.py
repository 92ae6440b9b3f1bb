"""A campaign of faults: verbs through a wire that spoils exchanges, judged against a twin chip.

After every verb the served chip is looked at itself. Either the verb took effect, then the twin, an
equal chip in this process, does it too, or it did not; the two must be equal bit for bit. What the
verb returned must be what the twin returns. Where it raised, the error must be one of the
library's, and the array must be grounded.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import HalError, Macro, PulseKind, Region, open_macro
from rgnn_hal.wrappers import Journal, read_journal
from rgnn_hal_firmware import Chip
from rgnn_hal_firmware.parameters import load_preset
from rgnn_hal_firmware.scpi import ScpiServer
from tests.drivers.faulty_wire import FAULTS, Fault, FaultyWire, late

TIMEOUT = 0.2
"""s; what is spoiled beyond repair costs it two or three times."""
_HANGS = 20.0
"""s after which a verb is taken to hang, on a machine that may be busy."""

_UNWRITTEN = ("safe", "clock", "wait")
"""No calls in a journal, or (`wait`) none where grounding before it has failed."""

SMALL = """
name = "small"
description = "chip40nm, but 24 x 20 cells"
base = "chip40nm"

[array]
rows = { value = 24, unit = "1", source = "enough for a test" }
cols = { value = 20, unit = "1", source = "enough for a test" }
"""

Verb = Callable[[Macro], Any]
Draw = np.random.Generator


@dataclass
class Tally:
    """What came of a campaign."""

    faults: Counter[str] = field(default_factory=Counter)
    """Struck, by kind."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """By what the caller saw."""
    executed: Counter[bool] = field(default_factory=Counter)
    """Of verbs that raised: whether the chip had done them."""
    reopened: int = 0
    slowest: float = 0.0
    """s from call to error or result."""


class Campaign:
    """A served chip behind a faulty wire, and its twin."""

    def __init__(self, folder: Path, seed: int) -> None:
        preset = folder / "small.toml"
        preset.write_text(SMALL)
        self.tally = Tally()
        self.chip = Chip(load_preset(str(preset)), seed)
        self._twin = open_macro(f"emulator://?seed={seed}&preset={preset}")
        self._server = ScpiServer(self.chip)
        self.wire = FaultyWire(self._server.address)
        self._journal = folder / "chip.jsonl"
        self._verbs = 0
        self._draw = np.random.default_rng(seed)
        self._macro = self._open()

    @contextmanager
    def running(self) -> Iterator["Campaign"]:
        """Close everything in the end."""
        try:
            yield self
        finally:
            self._macro.close()
            self._twin.close()
            self.wire.close()
            self._server.stop()

    def run(self, faults: int) -> None:
        """Strike `faults` times, with healthy verbs in between."""
        kinds = (*FAULTS, late(1.6 * TIMEOUT))
        while self.tally.faults.total() < faults:
            for _ in range(int(self._draw.integers(0, 3))):
                self._do(None)
            if self._draw.random() < 0.1:
                self._second_client()
            else:
                self._do(kinds[int(self._draw.integers(len(kinds)))])
        self._check_journal()

    def _do(self, fault: Fault | None) -> None:
        name, verb = _verb(self._draw, self._macro.spec.region)
        if fault is not None:
            self.wire.arm(fault, self._draw, times=int(self._draw.choice([1, 1, 1, 2, 4])))
        before = _state(self.chip)
        start = time.monotonic()
        error: HalError | None = None
        result = None
        try:
            self._verbs += name not in _UNWRITTEN
            result = verb(self._macro)
        except HalError as raised:
            error = raised
        took = time.monotonic() - start
        if fault is not None:
            self.tally.faults[fault.name] += 1
            self.wire.disarm()
        self._judge(name, verb, before, result, error, took)

    def _judge(
        self,
        name: str,
        verb: Verb,
        before: bytes,
        result: Any,
        error: HalError | None,
        took: float,
    ) -> None:
        about = f"{name}: {error!r} after {took:.2f} s"
        self.tally.slowest = max(self.tally.slowest, took)
        self.tally.outcomes["data" if error is None else type(error).__name__] += 1
        assert took < _HANGS, about
        if self._lost:
            self._reopen()
        executed = _state(self.chip) != before
        if error is None or executed:
            expected = verb(self._twin)
            if error is None:
                _assert_equal(result, expected, about)
        assert _state(self._twin._chip) == _state(self.chip), about  # type: ignore[attr-defined]
        if error is None:
            return
        self.tally.executed[executed] += 1
        assert _grounded(self.chip), about
        self._twin.safe()

    def _second_client(self) -> None:
        """Another connection meddles, as far as a controller lets it."""
        name, verb = _verb(self._draw, self._macro.spec.region)
        before = _state(self.chip)
        start = time.monotonic()
        error: HalError | None = None
        result = None
        meddle = _MEDDLING[int(self._draw.integers(len(_MEDDLING)))]
        self.tally.faults["two clients"] += 1
        meddle(self._server.address)
        try:
            self._verbs += name not in _UNWRITTEN
            result = verb(self._macro)
        except HalError as raised:
            error = raised
        self._judge(name, verb, before, result, error, time.monotonic() - start)
        self._macro.safe()  # what it had latched, the other may have grounded
        self._twin.safe()

    @property
    def _lost(self) -> bool:
        """Whether the connection is gone, perhaps in a `safe` that grounded through another."""
        return self._macro.inner._link.lost is not None  # type: ignore[attr-defined]

    def _reopen(self) -> None:
        self.tally.reopened += 1
        self._macro.close()
        self._settle()
        assert _grounded(self.chip)
        self._macro = self._open()

    def _open(self) -> Macro:
        uri = f"{self.wire.uri}?timeout_s={TIMEOUT}&lock_wait_s=10"
        return Journal(open_macro(uri), self._journal)

    def _settle(self) -> None:
        """Wait until the server has done all that had reached it."""
        for _ in range(2000):
            if not self._server._connections:
                return
            time.sleep(0.005)
        raise AssertionError("the server holds on to a connection that is gone")

    def _check_journal(self) -> None:
        reading = read_journal(self._journal)
        calls = [event for event in reading.events if event["event"] == "call"]
        assert sum(call["verb"] not in _UNWRITTEN for call in calls) == self._verbs
        assert not reading.unfinished
        assert not reading.torn


def _verb(draw: Draw, whole: Region) -> tuple[str, Verb]:
    """Something to do; it does the same on every macro."""
    name = str(
        draw.choice(["multiply", "apply", "read", "cells", "pulse", "clock", "wait", "safe"])
    )
    region = _region(draw, whole)
    samples = int(draw.integers(1, 4))
    if name in ("multiply", "apply"):
        side = "rows" if draw.random() < 0.6 else "cols"
        lines = region.shape[0 if side == "rows" else 1]
        voltage = _voltage(draw, (int(draw.integers(1, 40)), lines))
        if name == "apply":
            return name, lambda m: m.apply(voltage, side=side, region=region)
        return name, lambda m: m.multiply(voltage, side=side, region=region, samples=samples)
    if name == "pulse":
        kind = PulseKind(str(draw.choice(list(PulseKind))))
        mask = draw.random(region.shape) < 0.3
        share = draw.random(region.shape) if draw.random() < 0.5 else float(draw.random())
        return name, lambda m: _pulse(m, kind, mask, share, region)
    some = draw.random(region.shape) < 0.4 if draw.random() < 0.5 else None
    verbs: dict[str, Verb] = {
        "read": lambda m: m.read(samples),
        "cells": lambda m: m.read_conductance(region, samples, mask=some),
        "clock": lambda m: m.clock(),
        "wait": lambda m: m.wait(1.5),
        "safe": lambda m: m.safe(),
    }
    return name, verbs[name]


def _region(draw: Draw, whole: Region) -> Region:
    rows, cols = (sorted(draw.choice(size + 1, 2, replace=False).tolist()) for size in whole.shape)
    return Region(*rows, *cols)


def _voltage(draw: Draw, shape: tuple[int, int]) -> NDArray[Any]:
    voltage: NDArray[Any] = draw.uniform(-0.2, 0.2, shape)
    if draw.random() < 0.5:
        voltage = voltage.astype(np.float32)
    if draw.random() < 0.2:
        voltage.view(np.uint8)[:] = 0x0A  # line feeds all over, and as a number next to nothing
    return voltage


def _pulse(
    macro: Macro, kind: PulseKind, mask: NDArray[np.bool_], share: Any, region: Region
) -> None:
    limits = macro.spec.pulses[kind]
    low, high = limits.voltage.low, limits.voltage.high
    gate = (limits.gate_voltage.low + limits.gate_voltage.high) / 2
    macro.pulse(
        kind, mask, voltage=low + share * (high - low), gate_voltage=gate, width=1e-6, region=region
    )


def _state(chip: Chip) -> bytes:
    """All that a chip remembers, but for what is latched."""
    state = chip._state
    arrays = (
        *(state.conductance, state.formed, state.stress, state.pulses),
        *(state.pulsed_at, state.reads),
    )
    rest = (state.time_ns, state.product_time_ns, sorted(map(repr, state.streams.items())))
    return b"".join(array.tobytes() for array in arrays) + repr(rest).encode()


def _grounded(chip: Chip) -> bool:
    return not np.any(chip._latched)


def _assert_equal(result: Any, expected: Any, about: str) -> None:
    assert type(result) is type(expected), about
    if isinstance(expected, np.ndarray):
        assert result.dtype == expected.dtype, about
        np.testing.assert_array_equal(result, expected, err_msg=about)
    else:
        assert result == expected, about


def _say(address: tuple[str, int], message: bytes) -> None:
    import socket

    with socket.create_connection(address) as other:
        other.sendall(message + b"\n*OPC?\n")
        received = b""
        while not received.endswith(b"1\n"):
            received += other.recv(1 << 12)


def _intrude(address: tuple[str, int]) -> None:
    try:
        open_macro(f"scpi://{address[0]}:{address[1]}?lock_wait_s=0").close()
    except HalError as error:
        assert "in use by" in str(error)
    else:
        raise AssertionError("a second opener was let in")


_MEDDLING: tuple[Callable[[tuple[str, int]], None], ...] = (
    lambda address: _say(address, b"MACR:SAFE"),
    lambda address: _say(address, b"SYST:LOCK:REQ?;:*RST;:MACR:CURR? 1;:SYST:LOCK:REL"),
    lambda address: _say(address, b"MACR:COND? 0,1,0,1,1;:MACR:WAIT 1"),
    lambda address: _say(address, b"*CLS;:nonsense,'\"#11;;,"),
    _intrude,
)
