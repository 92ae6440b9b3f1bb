"""What the macro does over the wire: the chip's own currents, and every refusal changes nothing."""

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset, PulseKind, Window
from rgnn_hal_firmware.description import describe
from rgnn_hal_firmware.scpi.conversation import Conversation

Block = Callable[[Any], bytes]
Connect = Callable[..., Conversation]
MakePreset = Callable[..., Preset]

TYPES = {"REAL32": np.float32, "REAL64": np.float64}


def items(answer: bytes) -> list[bytes]:
    """The items of one line, blocks without their headers."""
    found = []
    while answer != b"\n":
        answer = answer.removeprefix(b";")
        if answer[:1] == b"#":
            digits = int(answer[1:2])
            start = 2 + digits
            stop = start + int(answer[2:start])
        else:
            start = 0
            stop = min(at for at in (answer.find(b";"), answer.find(b"\n")) if at >= 0)
        found.append(answer[start:stop])
        answer = answer[stop:]
    return found


def error(talk: Conversation) -> int:
    return int(talk.reply(b"SYST:ERR?\n").split(b",")[0])


@pytest.fixture
def twin(chip: Chip) -> Chip:
    """The same chip, in process."""
    return Chip(chip.preset, chip.seed)


@pytest.fixture
def form(block: Block) -> bytes:
    """The command that forms all cells of the 8 x 6 chip."""
    mask = block(np.ones(48, np.uint8))
    return b"MACR:PULS FORM,0,8,0,6,1e-3,1,REAL64,%b,%b,%b\n" % (
        mask,
        block(np.array([4.0])),
        block(np.array([1.65])),
    )


windows = st.tuples(
    st.integers(0, 7), st.integers(1, 8), st.integers(0, 5), st.integers(1, 6)
).filter(lambda w: w[0] < w[1] and w[2] < w[3])
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["pulse", "multiply", "hold", "read", "cells", "some cells", "wait", "ground"]
        ),
        windows.map(lambda bounds: Window(*bounds)),
        st.sampled_from(["rows", "cols"]),
        st.sampled_from(["REAL32", "REAL64"]),
        st.integers(1, 4),
        st.integers(0, 2**32 - 1),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.booleans())
def test_the_same_operations_give_the_same_bits_as_in_process(
    make_preset: MakePreset, block: Block, steps: list[tuple[Any, ...]], exact: bool
) -> None:
    from rgnn_hal_firmware.scpi.array import SharedArray
    from rgnn_hal_firmware.scpi.identity import Identity
    from rgnn_hal_firmware.scpi.session import Session

    preset = make_preset(8, 6)
    near, far = Chip(preset, 5, exact=exact), Chip(preset, 5, exact=exact)
    talk = Conversation(Session(SharedArray(far), Identity.of(far, 0.0), "here:1"))
    assert talk.reply(b"SYST:LOCK:REQ?\n") == b"1\n"
    for verb, window, side, name, number, seed in steps:
        draw = np.random.default_rng(seed)
        region = ",".join(map(str, window)).encode()
        lines = window.shape[0 if side == "rows" else 1]
        voltage = draw.uniform(-0.2, 0.2, (number, lines)).astype(TYPES[name])
        drive = b"%s,%b,%d,%s" % (side.upper().encode(), region, number, name.encode())
        expected: NDArray[Any] | None = None
        if verb == "pulse":
            kind = list(PulseKind)[number % 3]
            mask = draw.random(window.shape) < 0.7
            amplitude = draw.uniform(2.0, 2.4, window.shape) + 1.5 * (kind is PulseKind.FORM)
            gate = draw.uniform(1.2, 2.0, window.shape)
            near.pulse(kind, mask, amplitude, gate, 1e-6, number, window)
            command = b"MACR:PULS %s,%b,1e-06,%d,REAL64,%b,%b,%b" % (
                kind.name.encode(),
                region,
                number,
                block(mask.astype(np.uint8)),
                block(amplitude),
                block(gate),
            )
        elif verb == "multiply":
            near.apply(voltage, side, window)
            expected = near.read(number)
            command = b"MACR:MULT? %b,%d,%b" % (drive, number, block(voltage))
        elif verb == "hold":
            near.apply(voltage, side, window)
            command = b"MACR:VOLT %b,%b" % (drive, block(voltage))
        elif verb == "read":
            expected = near.read(number)
            command = b"MACR:CURR? %d" % number
        elif verb == "cells":
            expected = near.read_conductance(window, number)
            command = b"MACR:COND? %b,%d" % (region, number)
        elif verb == "some cells":
            mask = draw.random(window.shape) < 0.5
            expected = near.read_conductance(window, number, mask)
            ones = block(mask.astype(np.uint8))
            command = b"MACR:COND? %b,%d,%b" % (region, number, ones)
        elif verb == "wait":
            near.ground()
            near.wait(number / 7)
            command = b"MACR:WAIT %.17g" % (number / 7)
        else:
            near.ground()
            command = b"MACR:SAFE"
        answer = items(talk.reply(command + b";SYST:ERR?;MACR:TIME?\n"))
        assert answer[-2:] == [b'0,"No error"', b"%.17g" % near.time]
        if expected is not None:
            assert answer[0] == expected.tobytes()


def test_the_capabilities_are_the_chips_own_numbers(talk: Conversation, chip: Chip) -> None:
    (text,) = items(talk.reply(b"SYST:CAP?\n"))
    said = json.loads(text)
    own = describe(chip, persistent=True)
    assert {key: said[key] for key in own} == own
    assert said.keys() - own.keys() == {
        "dialect",
        "max_message_bytes",
        "clock",
        "nonvolatile",
        "watchdog_s",
    }
    assert (said["dialect"], said["clock"], said["watchdog_s"]) == (1, "virtual", 60.0)
    assert (
        talk.reply(b"*IDN?\n") == f"rgnn_hal,{said['identity'].replace('-', ',', 1)},1.0\n".encode()
    )


def test_the_longest_batch_fits_into_a_message(talk: Conversation, block: Block) -> None:
    voltage = block(np.zeros((16, 8)))
    assert talk.reply(b"MACR:MULT? ROWS,0,8,0,6,16,REAL64,1,%b;*OPC?\n" % voltage).endswith(b";1\n")


V1 = np.zeros((1, 8))
ONES = np.ones(48, np.uint8)


def pulse(block: Block, **changes: Any) -> bytes:
    """A good FORM pulse on all cells, with parts replaced."""
    parts = {
        "kind": b"FORM", "region": b"0,8,0,6", "width": b"1e-3", "count": b"1", "type": b"REAL64",
        "mask": block(ONES), "voltage": block(np.array([4.0])), "gate": block(np.array([1.65])),
    }  # fmt: skip
    return b"MACR:PULS " + b",".join((parts | changes).values())


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (lambda b: pulse(b, kind=b"ERASE"), -224),
        (lambda b: pulse(b, kind=b"1"), -104),
        (lambda b: pulse(b, kind=b"'FORM'"), -104),
        (lambda b: pulse(b, region=b"0,9,0,6"), -222),
        (lambda b: pulse(b, region=b"4,4,0,6"), -222),
        (lambda b: pulse(b, region=b"0,8,-1,6"), -222),
        (lambda b: pulse(b, region=b"0,8,0.5,6"), -222),
        (lambda b: pulse(b, width=b"1"), -222),
        (lambda b: pulse(b, width=b"nan"), -224),
        (lambda b: pulse(b, width=b"INF"), -224),
        (lambda b: pulse(b, width=b"1e999"), -222),
        (lambda b: pulse(b, width=b"1ms"), -131),
        (lambda b: pulse(b, width=b"1_0"), -120),
        (lambda b: pulse(b, width=b"#H1"), -224),
        (lambda b: pulse(b, count=b"0"), -222),
        (lambda b: pulse(b, count=b"99999999"), -222),
        (lambda b: pulse(b, type=b"REAL16"), -224),
        (lambda b: pulse(b, mask=b(ONES[:-1])), -161),
        (lambda b: pulse(b, mask=b(2 * ONES)), -161),
        (lambda b: pulse(b, mask=b"1"), -104),
        (lambda b: pulse(b, voltage=b(np.array([9.0]))), -222),
        (lambda b: pulse(b, voltage=b(np.array([np.nan]))), -222),
        (lambda b: pulse(b, voltage=b(np.full(48, np.inf))), -222),
        (lambda b: pulse(b, voltage=b(np.array([4.0], np.float32))), -161),
        (lambda b: pulse(b, gate=b(np.full(47, 1.65))), -161),
        (lambda b: pulse(b, gate=b(np.array([-1.0]))), -222),
        (lambda b: pulse(b) + b",1", -108),
        (lambda b: pulse(b) + b"," + b(b"x"), -168),
        (lambda b: b"MACR:PULS FORM,0,8,0,6", -109),
        (lambda b: b"MACR:VOLT SIDE,0,8,0,6,1,REAL64," + b(V1), -224),
        (lambda b: b"MACR:VOLT ROWS,0,8,0,6,0,REAL64," + b(b""), -222),
        (lambda b: b"MACR:VOLT ROWS,0,8,0,6,17,REAL64," + b(np.zeros((17, 8))), -222),
        (lambda b: b"MACR:VOLT ROWS,0,8,0,6,2,REAL64," + b(V1), -161),
        (lambda b: b"MACR:VOLT ROWS,0,8,0,6,1,REAL64," + b(V1 + 0.21), -222),
        (lambda b: b"MACR:VOLT ROWS,0,8,0,6,1,REAL64," + b(V1 + np.nan), -222),
        (lambda b: b"MACR:VOLT #11x,0,8,0,6,1,REAL64," + b(V1), -168),
        (lambda b: b"MACR:MULT? ROWS,0,8,0,6,1,REAL64,9," + b(V1), -222),
        (lambda b: b"MACR:MULT? ROWS,0,8,0,6,1,REAL64,0," + b(V1), -222),
        (lambda b: b"MACR:MULT? ROWS,0,8,0,6,1,REAL64,1," + b(V1 - 0.3), -222),
        (lambda b: b"MACR:CURR? 0", -222),
        (lambda b: b"MACR:CURR? 1e300", -222),
        (lambda b: b"MACR:CURR?", -109),
        (lambda b: b"MACR:COND? 0,8,0,7,1", -222),
        (lambda b: b"MACR:COND? 0,8,0,6,9", -222),
        (lambda b: b"MACR:COND? 0,8,0,6,1," + b(ONES[1:]), -161),
        (lambda b: b"MACR:COND? 0,8,0,6,1,1", -104),
        (lambda b: b"MACR:COND? 0,8,0,6,1," + b(ONES) + b",1", -108),
        (lambda b: b"MACR:COND? 0,8,0,6", -109),
        (lambda b: b"MACR:COND? 0,8,0,1e10,1", -222),
        (lambda b: b"MACR:WAIT -1", -222),
        (lambda b: b"MACR:WAIT 1e13", -222),
        (lambda b: b"MACR:WAIT now", -104),
    ],
)  # fmt: skip
def test_a_refused_command_changes_nothing(
    talk: Conversation,
    twin: Chip,
    block: Block,
    form: bytes,
    command: Callable[[Block], bytes],
    number: int,
) -> None:
    held = np.linspace(-0.2, 0.2, 8)[None, :]
    talk.reply(form)
    talk.reply(b"MACR:VOLT ROWS,0,8,0,6,1,REAL64,%b\n" % block(held))
    twin.pulse(
        PulseKind.FORM, np.ones((8, 6), bool), np.full((8, 6), 4.0), np.full((8, 6), 1.65),
        1e-3, 1, twin.whole,
    )  # fmt: skip
    twin.apply(held, "rows", twin.whole)
    assert talk.reply(command(block) + b"\n") == b""
    assert error(talk) == number
    assert error(talk) == 0
    answer = items(talk.reply(b"MACR:TIME?;MACR:CURR? 2;MACR:COND? 0,8,0,6,1;SYST:ERR:COUN?\n"))
    assert answer == [
        b"%.17g" % twin.time,
        twin.read(2).tobytes(),
        twin.read_conductance(twin.whole).tobytes(),
        b"0",
    ]


def test_refused_blocks_are_not_kept(talk: Conversation, block: Block) -> None:
    message = b"MACR:VOLT ROWS,0,8,0,6,1,REAL64,%b\n" % block(bytes(4000))
    tracemalloc.start()
    try:
        for _ in range(30):
            talk.reply(message)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert error(talk) == -161
    assert kept < 60_000


def test_a_refusal_names_value_and_limit(talk: Conversation, block: Block) -> None:
    talk.reply(b"MACR:VOLT ROWS,0,8,0,6,1,REAL64,%b\n" % block(V1 + 0.3))
    text = talk.reply(b"SYST:ERR?\n")
    assert text.startswith(b'-222,"Data out of range;')
    assert b"0.3 V" in text
    assert b"-0.2 ... 0.2 V" in text


def test_limits_are_compared_in_the_precision_that_arrived(
    talk: Conversation, twin: Chip, block: Block
) -> None:
    top = np.full((1, 8), 0.2, np.float32)
    answer = items(talk.reply(b"MACR:MULT? ROWS,0,8,0,6,1,REAL32,1,%b;SYST:ERR?\n" % block(top)))
    twin.apply(top, "rows", twin.whole)
    assert answer == [twin.read(1).tobytes(), b'0,"No error"']
    low = np.array([twin.preset.parameters.limits.set.voltage[0]], np.float32)
    gate = np.array([1.5], np.float32)
    set_ = pulse(block, kind=b"SET", type=b"REAL32", voltage=block(low), gate=block(gate),
                 width=b"1e-6")  # fmt: skip
    talk.reply(set_ + b"\n")
    assert error(talk) == 0


def test_what_stands_outside_of_the_mask_means_nothing(
    connect: Connect, twin: Chip, block: Block
) -> None:
    talk = connect(owning=True)
    mask = np.zeros((8, 6), bool)
    mask[2:5, 1:4] = True
    good = np.full((8, 6), 4.0)
    twin.pulse(PulseKind.FORM, mask, good, np.full((8, 6), 1.65), 1e-3, 1, twin.whole)
    wild = np.where(mask, good, np.nan)
    talk.reply(pulse(block, mask=block(mask.astype(np.uint8)), voltage=block(wild)) + b"\n")
    assert error(talk) == 0
    (cells,) = items(talk.reply(b"MACR:COND? 0,8,0,6,1\n"))
    assert cells == twin.read_conductance(twin.whole).tobytes()


def test_a_current_at_full_scale_is_questionable(
    make_preset: MakePreset, block: Block, form: bytes
) -> None:
    from rgnn_hal_firmware.scpi.array import SharedArray
    from rgnn_hal_firmware.scpi.identity import Identity
    from rgnn_hal_firmware.scpi.session import Session

    chip = Chip(make_preset(8, 6, {"periphery.full_scale": 5e-6}), 3)
    talk = Conversation(Session(SharedArray(chip), Identity.of(chip, 0.0), "here:1"))
    talk.reply(b"SYST:LOCK:REQ?\n" + form)
    for level, condition in ((0.2, 1024), (0.0, 0)):
        talk.reply(b"MACR:MULT? ROWS,0,8,0,6,1,REAL32,1,%b\n" % block(np.full(8, level, "f4")))
        assert talk.reply(b"STAT:QUES:COND?\n") == b"%d\n" % condition
    assert talk.reply(b"STAT:QUES?;STAT:QUES?\n") == b"1024;0\n"
