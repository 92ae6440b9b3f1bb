"""A system is a macro and its host; ratios are of what machines take alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.cost import Ledger, Operations, Work, load_machine, load_macro, machine_cost
from rgnn_hal.cost.comparison import assess, system_cost

MACRO, HOST, GPU = load_macro(), load_machine("accelerator"), load_machine("gpu")
works = st.builds(
    Work,
    st.builds(
        Ledger,
        multiplications=st.integers(1, 10**9),
        samples=st.integers(1, 10**6),
        drives=st.integers(1, 10**8),
        conversions=st.integers(1, 10**8),
    ),
    st.builds(Operations, macs=st.integers(0, 10**9), elementary=st.integers(0, 10**9)),
)


@given(works)
def test_the_parts_of_a_system_are_the_macros_and_the_hosts(work: Work) -> None:
    parts = system_cost(work, MACRO, HOST)
    host = {name: value for name, value in parts.energy.items() if name.startswith("host")}
    assert sum(host.values()) == pytest.approx(machine_cost(work.digital, HOST).joules)
    assert parts.joules == pytest.approx(
        sum(host.values()) + system_cost(Work(work.analog), MACRO, HOST).joules
    )


def test_ratios_are_quotients_of_the_stated_quantities() -> None:
    work = Work(Ledger(multiplications=10**8, samples=10**3, conversions=10**5), Operations(10**6))
    found = assess(work, MACRO, HOST, [HOST, GPU])
    for one in found.baselines:
        alone, system = one.alone, found.system
        assert one.ratio.energy.value == pytest.approx(alone.energy.value / system.energy.value)
        assert one.ratio.speed.value == pytest.approx(alone.latency.value / system.latency.value)
        assert one.ratio.area_normalised_speed.value == pytest.approx(
            alone.latency.value * alone.area.value / (system.latency.value * system.area.value)
        )
        assert one.ratio.energy.low < one.ratio.energy.value * 1.5
        assert one.ratio.energy.low < one.ratio.energy.high
    own, gpu = found.baselines
    assert own.ratio == own.gain
    assert gpu.gain.energy.value != pytest.approx(gpu.ratio.energy.value)


def test_a_macro_gains_nothing_where_there_is_nothing_for_it_to_do() -> None:
    work = Work(digital=Operations(macs=10**6))
    (own,) = assess(work, MACRO, HOST, [HOST]).baselines
    assert own.gain.energy.value == pytest.approx(1.0)
    assert (own.gain.energy.low, own.gain.energy.high) == pytest.approx((1.0, 1.0))
    assert own.gain.area_normalised_speed.value < 1.0  # its area is there all the same


def test_shares_of_a_batch_add_up_to_it() -> None:
    work = Work(Ledger(samples=12, cell_volts=3.0), Operations(macs=24))
    each = work.shared_by(4)
    assert each == Work(Ledger(samples=3, cell_volts=0.75), Operations(macs=6))
    assert work.all_digital.macs == 24
