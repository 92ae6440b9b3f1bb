"""Presets are complete and sourced; counts become joules as the equations say."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.cost import (
    Cost,
    Ledger,
    Operations,
    figures,
    load_machine,
    load_macro,
    machine_cost,
    macro_cost,
    programming_cost,
)
from rgnn_hal.cost.figure import with_values
from rgnn_hal.cost.uncertainty import modelled
from rgnn_hal.macro import ConfigurationError

MACROS, MACHINES = ("chip", "board"), ("accelerator", "cpu", "gpu")
counts = st.integers(0, 10**9)
ledgers = st.builds(
    Ledger,
    samples=counts,
    drives=counts,
    conversions=counts,
    cell_volts=st.floats(0, 1e9),
)


@pytest.mark.parametrize("name", MACROS + MACHINES)
def test_every_figure_of_a_preset_has_unit_source_and_honest_uncertainty(name: str) -> None:
    hardware = load_macro(name) if name in MACROS else load_machine(name)
    found = dict(figures(hardware))
    assert len(found) >= 7
    for key, figure in found.items():
        assert figure.unit in {"m", "m^2", "J", "s", "S", "F", "V", "W", "1/s", "bit/s"}, key
        assert figure.factor > 1 or not figure.guess, f"{key} is a guess and certain"


@given(ledgers, ledgers)
def test_costs_of_work_add_up(one: Ledger, other: Ledger) -> None:
    chip = load_macro()
    both = macro_cost(one + other, chip)
    assert both.joules == pytest.approx(
        macro_cost(one, chip).joules + macro_cost(other, chip).joules
    )
    assert both.seconds == pytest.approx(
        macro_cost(one, chip).seconds + macro_cost(other, chip).seconds
    )
    assert both.square_metres == macro_cost(one, chip).square_metres


def test_a_read_costs_what_its_equation_says() -> None:
    chip = load_macro()
    work = Ledger(
        samples=1,
        sent=512,
        received=256,
        drives=512,
        conversions=512,
        cell_volts=512 * 512 * 0.1,
    )
    cost = macro_cost(work, chip)
    held = chip.array.settling_time.value + 8 * chip.adc.time.value
    current = 512 * 512 * 0.1 * chip.array.conductance.value
    assert cost.energy["cells"] == pytest.approx(current * chip.array.supply.value * held)
    assert cost.energy["adc"] == pytest.approx(512 * chip.adc.energy.value)
    assert cost.energy["amplifiers"] == pytest.approx(64 * held * chip.amplifier.power.value)
    assert cost.seconds == pytest.approx(
        chip.dac.time.value + held + (512 * 8 + 256 * 16) / chip.link.rate.value
    )


def test_writing_costs_pulses_and_reads_of_single_cells() -> None:
    chip = load_macro()
    written = programming_cost(Ledger(pulses=10, cell_reads=20), chip)
    assert written.energy["pulses"] == pytest.approx(10 * chip.pulse_energy.value)
    assert written.latency["pulses"] == pytest.approx(10 * chip.pulse_time.value)
    one = chip.model_copy(update={"columns_per_adc": 1})
    read = macro_cost(Ledger(samples=1, drives=1, conversions=1, cell_volts=0.2), one)
    assert written.energy["verifying"] == pytest.approx(20 * read.joules)
    assert written.latency["verifying"] == pytest.approx(20 * read.seconds)


@given(counts, counts, counts)
def test_a_machine_pays_for_every_operation(macs: int, special: int, elementary: int) -> None:
    gpu = load_machine("gpu")
    cost = machine_cost(Operations(macs, special, elementary), gpu)
    assert cost.energy["products"] == pytest.approx(macs * gpu.mac_energy.value)
    assert cost.joules >= cost.energy["products"]
    assert math.isfinite(cost.seconds)


@given(st.floats(1.01, 5.0), st.floats(1.01, 5.0))
def test_uncertainty_of_a_product_is_that_of_its_factors(one: float, other: float) -> None:
    chip = load_macro()
    certain = {
        name: figure.model_copy(update={"factor": 1.0}) for name, figure in figures(chip.adc)
    }
    adc = chip.adc.model_copy(
        update=certain
        | {
            "energy": chip.adc.energy.model_copy(update={"factor": one}),
            "time": chip.adc.time.model_copy(update={"factor": other}),
        }
    )
    result = modelled(lambda c: c.energy.value * c.time.value**2, adc, draws=2000)
    width = math.hypot(math.log(one), 2 * math.log(other))
    assert np.log(result.high / result.low) / 2 == pytest.approx(width, rel=0.08)
    assert dict(result.shares)["0.energy"] == pytest.approx((math.log(one) / width) ** 2, rel=0.02)


def test_changing_a_figure_leaves_the_rest() -> None:
    chip = load_macro()
    other = with_values(chip, {"adc.energy": 1.0})
    assert replace_energy(chip, 1.0) == other
    assert dict(figures(chip))["adc.energy"].value != 1.0


def replace_energy(chip: object, value: float) -> object:
    assert hasattr(chip, "adc") and hasattr(chip, "model_copy")
    adc = chip.adc.model_copy(
        update={"energy": chip.adc.energy.model_copy(update={"value": value})}
    )
    return chip.model_copy(update={"adc": adc})


@pytest.mark.parametrize("text", ["", "name = 3", "]", 'name = "x"\nsurprise = 1'])
def test_a_file_that_describes_no_hardware_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigurationError, match="mine"):
        load_macro(str(tmp_path / "mine.toml"))


def test_unknown_hardware_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match="there are accelerator, cpu, gpu"):
        load_machine("abacus")
    with pytest.raises(ConfigurationError, match="'gpu' is no macro; there are board, chip"):
        load_macro("gpu")
    with pytest.raises(ConfigurationError, match="'chip' is no digital machine"):
        load_machine("chip")


def test_a_cost_is_the_sum_of_its_parts() -> None:
    cost = Cost({"a": 1.0, "b": 2.0}, {"a": 3.0}, {"a": 4.0, "b": 0.5})
    assert (cost.joules, cost.seconds, cost.square_metres) == (3.0, 3.0, 4.5)
    assert replace(cost, energy={}).joules == 0
