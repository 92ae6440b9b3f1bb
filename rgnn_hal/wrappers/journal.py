"""Journal: what was done to a chip, line by line, and how often each of its cells was pulsed.

A verb writes one line before it reaches the macro and one when it is over:

    {"event":"call","n":7,"time":...,"verb":"pulse","arguments":{"kind":"set","mask":...},"cells":31}
    {"event":"done","n":7,"time":...,"result":null}

A disk that is full is therefore an error before the hardware moves, and a call without an end is
what ran when the process died; its pulses are counted, as they may have been given. Arrays stand in
the journal as digests, the mask of a pulse as its packed bits. Lines of `pulse` and `program` are
on the disk before the macro is reached; the others are with the kernel, and survive the process but
not the power. A chip has one journal, which goes on at the next opening.
"""

import base64
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.lines import LineFile, digest, read_lines
from rgnn_hal.macro import ConfigurationError, DataError, DeviceError, Macro, MacroSpec, Region
from rgnn_hal.wrappers._forward import Arguments, Forwarding

_T = TypeVar("_T")

Counters = dict[str, NDArray[np.int64]]
"""Pulses that every cell was given, by kind; closed-loop writes under "program"."""


class Journal(Forwarding):
    """A macro whose calls are written down.

    Raises:
        ConfigurationError: the file is the journal of another chip, or cannot be opened.
        DeviceError: somebody else writes it, or the disk is full.
    """

    def __init__(self, inner: Macro, path: str | Path) -> None:
        self._number = 0
        self._lines = LineFile(Path(path))
        try:
            self._reading = _resumed(Path(path), inner.spec)
            spec = inner.spec
            about = {"identity": spec.identity, "rows": spec.rows, "cols": spec.cols}
            self._lines.append({"event": "open", "time": time.time(), **about}, durable=True)
        except BaseException:
            self._lines.close()
            raise
        super().__init__(inner)

    @property
    def pulses(self) -> Mapping[str, NDArray[np.int64]]:
        """How often every cell was pulsed since the journal began, by kind, (rows, columns)."""
        with self.lock:
            return {kind: counts.copy() for kind, counts in self._reading.items()}

    def _around(self, verb: str, arguments: Arguments, call: Callable[[], _T]) -> _T:
        if verb in ("safe", "close"):
            return self._around_grounding(verb, call)
        if verb == "clock":
            return call()
        wears = verb in ("pulse", "program")
        self._number += 1
        about = {name: digest(value) for name, value in arguments.items()}
        record = {"event": "call", "n": self._number, "time": time.time(), "verb": verb}
        record["arguments"] = about
        if wears:
            mask = arguments.get("mask", np.ones(Region.parse(arguments["region"]).shape, bool))
            about["mask"] = _pack(mask)
            record["cells"] = int(mask.sum())
        try:  # all of it: a signal may strike between any two of these lines
            self._lines.append(record, durable=wears)
            if wears:
                _count(self._reading, record, self.spec)
            result = call()
            self._end("done", {"result": digest(result)})
        except BaseException as error:
            with suppress(DeviceError):  # the error itself is what the caller must see
                self._end("failed", {"error": f"{type(error).__name__}: {error}"})
            raise
        return result

    def _around_grounding(self, verb: str, call: Callable[[], _T]) -> _T:
        """Ground first: no disk may stand in the way of that."""
        try:
            return call()
        finally:
            try:
                with suppress(DeviceError):
                    self._lines.append({"event": verb, "time": time.time()})
            finally:
                if verb == "close":
                    self._lines.close()

    def _end(self, event: str, what: Mapping[str, Any]) -> None:
        self._lines.append({"event": event, "n": self._number, "time": time.time(), **what})


@dataclass(frozen=True)
class JournalReading:
    """What a journal says."""

    identity: str
    events: list[dict[str, Any]]
    pulses: Counters
    unfinished: list[dict[str, Any]]
    """Calls that never ended: what ran when a process died."""
    torn: int
    """Lines that a crash cut off; their verbs did not reach the macro."""


def read_journal(path: str | Path) -> JournalReading:
    """Read a journal, also one whose writer was killed.

    Raises:
        DataError: it is no journal.
    """
    lines = read_lines(Path(path))
    first = next((record for record in lines.records if record.get("event") == "open"), None)
    if first is None:
        raise DataError(f"{path} is no journal of a macro: it has no line that opens one")
    pulses: Counters = {}
    open_calls: dict[int, dict[str, Any]] = {}
    unfinished: list[dict[str, Any]] = []
    try:
        for record in lines.records:
            match record["event"]:
                case "open":
                    unfinished += open_calls.values()
                    open_calls = {}
                case "call":
                    open_calls[record["n"]] = record
                    if "cells" in record:
                        _add(pulses, record, (first["rows"], first["cols"]))
                case "done" | "failed":
                    open_calls.pop(record["n"], None)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is no journal of a macro: {error!r}") from error
    unfinished += open_calls.values()
    return JournalReading(first["identity"], lines.records, pulses, unfinished, lines.torn)


def _resumed(path: Path, spec: MacroSpec) -> Counters:
    if not path.stat().st_size:
        return {}
    reading = read_journal(path)
    if reading.identity != spec.identity:
        raise ConfigurationError(
            f"{path} is the journal of {reading.identity}, this macro is {spec.identity}; "
            "name another file"
        )
    return reading.pulses


def _count(pulses: Counters, record: Mapping[str, Any], spec: MacroSpec) -> None:
    _add(pulses, record, (spec.rows, spec.cols))


def _add(pulses: Counters, record: Mapping[str, Any], shape: tuple[int, int]) -> None:
    arguments = record["arguments"]
    region = Region.parse(arguments["region"])
    counts = pulses.setdefault(arguments.get("kind", "program"), np.zeros(shape, np.int64))
    counts[region.slices] += arguments.get("count", 1) * _unpack(arguments["mask"], region)


def _pack(mask: NDArray[np.bool_]) -> str:
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes())).decode()


def _unpack(text: str, region: Region) -> NDArray[np.bool_]:
    bits = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.unpackbits(bits, count=region.cells).reshape(region.shape).astype(np.bool_)
