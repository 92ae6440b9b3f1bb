"""What every SCPI instrument understands: IEEE 488.2 common commands, `SYSTem`, `STATus`."""

from collections.abc import Callable

from rgnn_hal_firmware.scpi.command import Answer, Command
from rgnn_hal_firmware.scpi.limits import check_watchdog
from rgnn_hal_firmware.scpi.parameters import Integer, Number
from rgnn_hal_firmware.scpi.session import Session
from rgnn_hal_firmware.scpi.status import OPERATION_COMPLETE, Register, Status

_BYTE = Integer("register", 0, 255)
_WORD = Integer("register", 0, 65535)
_MASTER_SUMMARY = 1 << 6
_SCPI_BITS = 0x7FFF
"""Bit 15 of SCPI's registers is not used."""


def _reset(session: Session) -> None:
    with session.array.owned(session) as chip:
        chip.ground()
    session.set_watchdog(session.identity.watchdog)


def _clear(session: Session) -> None:
    session.status.clear()


def _set_event_enable(session: Session, value: int) -> None:
    session.status.standard.enable = value


def _set_service_enable(session: Session, value: int) -> None:
    session.status.service_enable = value & ~_MASTER_SUMMARY


def _operation_complete(session: Session) -> None:
    session.status.standard.event |= OPERATION_COMPLETE


def _nothing(session: Session) -> None:
    pass


def _capability(session: Session) -> bytes:
    return session.identity.capability


def _tag(session: Session, number: int) -> str:
    return str(number)


def _request(session: Session) -> str:
    return str(int(session.array.claim(session)))


def _release(session: Session) -> None:
    session.array.release(session)


def _owner(session: Session) -> str:
    return f'"{session.array.owner or "NONE"}"'


def _set_watchdog(session: Session, seconds: float) -> None:
    check_watchdog(seconds)
    session.set_watchdog(seconds)


def _register(name: str, pick: Callable[[Status], Register]) -> tuple[Command, ...]:
    """The four commands of one of SCPI's status registers."""

    def event(session: Session) -> Answer:
        return str(pick(session.status).read_event())

    def condition(session: Session) -> Answer:
        return str(pick(session.status).condition)

    def set_enable(session: Session, value: int) -> None:
        pick(session.status).enable = value & _SCPI_BITS

    def enable(session: Session) -> Answer:
        return str(pick(session.status).enable)

    return (
        Command(f"STATus:{name}[:EVENt]?", event),
        Command(f"STATus:{name}:CONDition?", condition),
        Command(f"STATus:{name}:ENABle", set_enable, (_WORD,)),
        Command(f"STATus:{name}:ENABle?", enable),
    )


INSTRUMENT_COMMANDS = (
    Command("*IDN?", lambda session: session.identity.idn),
    Command("*RST", _reset),
    Command("*CLS", _clear),
    Command("*ESE", _set_event_enable, (_BYTE,)),
    Command("*ESE?", lambda session: str(session.status.standard.enable)),
    Command("*ESR?", lambda session: str(session.status.standard.read_event())),
    Command("*SRE", _set_service_enable, (_BYTE,)),
    Command("*SRE?", lambda session: str(session.status.service_enable)),
    Command("*STB?", lambda session: str(session.status.byte(answering=session.answering))),
    Command("*OPC", _operation_complete),
    Command("*OPC?", lambda session: "1"),
    Command("*WAI", _nothing),
    Command("*TST?", lambda session: "0"),
    Command("SYSTem:ERRor[:NEXT]?", lambda session: session.status.errors.pop()),
    Command("SYSTem:ERRor:ALL?", lambda session: session.status.errors.pop_all()),
    Command("SYSTem:ERRor:COUNt?", lambda session: str(len(session.status.errors))),
    Command("SYSTem:VERSion?", lambda session: "1999.0"),
    Command("SYSTem:CAPability?", _capability),
    Command("SYSTem:TAG?", _tag, (Integer("tag", 0, 2**53),)),
    Command("SYSTem:LOCK:REQuest?", _request),
    Command("SYSTem:LOCK:RELease", _release),
    Command("SYSTem:LOCK:OWNer?", _owner),
    Command("SYSTem:WATChdog", _set_watchdog, (Number("watchdog"),)),
    Command("SYSTem:WATChdog?", lambda session: f"{session.watchdog:.17g}"),
    *_register("OPERation", lambda status: status.operation),
    *_register("QUEStionable", lambda status: status.questionable),
    Command("STATus:PRESet", lambda session: session.status.preset()),
)
