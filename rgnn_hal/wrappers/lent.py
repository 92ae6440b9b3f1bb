"""Lent: a macro for somebody who will close it, while its owner goes on using it.

A wrapper takes over the macro that it is given. Work that wraps a caller's macro for its own time
wraps what it was lent: closing that grounds the array and leaves the macro open.
"""

from rgnn_hal.wrappers._forward import Forwarding


class Lent(Forwarding):
    """A macro whose `close` is the borrower's, not the owner's."""

    def _close(self) -> None:
        pass
