"""Work is seen by whoever records, once, and by nobody else."""

import threading

import numpy as np
import torch

from rgnn_hal.cost import Ledger, Operations, Work, products, record, recording
from rgnn_hal.cost.digital import count_work


def test_recordings_nest_and_each_sees_what_happens_inside_it() -> None:
    with recording() as outer:
        record(products(2))
        with recording() as inner:
            record(products(3))
            record(Ledger(pulses=4))
        record(Ledger(pulses=5))
    record(products(100))  # nobody listens
    assert (inner.digital.macs, inner.analog.pulses) == (3, 4)
    assert (outer.digital.macs, outer.analog.pulses) == (5, 9)
    assert (inner + outer).digital == products(8)


def test_a_thread_records_for_itself() -> None:
    with recording() as here:
        thread = threading.Thread(target=record, args=(products(7),))
        thread.start()
        thread.join()
    assert here == Work()


def test_a_failed_block_ends_its_recording() -> None:
    try:
        with recording() as work:
            raise RuntimeError
    except RuntimeError:
        record(products(1))
    assert work == Work()


def test_torch_and_what_reports_itself_are_counted_together() -> None:
    with count_work() as work:
        torch.ones(2, 3) @ torch.ones(3, 4)
        record(products(int(np.prod((2, 3, 4)))))
        record(Ledger(multiplications=10, conversions=6))
    assert work.digital.macs == 48
    assert work.all_digital.macs == 58
    assert work.analog == Ledger(multiplications=10, conversions=6)
    assert work.analog * 3 == Ledger(multiplications=30, conversions=18)


def test_operations_merge_in_place_as_by_addition() -> None:
    one, other = Operations(1, 2, 3, 4), Operations(5, 6, 7, 8)
    total = one + other
    one.add(other)
    assert one == total
