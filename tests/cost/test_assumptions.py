"""Ways to count: each flatters the macro as it says, and only by that."""

import pytest

from rgnn_hal.cost import Ledger, Operations, Work, load_machine, load_macro, macro_cost
from rgnn_hal.cost.assumptions import (
    AS_COUNTED,
    PRODUCTS_ALONE,
    converter_per_column,
    whole_arrays,
)
from rgnn_hal.cost.comparison import assess
from rgnn_hal.cost.energy import machine_cost
from rgnn_hal.cost.work import products

CHIP, HOST = load_macro(), load_machine("accelerator")
SMALL = Work(
    Ledger(
        products=1000,
        multiplications=32 * 16 * 1000,
        sent=32_000,
        received=16_000,
        planes=9000,
        samples=9000,
        drives=9000 * 32,
        conversions=9000 * 32,
        macs=9000 * 32 * 32,
        cell_volts=9000 * 32 * 32 * 0.1,
    ),
    Operations(macs=10_000, special=1000, elementary=5000),
)
"""A thousand products of a small matrix, by differences of cells, in nine planes."""


def test_as_counted_is_what_a_machine_gains() -> None:
    (baseline,) = assess(SMALL, CHIP, HOST, [HOST]).baselines
    assert AS_COUNTED.ratios(SMALL, CHIP, HOST) == baseline.gain


def test_whole_arrays_do_the_same_products_in_fewer_reads() -> None:
    packed = whole_arrays(SMALL, CHIP)
    assert packed.analog.samples == -(-9000 * 32 * 32 // (512 * 512))
    assert packed.analog.drives == packed.analog.conversions == 512 * packed.analog.samples
    assert packed.analog.multiplications == SMALL.analog.multiplications
    assert packed.digital == SMALL.digital
    slow, fast = macro_cost(SMALL.analog, CHIP), macro_cost(packed.analog, CHIP)
    assert fast.seconds < slow.seconds / 10


def test_converters_for_all_columns_take_no_turns_but_area() -> None:
    changed = converter_per_column(CHIP)
    here, there = macro_cost(SMALL.analog, CHIP), macro_cost(SMALL.analog, changed)
    assert there.latency["adc"] == pytest.approx(here.latency["adc"] / CHIP.columns_per_adc)
    assert there.area["adc"] == pytest.approx(here.area["adc"] * CHIP.columns_per_adc)
    assert there.latency["dac"] == here.latency["dac"]


def test_products_alone_leave_out_what_is_around_them() -> None:
    found = PRODUCTS_ALONE.ratios(SMALL, CHIP, HOST)
    alone = machine_cost(products(SMALL.analog.multiplications), HOST)
    macro = macro_cost(SMALL.analog, CHIP)
    assert found.energy.value == pytest.approx(alone.joules / macro.joules)
    assert found.area_normalised_speed.value == pytest.approx(
        alone.seconds / macro.seconds * alone.square_metres / macro.square_metres
    )
