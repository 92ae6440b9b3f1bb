"""Work is seen by whoever records, once, and by nobody else."""

import threading

import numpy as np
import torch

from rgnn_hal import open_macro
from rgnn_hal.cost import Ledger, Operations, Work, products, record, recording
from rgnn_hal.cost.digital import count_work
from rgnn_hal.macro import Region
from rgnn_hal.programming import form, write_verify
from rgnn_hal.programming.forming import FormingRamp
from rgnn_hal.programming.write_verify import FINAL_SAMPLES
from rgnn_hal.reservoir.frozen import freeze


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


def test_forming_and_reading_back_report_their_pulses_and_reads() -> None:
    with open_macro("emulator://?seed=1") as macro, recording() as work:
        report = form(macro, Region(0, 16, 0, 12), fraction=0.5)
    ramp = FormingRamp.within(macro.spec).voltages
    # A cell is pulsed at every amplitude up to the one that broke it down, or at all of them.
    last = np.where(report.formed, report.breakdown_voltage, ramp[-1])
    pulses = int(np.searchsorted(ramp, last[report.selected] - 1e-9).sum() + report.selected.sum())
    assert work.analog == Ledger(pulses=pulses, cell_reads=16 * 12 + pulses)


def test_writing_reports_what_its_report_says() -> None:
    region = Region(0, 8, 0, 8)
    with open_macro("emulator://?seed=1") as macro:
        form(macro, region)
        with recording() as work:
            report = write_verify(macro, np.full((8, 8), 1e-5), region, samples=2)
    pulses = int(report.pulses.sum())
    assert work.analog.pulses == pulses
    assert work.analog.cell_reads == 2 * (64 + pulses) + 64 * FINAL_SAMPLES


def test_a_product_is_reported_as_its_ledger_says() -> None:
    with open_macro("emulator://?seed=1") as macro:
        (matrix,) = freeze(macro, [(8, 4)]).thaw(macro)
        with recording() as work:
            matrix.product(np.ones((3, 8)))
        assert work.analog == matrix.ledger
        assert work.all_digital == products(3 * 8 * 4)
