"""In which order sums over a file are formed: it follows from the file, not from who forms them.

Consecutive leaves make a branch, whose sum is formed leaf by leaf, and branches are added pair by
pair. Any number of workers gives the same to the bit.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

from rgnn_hal.structures import FilePart

MOST_BRANCHES = 64
_BRANCH_ATOMS = 1024
"""Some 3,400 rows: adding them to a Gram matrix takes 20 times as long as adding two matrices."""

T = TypeVar("T")


def branches(leaves: Sequence[FilePart], most: int = MOST_BRANCHES) -> list[list[FilePart]]:
    """Groups of as equal a number of leaves as can be, at most so many."""
    count = min(most, len(leaves))
    ends = [len(leaves) * number // count for number in range(count + 1)]
    return [list(leaves[start:stop]) for start, stop in pairwise(ends)]


def worth_a_gram(leaves: Sequence[FilePart]) -> int:
    """Branches to form Gram matrices in: a power of two, which shares well among 2, 4, 8 ..."""
    worth = sum(leaf.atoms for leaf in leaves) // _BRANCH_ATOMS
    return int(min(MOST_BRANCHES, 2 ** (max(2, worth).bit_length() - 1)))


def pair_by_pair(parts: Sequence[T], add: Callable[[T, T], T]) -> T:
    """The sum of neighbours, of what that gives, and so on; one part at least."""
    while len(parts) > 1:
        pairs = [add(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = [*pairs, *parts[2 * len(pairs) :]]
    return parts[0]
