"""IEEE 488.2 and SCPI-99 status: registers, summaries, the error queue."""

from collections.abc import Callable

import pytest

from rgnn_hal_firmware.scpi.conversation import Conversation

Connect = Callable[..., Conversation]


def test_a_connection_begins_as_after_power_on(connect: Connect) -> None:
    talk = connect()
    assert talk.reply(b"*ESR?;*ESR?;*ESE?;*SRE?;SYST:ERR?\n") == b'128;0;0;0;0,"No error"\n'


@pytest.mark.parametrize(
    ("command", "number", "event"),
    [
        (b"FOO", -113, 32),
        (b"SYST:TAG?", -109, 32),
        (b"SYST:WATC 1e9", -222, 16),
        (b"SYST:TAG? NAN", -224, 16),
        (b"MACR:SAFE;MACR:WAIT 1", 102, 8),
    ],
)
def test_errors_latch_their_class(
    connect: Connect, command: bytes, number: int, event: int
) -> None:
    talk = connect()
    talk.reply(b"*CLS\n")
    assert talk.reply(command + b"\n") == b""
    assert talk.reply(b"*ESR?\n") == b"%d\n" % event
    assert talk.reply(b"SYST:ERR?\n").startswith(b"%d," % number)
    assert talk.reply(b"SYST:ERR?\n") == b'0,"No error"\n'


def test_the_status_byte_summarises(talk: Conversation) -> None:
    assert talk.reply(b"*STB?\n") == b"0\n"
    assert talk.reply(b"*OPC?;*STB?\n") == b"1;16\n"  # an answer waits
    talk.reply(b"FOO\n")
    assert talk.reply(b"*STB?\n") == b"4\n"  # an error waits
    talk.reply(b"*ESE 32\n")
    assert talk.reply(b"*STB?\n") == b"36\n"
    talk.reply(b"*SRE 32\n")
    assert talk.reply(b"*STB?\n") == b"100\n"
    assert talk.reply(b"*SRE 255;*SRE?\n") == b"191\n"  # MSS cannot be enabled
    talk.reply(b"*CLS\n")
    assert talk.reply(b"*STB?;*ESE?\n") == b"0;32\n"


def test_opc_is_an_event_or_an_answer(talk: Conversation) -> None:
    assert talk.reply(b"*OPC;*WAI;*ESR?;*OPC?;*ESR?;*TST?\n") == b"1;1;0;0\n"


def test_scpi_registers_are_enabled_preset_and_bounded(talk: Conversation) -> None:
    for name in (b"OPER", b"QUESTIONABLE"):
        assert talk.reply(b"STAT:%b:ENAB 65535;:STAT:%b:ENAB?\n" % (name, name)) == b"32767\n"
        assert talk.reply(b"STAT:%b?;STAT:%b:EVEN?;STAT:%b:COND?\n" % ((name,) * 3)) == b"0;0;0\n"
    assert talk.reply(b"STAT:PRES;STAT:OPER:ENAB?;STAT:QUES:ENAB?\n") == b"0;0\n"
    talk.reply(b"STAT:OPER:ENAB 65536\n")
    assert talk.reply(b"SYST:ERR?;STAT:OPER:ENAB?\n").startswith(b"-222,")


def test_the_error_queue_overflows_into_350(talk: Conversation) -> None:
    talk.reply(b"FOO1\n" * 40)
    assert talk.reply(b"SYST:ERR:COUN?\n") == b"32\n"
    entries = talk.reply(b"SYST:ERR:ALL?\n").split(b'",')
    assert len(entries) == 32
    assert entries[-1] == b'-350,"Queue overflow"\n'
    assert all(entry.startswith(b'-113,"Undefined header;FOO1') for entry in entries[:-1])
    assert talk.reply(b"SYST:ERR:COUN?;:SYST:ERR:ALL?\n") == b'0;0,"No error"\n'


def test_an_entry_is_printable_quoted_and_not_too_long(talk: Conversation) -> None:
    talk.reply(b'SYST:TAG? x"\x01\n')
    talk.reply(b"SYST:TAG? " + b"x" * 4000 + b"\n")
    for _ in range(2):
        entry = talk.reply(b"SYST:ERR?\n")
        assert entry.isascii()
        assert entry.strip().decode().isprintable()
        assert len(entry) < 300
        assert entry.count(b'"') % 2 == 0


def test_errors_belong_to_their_connection(connect: Connect) -> None:
    first, second = connect("a:1"), connect("b:2")
    first.reply(b"FOO\n")
    assert second.reply(b"*CLS;SYST:ERR:COUN?\n") == b"0\n"
    assert first.reply(b"SYST:ERR:COUN?\n") == b"1\n"
