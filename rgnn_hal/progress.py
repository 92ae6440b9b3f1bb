"""How long work reports its progress: a call with what is done, of how much, in which unit.

Library code calls `progress(done, total, label)`; the command line turns that into a bar, and
`silent` is the default everywhere, so that a library never prints.
"""

from typing import Protocol


class Progress(Protocol):
    """Receives progress; must return quickly and must not raise."""

    def __call__(self, done: int, total: int, label: str) -> None:
        """`done` of `total` steps of the phase named `label` are complete."""


def silent(done: int, total: int, label: str) -> None:
    """Report to nobody."""
