"""Who has the cores: torch and BLAS, or threads of ours.

Torch works on pieces that fit a cache, whose calls are too short for two threads: rows of ethanol
take 18 ms a frame with two and 15 with one. Threads of ours share leaves or members instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

from rgnn_hal.cost import Work, record, recording

A = TypeVar("A")
B = TypeVar("B")


@contextmanager
def one_thread() -> Iterator[None]:
    """Of torch and of BLAS; with more, single precision would be rounded in another way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


def in_threads(
    make: Callable[[A], B], items: Iterable[A], threads: int, give_up: Callable[[], None]
) -> Iterator[B]:
    """make(item) of all items, in order, by threads; what they record is recorded.

    Whatever interrupts this calls `give_up`, which makes those that are at work end soon.
    """
    waiting: deque[Future[tuple[B, Work]]] = deque()

    def told(made: tuple[B, Work]) -> B:
        record(made[1].digital)
        return made[0]

    with one_thread(), ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(_recorded, make, item))
                if len(waiting) > threads:
                    yield told(waiting.popleft().result())
            while waiting:
                yield told(waiting.popleft().result())
        except BaseException:
            give_up()
            pool.shutdown(cancel_futures=True)
            raise


def _recorded(make: Callable[[A], B], item: A) -> tuple[B, Work]:
    with recording() as work:
        return make(item), work
