"""Wire resistance is found on an exact network of resistors, and is zero where there is none."""

import numpy as np
import pytest

from rgnn_hal.characterization.quantity import Values
from rgnn_hal.characterization.wires import Wires
from rgnn_hal.macro import DataError, Region, Side
from rgnn_hal.macro.checks import FloatArray
from rgnn_hal.progress import silent
from tests.conftest import ArrayMacro, make_spec, random_conductance

SHAPE = (30, 12)


class WiredMacro(ArrayMacro):
    """Cells between row and column wires: rows driven at column 0, columns sensed at the end."""

    def __init__(self, conductance: Values, row_ohm: float, col_ohm: float) -> None:
        self.transfer = nodal_transfer(conductance, row_ohm, col_ohm)
        super().__init__(make_spec(*conductance.shape), conductance)

    def _read(self, samples: int) -> FloatArray:
        voltage, side, region = self.latched
        driven: Side = "rows"
        assert side == driven
        full = np.zeros((voltage.shape[0], self.conductance.shape[0]))
        full[:, region.slices[0]] = voltage
        current: FloatArray = (full @ self.transfer)[:, region.slices[1]]
        return current


def nodal_transfer(conductance: Values, row_ohm: float, col_ohm: float) -> Values:
    """Currents of sensed columns per volt on each row, (rows, columns), by nodal analysis."""
    rows, cols = conductance.shape
    nodes = rows * cols
    matrix = np.zeros((2 * nodes, 2 * nodes))
    drive = np.zeros((2 * nodes, rows))

    def connect(first: int, second: int, siemens: float) -> None:
        for one, other in ((first, second), (second, first)):
            matrix[one, one] += siemens
            matrix[one, other] -= siemens

    for row in range(rows):
        for col in range(cols):
            above, below = row * cols + col, nodes + row * cols + col
            connect(above, below, conductance[row, col])
            if col == 0:
                matrix[above, above] += 1 / row_ohm
                drive[above, row] = 1 / row_ohm
            else:
                connect(above, above - 1, 1 / row_ohm)
            if row == rows - 1:
                matrix[below, below] += 1 / col_ohm
            else:
                connect(below, below + cols, 1 / col_ohm)
    potential = np.linalg.solve(matrix, drive)
    sensed: Values = potential[2 * nodes - cols :].T / col_ohm
    return sensed


@pytest.mark.parametrize("row_ohm", [0.2, 1.0])
@pytest.mark.parametrize("col_ohm", [0.2, 1.0])
@pytest.mark.parametrize("region", [Region.of_shape(SHAPE), Region(4, 28, 2, 12)], ids=str)
def test_resistances_of_a_network_are_recovered(
    region: Region, col_ohm: float, row_ohm: float
) -> None:
    macro = WiredMacro(random_conductance(*SHAPE), row_ohm, col_ohm)
    found = Wires().run(macro, region, silent).estimates
    # First order in r G: a loss of 1 % is off by about 1 % of itself.
    assert found["column_resistance"].value == pytest.approx(col_ohm, rel=0.05)
    assert found["row_resistance"].value == pytest.approx(row_ohm, rel=0.05)


def test_a_macro_without_wires_has_no_resistance_to_be_seen() -> None:
    gain = 1 + 2e-3 * np.random.default_rng(0).standard_normal(SHAPE[1])
    macro = ArrayMacro(make_spec(*SHAPE), random_conductance(*SHAPE), gain=gain)
    found = Wires().run(macro, Region.of_shape(SHAPE), silent).estimates
    assert found["column_resistance"].value == pytest.approx(0.0, abs=1e-9)
    assert found["column_resistance"].standard_error > 0
    row = found["row_resistance"]
    assert row.agrees_with(0.0, 3.0)
    assert found["row_resistance_limit"].value > row.value


def test_a_region_too_small_to_lose_signal_is_refused() -> None:
    macro = ArrayMacro(make_spec(8, 6), random_conductance(8, 6))
    with pytest.raises(DataError, match="at least 12 x 4"):
        Wires().run(macro, Region(0, 8, 0, 6), silent)
