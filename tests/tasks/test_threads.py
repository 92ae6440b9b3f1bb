"""Members in threads: their order, their work, and what an interruption leaves to do."""

from threading import Event

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.cost import products, record, recording
from rgnn_hal.tasks.forces.threads import in_threads


def nobody() -> None:
    pass


@given(items=st.lists(st.integers(0, 9), max_size=12), threads=st.integers(1, 4))
def test_results_come_in_order_and_their_work_is_recorded(items: list[int], threads: int) -> None:
    def make(item: int) -> int:
        record(products(item))
        return -item

    before = torch.get_num_threads()
    with recording() as work:
        found = list(in_threads(make, items, threads, nobody))
    assert found == [-item for item in items]
    assert work.digital.macs == sum(items)
    assert torch.get_num_threads() == before


def test_what_is_at_work_is_told_to_end_when_one_fails() -> None:
    given_up, started = Event(), list[int]()

    def make(item: int) -> int:
        started.append(item)
        if item == 0:
            raise ValueError("no")
        assert given_up.wait(10.0), "nobody told"
        return item

    with pytest.raises(ValueError, match="no"):
        list(in_threads(make, range(50), 2, given_up.set))
    assert len(started) <= 4
