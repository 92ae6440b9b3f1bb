"""What one connection has to itself: its status registers, its error queue, its watchdog.

Errors are told to the connection that made them and to no other, so that every one can be
attributed, and a second client cannot clear what the first has yet to read.
"""

import time

from rgnn_hal_firmware.scpi.array import SharedArray
from rgnn_hal_firmware.scpi.errors import ScpiError
from rgnn_hal_firmware.scpi.identity import Identity
from rgnn_hal_firmware.scpi.status import GROUNDED_BY_WATCHDOG, Status


class Session:
    """The state of one connection to a controller.

    Args:
        array: shared by all connections.
        identity: what the controller says that it is.
        peer: the connection's `host:port`.
    """

    def __init__(self, array: SharedArray, identity: Identity, peer: str) -> None:
        self.array = array
        self.identity = identity
        self.peer = peer
        self.status = Status()
        self.watchdog = identity.watchdog
        self.heard_at = time.monotonic()
        self.answering = False
        """Whether items of the message under way wait to be read."""

    def bitten(self, error: ScpiError) -> None:
        """The watchdog has grounded this owner's lines."""
        self.status.questionable.set(GROUNDED_BY_WATCHDOG, True)
        self.status.report(error)

    def set_watchdog(self, seconds: float) -> None:
        """Ground the array after `seconds` of silence, while this connection owns it."""
        self.watchdog = seconds
        self.array.wake.set()
