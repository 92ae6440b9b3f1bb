"""Controllers of small chips, spoken to in bytes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rgnn_hal_firmware import Chip, Preset
from rgnn_hal_firmware.scpi.array import SharedArray
from rgnn_hal_firmware.scpi.conversation import Conversation
from rgnn_hal_firmware.scpi.identity import Identity
from rgnn_hal_firmware.scpi.session import Session

MakePreset = Callable[..., Preset]
Connect = Callable[..., Conversation]


@pytest.fixture
def chip(make_preset: MakePreset) -> Chip:
    """8 rows x 6 columns, seed 3."""
    small = {"periphery.max_batch": 16, "periphery.max_samples": 8}
    return Chip(make_preset(8, 6, small), 3)


@pytest.fixture
def connect(chip: Chip) -> Connect:
    """Begin a conversation with the one controller of `chip`; it owns the array if asked to."""
    array = SharedArray(chip)
    identity = Identity.of(chip, 60.0)

    def begin(peer: str = "here:1", *, owning: bool = False) -> Conversation:
        talk = Conversation(Session(array, identity, peer))
        if owning:
            assert talk.reply(b"SYST:LOCK:REQ?;*CLS\n") == b"1\n"
        return talk

    return begin


@pytest.fixture
def talk(connect: Connect) -> Conversation:
    """The owner's conversation."""
    return connect(owning=True)


@pytest.fixture(scope="session")
def block() -> Callable[[Any], bytes]:
    """Bytes or an array as a definite-length block."""

    def encode(data: Any) -> bytes:
        body = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
        return f"#{len(str(len(body)))}{len(body)}".encode() + body

    return encode
