"""Nothing that comes over the wire breaks the controller.

By default some thousand inputs; a hundred thousand with

    pytest -m slow tests/firmware/scpi/test_fuzz.py

Each input is bytes that mutate good messages, in chunks. Whatever it was: nothing is raised, no
fault of the model is reported (-310), and the next good message is answered, on the same connection
or, where commands could no longer be told from data, on a new one.
"""

import resource
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rgnn_hal_firmware.scpi.conversation import COMMANDS, Conversation
from rgnn_hal_firmware.scpi.errors import ScpiError
from rgnn_hal_firmware.scpi.status import Status

Connect = Callable[..., Conversation]

_MARKS = [
    *(b"#", b"#0", b"#13abc", b"#3100", b"#9999999999", b"#H1", b'"', b"'", b";", b",", b"\n"),
    *(b":", b"?", b"NAN", b"INF", b"-1", b"1e999", b"0,8,0,6", b"REAL64", b"\x00", b"\xff"),
]
_CELLS = b"#248" + b"\1" * 48
_SEEDS = [
    b"MACR:PULS FORM,0,8,0,6,1e-3,1,REAL64,#248"
    + b"\1" * 48
    + b",#18\0\0\0\0\0\0\x10@,#18ffffff\xfa?\n",
    b"MACR:PULS RESET,0,1,0,2,1e-6,3,REAL32,#12\1\0,#18\0\0\0@\0\0\0@,#14\0\0\0@\n",
    b"MACR:VOLT ROWS,0,8,0,6,1,REAL32,#232" + b"\0" * 32 + b";MACR:CURR? 2\n",
    b"MACR:MULT? COLS,0,8,0,6,1,REAL64,3,#248" + b"\0" * 48 + b";SYST:ERR?\n",
    b"MACR:COND? 0,4,0,6,1;TIME?;*STB?\n",
    b"SYST:WATC 5;SYST:WATC?;SYST:LOCK:OWN?;SYST:LOCK:REQ?\n",
    b"SYST:ERR:ALL?;*CLS;*ESE 255;*SRE 255;*ESR?;STAT:QUES:ENAB 7;STAT:OPER?\n",
    b"MACR:WAIT 1e-3;MACR:TIME?;SYST:TAG? 12;SYST:CAP?\n",
    *(command.header.encode() + b" 1,2,'x'\n" for command in COMMANDS),
]


@pytest.fixture(autouse=True)
def no_fault_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a system error, which stands for an exception that nobody foresaw, end the test."""
    report = Status.report

    def strict(status: Status, error: ScpiError) -> None:
        assert error.number != -310, error.detail
        report(status, error)

    monkeypatch.setattr(Status, "report", strict)


def mutated(draw: np.random.Generator) -> bytes:
    """A few good messages with some of their bytes changed, moved or replaced by marks."""
    picked = draw.integers(0, len(_SEEDS), draw.integers(1, 4))
    data = bytearray(b"".join(_SEEDS[index] for index in picked))
    for _ in range(draw.integers(0, 8)):
        start = int(draw.integers(0, len(data) + 1))
        stop = start + int(draw.integers(0, 6))
        match draw.integers(0, 5):
            case 0:
                data[start:stop] = draw.bytes(stop - start)
            case 1:
                del data[start:stop]
            case 2:
                data[start:start] = _MARKS[draw.integers(0, len(_MARKS))]
            case 3:
                data[start:stop] = _MARKS[draw.integers(0, len(_MARKS))]
            case _:
                data[start:start] = data[stop : stop + 20]
    return bytes(data)


def survive(talk: Conversation, connect: Connect, data: bytes, cuts: list[int]) -> Conversation:
    """Say `data` in pieces; the conversation that goes on afterwards."""
    bounds = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, stop in pairwise(bounds):
        talk.reply(data[start:stop])
    if not talk.over and not talk.reply(b"\n*CLS;SYST:TAG? 7\n").endswith(b"7\n"):
        talk.reply(b"\n" * talk.session.identity.max_message_bytes)  # fill the block under way
    if talk.over:
        talk.session.array.release(talk.session)
        talk = connect()
    # An answer that was under way may come first.
    assert talk.reply(b"\n*CLS;SYST:TAG? 8\n").split(b"\n")[-2].split(b";")[-1] == b"8"
    talk.reply(b"SYST:LOCK:REQ?\n")
    return talk


def fuzz(connect: Connect, inputs: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    talk = connect(owning=True)
    for _ in range(inputs):
        cuts = draw.integers(0, 1 << 16, draw.integers(0, 4)).tolist()
        talk = survive(talk, connect, mutated(draw), cuts)


def test_some_thousand_mutated_messages_are_survived(connect: Connect) -> None:
    fuzz(connect, 3000, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_thousand_mutated_messages_are_survived(connect: Connect, seed: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fuzz(connect, 10_000, seed=100 + seed)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(_SEEDS) | st.sampled_from(_MARKS) | st.binary(max_size=20), max_size=8
    ),
    st.lists(st.integers(0, 500), max_size=4),
)
def test_what_hypothesis_finds_is_survived(
    connect: Connect, pieces: list[bytes], cuts: list[int]
) -> None:
    talk = connect("searched:1")
    talk.reply(b"SYST:LOCK:REQ?\n")
    talk = survive(talk, connect, b"".join(pieces), cuts)
    talk.session.array.release(talk.session)
