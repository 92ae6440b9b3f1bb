"""A sum over a file is formed in an order that follows from the file."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.structures import FilePart
from rgnn_hal.tasks.forces.branches import MOST_BRANCHES, branches, gram_branches, pair_by_pair


def leaves_of(atoms: Sequence[int]) -> list[FilePart]:
    return [FilePart(0, first, 1, count) for first, count in enumerate(atoms)]


@given(atoms=st.lists(st.integers(1, 5000), min_size=1, max_size=200), most=st.integers(1, 64))
def test_branches_hold_every_leaf_once_in_order(atoms: list[int], most: int) -> None:
    leaves = leaves_of(atoms)
    found = branches(leaves, most)
    assert [leaf for branch in found for leaf in branch] == leaves
    assert len(found) == min(most, len(leaves))
    assert max(map(len, found)) - min(map(len, found)) <= 1


@given(atoms=st.lists(st.integers(1, 5000), min_size=1, max_size=200), workers=st.integers(1, 9))
def test_as_many_gram_matrices_as_workers_share_a_file(atoms: list[int], workers: int) -> None:
    leaves = leaves_of(atoms)
    found = gram_branches(leaves, workers)
    assert [leaf for branch in found for leaf in branch] == leaves
    assert len(found) % workers == 0 or len(found) == len(leaves)


def test_any_number_of_workers_shares_a_file_by_a_thousand_atoms() -> None:
    files = [leaves_of([252] * (9 * n // 252 + 1)) for n in (20, 300, 1000, 10**5)]
    assert [len(gram_branches(leaves, None)) for leaves in files] == [1, 2, 8, MOST_BRANCHES]


@given(st.lists(st.text(max_size=1), min_size=1))
def test_neighbours_are_added_in_order(parts: list[str]) -> None:
    assert pair_by_pair(parts, lambda a, b: a + b) == "".join(parts)


def test_pairs_are_added_like_a_tree() -> None:
    assert pair_by_pair(list("abcde"), lambda a, b: f"({a}{b})") == "(((ab)(cd))e)"
