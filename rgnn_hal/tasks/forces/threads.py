"""Who has the cores: torch, BLAS or threads of ours.

Torch works on pieces that fit a cache, whose calls are too short for two threads: rows of ethanol
take 18 ms a frame with two and 15 with one. Threads of ours share whole batches instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

A = TypeVar("A")
B = TypeVar("B")


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """In this thread, and in those that start while the block runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """The same for BLAS too; with more, single precision would be rounded in another way."""
    with one_torch_thread(), threadpool_limits(1, user_api="blas"):
        yield


def made_ahead(make: Callable[[A], B], items: Iterable[A], threads: int) -> Iterator[B]:
    """make(item) of all items, in order, by threads that are a few items ahead.

    It is torch that works, which lets go of Python's lock; torch itself has one thread meanwhile.
    """
    waiting: deque[Future[B]] = deque()
    with one_torch_thread(), ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(make, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
