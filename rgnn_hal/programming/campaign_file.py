"""A campaign on the disk: a plan, and every reading that cells were judged by.

    DIR/campaign.jsonl    plan | open | formed | reading | reopened, one per line, only added to
    DIR/journal.jsonl     every call to the chip, its pulses *before* they are given (`Journal`)

The state of a campaign is not stored, it follows: the readings go through the code that judged them
when they came (`Cells`). So there is nothing that two files could disagree about. A reading is
on the disk before anything follows from it; a line that a crash cut off is a round that was not
verified: its pulses stand in the journal and count as wear, and nothing else is concluded from it.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.lines import LineFile, decode, digest, encode, read_lines
from rgnn_hal.macro import ConfigurationError, DataError, Region
from rgnn_hal.programming.cells import Cells
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.wrappers import read_journal

_VERSION = 1


@dataclass(frozen=True, eq=False)
class Plan:
    """What a campaign is to do, and to which chip; it never changes."""

    identity: str
    """Of the chip."""
    region: Region
    target: NDArray[np.float64]
    """S, of the region's shape."""
    tolerance: float
    """S."""
    train: PulseTrain
    max_pulses: int
    samples: int
    """Reads averaged in each verification."""

    @property
    def digest(self) -> str:
        """Of the targets: type, shape and hash."""
        return str(digest(self.target))

    def differences(self, other: "Plan") -> list[str]:
        """In words: what `other` would do otherwise."""
        return [
            f"{name} {before}, not {now}"
            for name, before, now in (
                ("chip", self.identity, other.identity),
                ("region", str(self.region), str(other.region)),
                ("targets", self.digest, other.digest),
                ("tolerance (S)", self.tolerance, other.tolerance),
                ("train", self.train, other.train),
            )
            if before != now
        ]

    def record(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "event": "plan",
            "version": _VERSION,
            "identity": self.identity,
            "region": str(self.region),
            "target": encode(self.target),
            "tolerance": self.tolerance,
            "train": asdict(self.train),
            "max_pulses": self.max_pulses,
            "samples": self.samples,
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """What `record` gave."""
        if record["version"] != _VERSION:
            raise ValueError(f"version {record['version']}, this one reads {_VERSION}")
        train = record["train"]
        return cls(
            identity=record["identity"],
            region=Region.parse(record["region"]),
            target=decode(record["target"]),
            tolerance=record["tolerance"],
            train=PulseTrain(
                set_voltage=train["set_voltage"],
                set_gate=tuple(train["set_gate"]),
                reset_voltage=tuple(train["reset_voltage"]),
                reset_gate=train["reset_gate"],
                width=train["width"],
            ),
            max_pulses=record["max_pulses"],
            samples=record["samples"],
        )


@dataclass
class Standing:
    """How far a campaign has come."""

    plan: Plan
    cells: Cells
    formed: bool = False
    """Pristine cells were formed; this is not done again."""
    calls: int = 0
    """How often it was begun or resumed."""

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Nothing is done yet."""
        return cls(plan, Cells.of(plan.target, plan.tolerance, plan.max_pulses))

    def follow(self, record: Mapping[str, Any]) -> None:
        """Go on by one line of the file."""
        match record["event"]:
            case "open":
                self.calls += 1
            case "formed":
                self.formed = True
            case "reading":
                reading = decode(record["reading"])
                if reading.shape != self.cells.pending.shape:
                    raise ValueError(f"{reading.size} readings, {self.cells.pending.size} cells")
                if record["pulsed"]:
                    self.cells.advance(self.plan.train)
                    self.cells.judge(reading, self.plan.train)
                else:
                    self.cells.look(reading)
            case "reopened":
                self.cells.reopen(decode(record["cells"]))


class CampaignFile:
    """The lines of one campaign, which this process alone adds to.

    Raises:
        ConfigurationError: the folder cannot be made or written to.
        DataError: what is there is no campaign.
        DeviceError: another process works on it, or the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"cannot make the campaign's folder {folder}: {error.strerror}; name another"
            ) from error
        self._lines = LineFile(_lines_in(folder))
        try:
            self.standing = _standing(_lines_in(folder))
            """None before `begin`."""
        except BaseException:
            self.close()
            raise

    def begin(self, plan: Plan) -> Standing:
        """Write the plan down."""
        self._lines.append(plan.record(), durable=True)
        self.standing = Standing.of(plan)
        return self.standing

    def open(self) -> None:
        """The campaign is taken up."""
        self._lines.append({"event": "open", "time": time.time()}, durable=True)

    def formed(self) -> None:
        """Pristine cells have been formed."""
        self._lines.append({"event": "formed", "time": time.time()}, durable=True)

    def reading(self, reading: NDArray[np.float64], *, pulsed: bool) -> None:
        """What pending cells read, S; a `Witness`."""
        if reading.size:
            record = {"event": "reading", "time": time.time(), "pulsed": pulsed}
            self._lines.append(record | {"reading": encode(reading)}, durable=True)

    def reopened(self, cells: NDArray[np.bool_]) -> None:
        """Finished cells are pending again."""
        record = {"event": "reopened", "time": time.time(), "cells": encode(cells)}
        self._lines.append(record, durable=True)

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(frozen=True)
class CampaignReading:
    """What the folder of a campaign says, also while it runs or after it was killed."""

    plan: Plan
    finished: NDArray[np.bool_]
    """Cells that were verified, of the region's shape."""
    status: NDArray[np.int8]
    """`CellStatus` of each cell, were this the end."""
    pulses: Mapping[str, NDArray[np.int64]]
    """By kind, of the region's shape: never fewer than were given."""
    calls: int
    """How often it was begun or resumed."""


def read_campaign(folder: str | Path) -> CampaignReading:
    """Read a campaign's folder.

    Raises:
        DataError: there is none.
    """
    folder = Path(folder)
    standing = _standing(_lines_in(folder))
    if standing is None:
        raise DataError(f"{folder} holds no campaign; its plan was never written")
    region = standing.plan.region
    journal = journal_in(folder)
    wear = read_journal(journal).pulses if journal.exists() and journal.stat().st_size else {}
    return CampaignReading(
        plan=standing.plan,
        finished=standing.cells.finished,
        status=standing.cells.status,
        pulses={kind: counts[region.slices] for kind, counts in wear.items()},
        calls=standing.calls,
    )


def journal_in(folder: Path) -> Path:
    """Where a campaign keeps the journal of its chip."""
    return folder / "journal.jsonl"


def _lines_in(folder: Path) -> Path:
    return folder / "campaign.jsonl"


def _standing(path: Path) -> Standing | None:
    """Of a file of lines; None while it has no plan."""
    try:
        return _followed(read_lines(path).records)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is no campaign that this version understands: {error}; name another folder"
        ) from error


def _followed(records: Iterable[Mapping[str, Any]]) -> Standing | None:
    standing = None
    for record in records:
        if standing is None:
            standing = Standing.of(Plan.of_record(record))
        else:
            standing.follow(record)
    return standing
