"""In which order sums over a file are formed: it follows from the file, not from who forms them.

Consecutive leaves make a branch, whose sum is formed leaf by leaf, and branches are added pair by
pair. Only Gram matrices on this machine are formed in as many branches as it has workers: they are
too large for more. 1,000 frames of ethanol, 8,928 columns, take 119 s of CPU in 8 branches, 96 in 2
and 80 in one process without any, on a virtual machine where a new GB of memory costs 3 s.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

from rgnn_hal.structures import FilePart

MOST_BRANCHES = 64
_FEWEST_ATOMS = 1024
_MOST_ATOMS = 65_536
"""What is lost with a worker: ten minutes' work at the defaults."""

T = TypeVar("T")


def branches(leaves: Sequence[FilePart], most: int = MOST_BRANCHES) -> list[list[FilePart]]:
    """Groups of as equal a number of leaves as can be, at most so many."""
    count = min(most, len(leaves))
    ends = [len(leaves) * number // count for number in range(count + 1)]
    return [list(leaves[start:stop]) for start, stop in pairwise(ends)]


def gram_branches(leaves: Sequence[FilePart], workers: int | None) -> list[list[FilePart]]:
    """Branches to form Gram matrices in, for some workers or for any number of them."""
    atoms = sum(leaf.atoms for leaf in leaves)
    if workers is not None:
        return branches(leaves, workers * math.ceil(atoms / (workers * _MOST_ATOMS)))
    worth = max(2, atoms // _FEWEST_ATOMS)
    # A power of two shares well among 2, 4, 8 ... workers.
    return branches(leaves, min(MOST_BRANCHES, 2 ** (worth.bit_length() - 1)))


def pair_by_pair(parts: Sequence[T], add: Callable[[T, T], T]) -> T:
    """The sum of neighbours, of what that gives, and so on; one part at least."""
    while len(parts) > 1:
        pairs = [add(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = [*pairs, *parts[2 * len(pairs) :]]
    return parts[0]
