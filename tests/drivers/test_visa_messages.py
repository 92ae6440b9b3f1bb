"""Interfaces whose messages have an end, as GPIB, USB and VXI-11 have: here HiSLIP."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from rgnn_hal.macro import Macro, Region, TransportError, open_macro
from rgnn_hal_drivers.visa import SessionPort, open_stream
from rgnn_hal_drivers.visa_stream import Broken, Silent
from rgnn_hal_firmware import Chip
from rgnn_hal_firmware.scpi.array import SharedArray
from rgnn_hal_firmware.scpi.conversation import Conversation
from rgnn_hal_firmware.scpi.identity import Identity
from rgnn_hal_firmware.scpi.session import Session
from tests.drivers.hislip import hislip

REGION = Region(2, 20, 3, 9)


class Board:
    """A chip's controller; `spoil` is what happens to the next answer."""

    def __init__(self, chip: Chip) -> None:
        self.spoil: Callable[[bytes], bytes] | None = None
        self._array = SharedArray(chip)
        self._identity = Identity.of(chip, 0.0)
        self._number = count()

    def connected(self) -> Callable[[bytes], bytes]:
        name = f"host:{next(self._number)}"
        conversation = Conversation(Session(self._array, self._identity, name))

        def reply(message: bytes) -> bytes:
            answer = conversation.reply(message)
            if self.spoil is not None:
                answer, self.spoil = self.spoil(answer), None
            return answer

        return reply


@pytest.fixture
def board(chip: Chip) -> Board:
    return Board(chip)


@pytest.fixture
def remote(board: Board) -> Iterator[Macro]:
    with (
        hislip(board.connected) as resource,
        open_macro(f"scpi://?resource={resource}&timeout_s=0.5&watchdog_s=0") as macro,
    ):
        yield macro


def session(macro: Macro) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    every = np.ones(REGION.shape, np.bool_)
    voltage = np.random.default_rng(0).uniform(-0.2, 0.2, (30, REGION.shape[0]))
    macro.pulse("form", every, voltage=4.0, gate_voltage=1.65, width=1e-3, region=REGION)  # type: ignore[arg-type]
    return [
        macro.read_conductance(REGION),
        macro.multiply(voltage, region=REGION),
        np.asarray(macro.clock()),
    ]


def test_the_same_chip_gives_the_same_numbers(remote: Macro, preset: Path) -> None:
    with open_macro(f"emulator://?seed=7&preset={preset}") as local:
        for ours, theirs in zip(session(remote), session(local), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("length", [1, 2, 9, 100, 864, -3, -1])
def test_an_answer_whose_message_ends_early_is_an_error_and_no_hang(
    remote: Macro, board: Board, length: int
) -> None:
    board.spoil = lambda answer: answer[:length]
    with pytest.raises(TransportError, match="ended its message before the answer was whole"):
        remote.read_conductance(REGION)


def test_an_answer_that_does_not_come_is_an_error_and_the_next_is_right(
    remote: Macro, board: Board
) -> None:
    board.spoil = lambda answer: b""
    with pytest.raises(TransportError, match="no answer within"):
        remote.read_conductance(REGION)
    assert remote.read_conductance(REGION).shape == REGION.shape


def test_lines_and_blocks_of_a_message_are_told_apart() -> None:
    with hislip(lambda: lambda message: b"one\n" + bytes(range(20)) + b"\nrest\n") as resource:
        stream = open_stream(resource, "@py", 5.0)
        assert isinstance(stream._port, SessionPort)
        deadline = time.monotonic() + 30.0
        stream.send([b"?\n"], deadline)
        assert stream.receive_line(10, deadline) == b"one\n"
        assert stream.receive(20, deadline) == bytes(range(20))
        assert stream.receive(1, deadline) == b"\n"
        assert stream.receive_line(10, deadline) == b"rest\n"
        with pytest.raises((Broken, Silent)):
            stream.receive_line(10, time.monotonic() + 0.2)
        stream.close()
