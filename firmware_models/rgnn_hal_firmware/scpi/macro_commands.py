"""What the macro does: pulses, products, single cells, time. One command is many cells.

Each first turns everything that it was given into what the chip takes, or refuses; then the chip is
asked, once, in one turn.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.chip import PulseKind
from rgnn_hal_firmware.parameters import LimitParameters, PulseEnvelope
from rgnn_hal_firmware.scpi import limits
from rgnn_hal_firmware.scpi.command import Command
from rgnn_hal_firmware.scpi.messages import Block
from rgnn_hal_firmware.scpi.parameters import (
    TYPES,
    Bytes,
    Choice,
    Integer,
    Number,
    Optional,
    Region,
)
from rgnn_hal_firmware.scpi.session import Session
from rgnn_hal_firmware.scpi.status import AT_FULL_SCALE, GROUNDED_BY_WATCHDOG
from rgnn_hal_firmware.window import Side, Window

FloatArray = NDArray[np.floating[Any]]

_KIND = Choice("kind", {kind.name: kind for kind in PulseKind})
_SIDE = Choice("side", {"ROWS": "rows", "COLS": "cols"})
_TYPE = Choice("type", TYPES)
_SAMPLES = Integer("samples", 0, 2**53)
_BATCH = Integer("batch", 0, 2**53)
_COUNT = Integer("count", 0, 2**53)


def _pulse(
    session: Session,
    kind: PulseKind,
    window: Window,
    width: float,
    count: int,
    dtype: np.dtype[Any],
    mask: Block,
    voltage: Block,
    gate: Block,
) -> None:
    parameters = session.identity.parameters
    limits.check_window(parameters, window)
    envelope = _envelope(parameters.limits, kind)
    limits.check_train(envelope, width, count)
    cells = limits.mask(mask, window)
    amplitude = limits.amplitude("voltage", voltage, dtype, cells, envelope.voltage)
    gates = limits.amplitude("gate", gate, dtype, cells, envelope.gate_voltage)
    with session.array.owned(session) as chip:
        chip.pulse(kind, cells, amplitude, gates, width, count, window)
    _lines_are_set(session)


def _hold(
    session: Session,
    side: Side,
    window: Window,
    batch: int,
    dtype: np.dtype[Any],
    block: Block,
) -> None:
    voltage = _drive(session, side, window, batch, dtype, block)
    with session.array.owned(session, driven=True) as chip:
        chip.apply(voltage, side, window)
    _lines_are_set(session)


def _read(session: Session, samples: int) -> FloatArray:
    limits.check_samples(session.identity.parameters, samples)
    with session.array.sensed(session) as chip:
        current = chip.read(samples)
    return _watched(session, current)


def _multiply(
    session: Session,
    side: Side,
    window: Window,
    batch: int,
    dtype: np.dtype[Any],
    samples: int,
    block: Block,
) -> FloatArray:
    limits.check_samples(session.identity.parameters, samples)
    voltage = _drive(session, side, window, batch, dtype, block)
    with session.array.owned(session, driven=True) as chip:
        chip.apply(voltage, side, window)
        current = chip.read(samples)
    _lines_are_set(session)
    return _watched(session, current)


def _conductance(session: Session, window: Window, samples: int, mask: Block | None) -> FloatArray:
    parameters = session.identity.parameters
    limits.check_window(parameters, window)
    limits.check_samples(parameters, samples)
    cells = None if mask is None else limits.mask(mask, window)
    with session.array.owned(session) as chip:
        conductance = chip.read_conductance(window, samples, cells)
    _lines_are_set(session)
    return conductance


def _time(session: Session) -> str:
    return f"{session.array.time:.17g}"


def _wait(session: Session, seconds: float) -> None:
    limits.check_wait(seconds)
    with session.array.owned(session) as chip:
        chip.ground()
        chip.wait(seconds)
    _lines_are_set(session)


def _safe(session: Session) -> None:
    session.array.ground(session)


def _drive(
    session: Session,
    side: Side,
    window: Window,
    batch: int,
    dtype: np.dtype[Any],
    block: Block,
) -> FloatArray:
    parameters = session.identity.parameters
    limits.check_window(parameters, window)
    limits.check_batch(parameters, batch)
    return limits.drive(parameters, block, dtype, batch, window, side)


def _envelope(parameters: LimitParameters, kind: PulseKind) -> PulseEnvelope:
    envelopes = {
        PulseKind.FORM: parameters.form,
        PulseKind.SET: parameters.set,
        PulseKind.RESET: parameters.reset,
    }
    return envelopes[kind]


def _lines_are_set(session: Session) -> None:
    session.status.questionable.set(GROUNDED_BY_WATCHDOG, False)


def _watched(session: Session, current: FloatArray) -> FloatArray:
    """`current` itself; whether it reached full scale is in the questionable register now."""
    most = session.identity.full_scale * (1 - 1e-6)  # float32 rounds
    reached = bool(current.max() >= most or current.min() <= -most)
    session.status.questionable.set(AT_FULL_SCALE, reached)
    return current


MACRO_COMMANDS = (
    Command(
        "MACRo:PULSe",
        _pulse,
        (
            _KIND,
            Region(),
            Number("width"),
            _COUNT,
            _TYPE,
            Bytes("mask"),
            Bytes("voltage"),
            Bytes("gate"),
        ),
    ),
    Command("MACRo:VOLTage", _hold, (_SIDE, Region(), _BATCH, _TYPE, Bytes("voltage"))),
    Command("MACRo:CURRent?", _read, (_SAMPLES,)),
    Command(
        "MACRo:MULTiply?", _multiply, (_SIDE, Region(), _BATCH, _TYPE, _SAMPLES, Bytes("voltage"))
    ),
    Command("MACRo:CONDuctance?", _conductance, (Region(), _SAMPLES, Optional(Bytes("mask")))),
    Command("MACRo:TIME?", _time),
    Command("MACRo:WAIT", _wait, (Number("time"),)),
    Command("MACRo:SAFE", _safe),
)
