"""A command, declared: how it is spelled, what it takes, what it does.

A header is written as manuals do: capitals are the short form, brackets an optional node, so
`SYSTem:ERRor[:NEXT]?` is also `SYST:ERR?`, and nothing in between.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.scpi.parameters import Parameter

Answer = str | bytes | NDArray[np.floating[Any]] | None
"""One item of the answer: text, or what goes into a block; nothing for a command."""

_NODE = re.compile(r"(\[?):?([*A-Za-z]+)\]?")


@dataclass(frozen=True)
class Command:
    """One command or query."""

    header: str
    run: Callable[..., Answer]
    """Called with the session and the values of the parameters."""
    parameters: tuple[Parameter, ...] = ()

    def spellings(self) -> Iterator[str]:
        """Every header that means this command, in capitals."""
        mark = "?" if self.header.endswith("?") else ""
        nodes = []
        for bracket, node in _NODE.findall(self.header):
            short = "".join(c for c in node if not c.islower())
            nodes.append({short, node.upper()} | ({""} if bracket else set()))
        for choice in itertools.product(*nodes):
            yield ":".join(filter(None, choice)) + mark
