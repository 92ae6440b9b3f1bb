"""One owner at a time; silence, disconnection and failures ground the array."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rgnn_hal_firmware import Chip, ChipStorageError, Preset
from rgnn_hal_firmware.scpi.array import SharedArray
from rgnn_hal_firmware.scpi.conversation import Conversation
from rgnn_hal_firmware.scpi.identity import Identity
from rgnn_hal_firmware.scpi.session import Session

Block = Callable[[Any], bytes]
Connect = Callable[..., Conversation]
MakePreset = Callable[..., Preset]


@pytest.fixture
def hold(block: Block) -> bytes:
    """The command that drives every row with 0.1 V."""
    return b"MACR:VOLT ROWS,0,8,0,6,1,REAL64,%b\n" % block(np.full((1, 8), 0.1))


def driven(chip: Chip) -> bool:
    return bool(np.any(chip._latched))


def error(talk: Conversation) -> int:
    return int(talk.reply(b"SYST:ERR?\n").split(b",")[0])


@pytest.mark.parametrize(
    "command",
    [
        b"*RST",
        b"MACR:PULS FORM,0,1,0,1,1e-3,1,REAL64,#11\1,#18\0\0\0\0\0\0\x10@,#18ffffff\xfa?",
        b"MACR:VOLT ROWS,0,1,0,6,1,REAL32,#14\0\0\0\0",
        b"MACR:CURR? 1",
        b"MACR:MULT? ROWS,0,1,0,6,1,REAL32,1,#14\0\0\0\0",
        b"MACR:COND? 0,1,0,1,1",
        b"MACR:WAIT 0",
    ],
)
def test_without_ownership_it_is_refused_and_with_it_done(connect: Connect, command: bytes) -> None:
    owner, other = connect("a:1"), connect("b:2")
    other.reply(command + b"\n")
    assert error(other) == 102
    assert owner.reply(b"SYST:LOCK:REQ?;SYST:LOCK:OWN?\n") == b'1;"a:1"\n'
    assert other.reply(b"SYST:LOCK:REQ?;SYST:LOCK:OWN?\n") == b'0;"a:1"\n'
    other.reply(command + b"\n")
    assert error(other) == 102
    owner.reply(command + b"\n")
    assert error(owner) == 0


def test_ownership_goes_back_and_grounds(connect: Connect, chip: Chip, hold: bytes) -> None:
    owner, other = connect("a:1", owning=True), connect("b:2")
    owner.reply(hold)
    assert driven(chip)
    other.reply(b"SYST:LOCK:REL\n")  # not its own
    assert driven(chip)
    owner.reply(b"SYST:LOCK:REL\n")
    assert not driven(chip)
    assert other.reply(b"SYST:LOCK:OWN?;SYST:LOCK:REQ?\n") == b'"NONE";1\n'


def test_reset_grounds_and_restores_the_watchdog(connect: Connect, chip: Chip, hold: bytes) -> None:
    owner = connect(owning=True)
    owner.reply(hold)
    assert owner.reply(b"SYST:WATC 5;SYST:WATC?;*RST;SYST:WATC?\n") == b"5;60\n"
    assert not driven(chip)


def test_anyone_may_ground_and_the_owner_learns_of_it(
    connect: Connect, chip: Chip, hold: bytes
) -> None:
    owner, other = connect("a:1", owning=True), connect("b:2")
    owner.reply(hold)
    other.reply(b"MACR:SAFE\n")
    assert not driven(chip)
    assert owner.reply(b"MACR:CURR? 1\n") == b""
    assert b"b:2 grounded" in owner.reply(b"SYST:ERR?\n")
    owner.reply(hold)
    assert owner.reply(b"MACR:CURR? 1\n") != b""
    owner.reply(b"MACR:SAFE\n")  # its own grounding is no surprise
    assert owner.reply(b"MACR:CURR? 1\n") != b""


class Patience:
    """A controller with a short watchdog, watched by hand."""

    def __init__(self, chip: Chip, seconds: float) -> None:
        self.array = SharedArray(chip)
        self.session = Session(self.array, Identity.of(chip, seconds), "a:1")
        self.talk = Conversation(self.session)
        assert self.talk.reply(b"SYST:LOCK:REQ?;*CLS\n") == b"1\n"

    def pass_by(self, seconds: float) -> None:
        self.session.heard_at -= seconds


def test_silence_grounds_the_array_and_is_reported(chip: Chip, hold: bytes) -> None:
    patience = Patience(chip, 5.0)
    talk = patience.talk
    assert patience.array.watch() is None  # nothing is driven
    talk.reply(hold)
    left = patience.array.watch()
    assert left is not None
    assert 4.0 < left <= 5.0
    assert driven(chip)
    patience.pass_by(5.0)
    assert patience.array.watch() is None
    assert not driven(chip)
    assert talk.reply(b"STAT:QUES:COND?;STAT:QUES?\n") == b"512;512\n"
    assert error(talk) == 101
    assert talk.reply(b"MACR:CURR? 1\n") == b""  # not the currents that the owner means
    assert error(talk) == 101
    assert talk.reply(hold + b"MACR:CURR? 1;STAT:QUES:COND?\n").endswith(b";0\n")
    assert error(talk) == 0


def test_a_long_operation_is_no_silence(
    chip: Chip, hold: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = Patience(chip, 5.0)
    patience.talk.reply(hold)
    read = chip.read

    def slow(samples: int) -> Any:
        patience.pass_by(60.0)
        return read(samples)

    monkeypatch.setattr(chip, "read", slow)
    patience.talk.reply(b"MACR:CURR? 1\n")
    left = patience.array.watch()
    assert left is not None
    assert left > 4.0
    assert driven(chip)


@pytest.mark.parametrize("seconds", [b"-1", b"0.001", b"1e6"])
def test_a_watchdog_that_cannot_be_is_refused(talk: Conversation, seconds: bytes) -> None:
    talk.reply(b"SYST:WATC %b\n" % seconds)
    assert error(talk) == -222
    assert talk.reply(b"SYST:WATC?\n") == b"60\n"


def test_without_a_watchdog_lines_stay_driven(chip: Chip, hold: bytes) -> None:
    patience = Patience(chip, 5.0)
    patience.talk.reply(b"SYST:WATC 0\n" + hold)
    patience.pass_by(1e6)
    assert patience.array.watch() is None
    assert driven(chip)


@pytest.mark.parametrize("failure", [RuntimeError("boom"), MemoryError()])
def test_a_fault_of_the_model_grounds_and_is_an_error(
    talk: Conversation, chip: Chip, hold: bytes, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*arguments: object) -> None:
        raise failure

    talk.reply(hold)
    monkeypatch.setattr(chip, "read", fail)
    assert talk.reply(b"MACR:CURR? 1;*OPC?\n") == b"1\n"
    assert error(talk) == -310
    assert not driven(chip)


def test_cells_that_cannot_be_stored_are_error_104_and_nothing_changed(
    make_preset: MakePreset, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip = Chip(make_preset(8, 6), 3)
    patience = Patience(chip, 0.0)
    before = patience.talk.reply(b"MACR:TIME?\n")

    def full(*arguments: object) -> None:
        raise ChipStorageError("no room")

    monkeypatch.setattr(chip, "_commit", full)
    pulse = b"MACR:PULS FORM,0,8,0,6,1e-3,1,REAL64,%b,%b,%b\n" % (
        block(b"\1" * 48),
        block(np.array([4.0])),
        block(np.array([1.65])),
    )
    patience.talk.reply(pulse)
    assert patience.talk.reply(b"SYST:ERR?\n").startswith(b'104,"State of the cells not stored;no')
    assert patience.talk.reply(b"MACR:TIME?\n") == before
    assert time.monotonic() - patience.session.heard_at < 60
