"""A dry run checks and plans, and nothing happens."""

import numpy as np
import pytest

from rgnn_hal.macro import LimitError, PulseKind, Region
from rgnn_hal.wrappers import DryRun
from tests.conftest import ArrayMacro, random_conductance


def test_the_hardware_is_read_once_and_grounded_and_nothing_else() -> None:
    inner = ArrayMacro(conductance=random_conductance(8, 6))
    before = inner.conductance.copy()
    with DryRun(inner) as dry:
        dry.program(np.full((8, 6), 5e-6))
        dry.pulse(PulseKind.SET, np.ones((8, 6), bool), voltage=1.0, gate_voltage=1.0, width=1e-6)
        dry.multiply(np.full((2, 8), 0.1))
        dry.read_conductance()
        dry.wait(3600.0)
    assert set(inner.log) == {"read_conductance", "safe", "close"}
    assert inner.log.count("read_conductance") == 1
    assert np.array_equal(inner.conductance, before)


def test_with_given_conductances_the_hardware_is_not_even_read() -> None:
    inner = ArrayMacro()
    cells = random_conductance(8, 6)
    dry = DryRun(inner, cells)
    assert dry.multiply(np.full((1, 8), 0.1))[0] == pytest.approx(0.1 * cells.sum(axis=0))
    assert inner.log == []
    with pytest.raises(LimitError):
        DryRun(inner, cells[:-1])


def test_products_are_those_of_the_cells() -> None:
    inner = ArrayMacro(conductance=random_conductance(8, 6))
    dry = DryRun(inner)
    region = Region(2, 7, 1, 4)
    voltage = np.linspace(-0.2, 0.2, 15).reshape(3, 5)
    assert dry.multiply(voltage, region=region) == pytest.approx(
        inner.multiply(voltage, region=region)
    )
    transposed = voltage[:, :3].copy()
    assert dry.multiply(transposed, side="cols", region=region) == pytest.approx(
        inner.multiply(transposed, side="cols", region=region)
    )


def test_the_plan_counts_pulses_by_cell_and_time() -> None:
    dry = DryRun(ArrayMacro())
    mask = np.eye(3, 2) > 0
    for kind in (PulseKind.SET, PulseKind.SET, PulseKind.RESET):
        dry.pulse(
            kind,
            mask,
            voltage=1.5,
            gate_voltage=1.0,
            width=1e-4,
            count=5,
            region=Region(1, 4, 2, 4),
        )
    dry.wait(60.0)
    assert dry.pulses[PulseKind.SET].sum() == 20
    assert dry.pulses[PulseKind.SET][1, 2] == dry.pulses[PulseKind.SET][2, 3] == 10
    assert sum(step.pulses for step in dry.steps) == 30
    assert dry.clock() == pytest.approx(60.0 + 3 * 5e-4)
    assert dry.steps[0].words == "set 5 x 0.0001 s, 1.5 ... 1.5 V, on 2 cells of 1:4,2:4"


def test_what_the_hardware_would_refuse_the_dry_run_refuses() -> None:
    dry = DryRun(ArrayMacro())
    with pytest.raises(LimitError):
        dry.pulse(PulseKind.SET, np.ones((8, 6), bool), voltage=9.0, gate_voltage=1.0, width=1e-6)
    assert dry.steps == []


def test_a_program_goes_on_with_the_targets() -> None:
    dry = DryRun(ArrayMacro())
    dry.program(np.full((2, 2), 7e-6), Region(0, 2, 0, 2))
    assert dry.read_conductance(Region(0, 2, 0, 3))[0].tolist() == [7e-6, 7e-6, 10e-6]
