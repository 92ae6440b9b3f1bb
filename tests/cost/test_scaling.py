"""Figures follow the node by stated powers, and are known less the further they are carried."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.cost import at_node, figures, load_machine, load_macro
from rgnn_hal.cost.figure import Figure, Frozen
from rgnn_hal.cost.geometry import reshaped
from rgnn_hal.cost.hardware import MacroHardware
from rgnn_hal.cost.scaling import supply

nodes = st.floats(7e-9, 180e-9)


def values(hardware: Frozen) -> dict[str, float]:
    return {name: figure.value for name, figure in figures(hardware)}


def test_logic_energy_falls_with_the_node_and_the_square_of_the_supply() -> None:
    here, there = load_machine("accelerator"), at_node(load_machine("accelerator"), 28e-9)
    assert here.node.value == 40e-9
    assert here.mac_energy.value == pytest.approx(2.15e-12 * 40 / 65 * (1.1 / 1.2) ** 2)
    assert there.mac_energy.value / here.mac_energy.value == pytest.approx(
        28 / 40 * (0.9 / 1.1) ** 2
    )
    assert there.mac_rate.value / here.mac_rate.value == pytest.approx(40 / 28)
    assert there.area.value / here.area.value == pytest.approx((28 / 40) ** 2)


def test_devices_keep_their_conductance_and_amplifiers_their_current() -> None:
    here, there = load_macro(), at_node(load_macro(), 14e-9)
    assert there.array.conductance == here.array.conductance
    assert there.verify_voltage == here.verify_voltage
    assert there.amplifier.power.value / here.amplifier.power.value == pytest.approx(0.8 / 1.1)
    assert there.array.cell_area.value / here.array.cell_area.value == pytest.approx((14 / 40) ** 2)


@given(nodes, nodes)
def test_there_and_back_is_where_one_was_but_less_certain(one: float, other: float) -> None:
    start = at_node(load_macro(), one)
    back = at_node(at_node(start, other), one)
    assert values(back) == pytest.approx(values(start))
    for (_, before), (_, after) in zip(figures(start), figures(back), strict=True):
        assert after.factor >= before.factor * (1 - 1e-12)


@given(nodes)
def test_uncertainty_grows_with_the_distance(node: float) -> None:
    machine = load_machine("accelerator")
    moved = at_node(machine, node)
    expected = math.hypot(math.log(machine.mac_energy.factor), 0.3 * math.log(node / 40e-9))
    assert math.log(moved.mac_energy.factor) == pytest.approx(expected)


def test_a_source_of_another_node_is_carried_when_a_preset_is_loaded() -> None:
    adc = load_macro().adc.energy  # published for 32 nm
    assert adc.node is None
    assert adc.value == pytest.approx(2.6e-12 * 40 / 32 * (supply(40e-9) / supply(32e-9)) ** 2)
    assert adc.factor > 2.0


def test_every_energy_time_rate_and_area_of_logic_has_a_law() -> None:
    """Nothing stays behind by being forgotten: what does not move is of the device."""
    moved = {
        name
        for (name, before), (_, after) in zip(
            figures(load_macro()), figures(at_node(load_macro(), 14e-9)), strict=True
        )
        if before.value == after.value
    }
    assert moved == {
        "array.conductance",
        "array.settling_time",
        "pulse_energy",
        "pulse_time",
        "verify_voltage",
    }


def test_supply_is_that_of_the_foundries_and_between_them() -> None:
    assert (supply(40e-9), supply(28e-9), supply(14e-9)) == (1.1, 0.9, 0.8)
    assert 0.9 < supply(32e-9) < 1.1


@given(st.integers(16, 2048), st.integers(16, 2048), st.integers(4, 10))
def test_bits_double_converters_and_lines_add_drivers(rows: int, cols: int, bits: int) -> None:
    chip = load_macro()
    other = reshaped(chip, rows=rows, cols=cols, columns_per_adc=1, adc_bits=bits)
    assert other.adc.energy.value == pytest.approx(chip.adc.energy.value * 2.0 ** (bits - 8))
    assert other.adc.time.value == pytest.approx(chip.adc.time.value * bits / 8)
    assert other.other_area.value == pytest.approx(chip.other_area.value * (rows + cols) / 1024)
    assert (other.dac, other.rows, other.cols, other.columns_per_adc) == (chip.dac, rows, cols, 1)
    same = reshaped(chip, rows=512, cols=512, columns_per_adc=8)
    assert values(same) == pytest.approx(values(chip))
    assert isinstance(same, MacroHardware) and isinstance(same.node, Figure)
