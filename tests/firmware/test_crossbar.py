"""A chip with wires multiplies as its netlist does, solved node by node."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset, PresetError, Side, Window, load_preset
from rgnn_hal_firmware.topology import FIRST, LAST, Wire, Wiring
from rgnn_hal_firmware.wires import transfer_matrix

Values = NDArray[np.float64]
Formed = Callable[[Chip], Chip]
MakePreset = Callable[..., Preset]

ROWS, COLS = 14, 11
SEGMENT, LEAD = (8.0, 5.0), (40.0, 90.0)
LEFT, RIGHT, BOTH, ZIGZAG = [1, 0], [0, 1], [1, 1], [1, 0, 0, 1]


def with_wires(preset: Preset, ends: tuple[list[int], list[int]], scale: float = 1.0) -> Preset:
    tables = {**_tables(preset), "wires": _tables(load_preset("chip40nm-wires"))["wires"]}
    for side, plane in enumerate(("row", "col")):
        tables["wires"][f"{plane}_segment"]["value"] = scale * SEGMENT[side]
        tables["wires"][f"{plane}_lead"]["value"] = scale * LEAD[side]
        tables["wires"][f"{plane}_contacts"]["value"] = ends[side]
    return Preset.from_document(tables)


def _tables(preset: Preset) -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(preset.document)
    return tables


@pytest.fixture
def small(make_preset: MakePreset) -> Preset:
    """Cells that stay as they are between pulses."""
    tables = _tables(make_preset(ROWS, COLS, {"telegraph.cell_fraction": 0.0}))
    tables["flicker"]["relative_density"]["value"] = 0.0
    for name in ("sd_one_second", "sd_one_day", "drift_per_e_fold"):
        relaxation = tables["relaxation"][name]
        relaxation["value"] = [0.0] * len(relaxation["value"])
    return Preset.from_document(tables)


def by_nodes(
    conductance: Values, ends: tuple[list[int], list[int]], voltage: Values, side: Side
) -> Values:
    """Currents (batch, sensed) of the whole array, every other contact at 0 V, A."""
    rows, cols = conductance.shape
    count = 2 * rows * cols
    row_node = np.arange(rows * cols).reshape(rows, cols)
    col_node = row_node + rows * cols
    matrix, injection = np.zeros((count, count)), np.zeros((count, rows + cols))

    def join(one: int, other: int, siemens: float) -> None:
        matrix[[one, other], [one, other]] += siemens
        matrix[[one, other], [other, one]] -= siemens

    for r in range(rows):
        for c in range(cols):
            join(row_node[r, c], col_node[r, c], conductance[r, c])
            if c:
                join(row_node[r, c], row_node[r, c - 1], 1 / SEGMENT[0])
            if r:
                join(col_node[r, c], col_node[r - 1, c], 1 / SEGMENT[1])
    for nodes, plane, first in ((row_node, 0, 0), (col_node.T, 1, rows)):
        pattern = np.resize(ends[plane], (len(nodes), 2))
        for line, contacts in enumerate(pattern):
            for end, present in zip((0, -1), contacts, strict=True):
                if present:
                    matrix[nodes[line, end], nodes[line, end]] += 1 / LEAD[plane]
                    injection[nodes[line, end], first + line] += 1 / LEAD[plane]
    own, other = slice(0, rows), slice(rows, None)
    driven, sensed = (own, other) if side == "rows" else (other, own)
    potential = np.linalg.solve(matrix, injection[:, driven] @ voltage.T)
    currents: Values = (injection[:, sensed].T @ potential).T
    return currents


def multiply(chip: Chip, voltage: Values, window: Window, side: Side = "rows") -> Values:
    chip.apply(voltage, side, window)
    currents: Values = np.asarray(chip.read(), np.float64)
    return currents


def voltages(batch: int, lines: int) -> Values:
    return np.random.default_rng(0).uniform(-0.2, 0.2, (batch, lines))


@pytest.mark.filterwarnings("ignore:wires take")
@pytest.mark.parametrize("ends", [(LEFT, RIGHT), (BOTH, LEFT), (ZIGZAG, BOTH)])
@pytest.mark.parametrize("window", [Window(0, ROWS, 0, COLS), Window(3, 9, 2, 7)])
@pytest.mark.parametrize("side", ["rows", "cols"])
def test_products_are_what_the_netlist_gives_with_other_word_lines_off(
    small: Preset, formed: Formed, ends: Any, window: Window, side: Side
) -> None:
    chip = formed(Chip(with_wires(small, ends), 1, exact=True))
    cells = chip.read_conductance(chip.whole)
    active = np.zeros_like(cells)
    active[window.slices[0]] = cells[window.slices[0]]
    shape = window.shape if side == "rows" else window.shape[::-1]
    lines = window.slices if side == "rows" else window.slices[::-1]
    v = voltages(5, shape[0])
    embedded = np.zeros((5, (ROWS, COLS)[side == "cols"]))
    embedded[:, lines[0]] = v
    expected = by_nodes(active, ends, embedded, side)[:, lines[1]]
    np.testing.assert_allclose(
        multiply(chip, v, window, side), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max()
    )
    unimpeded = v @ (cells if side == "rows" else cells.T)[lines]
    assert np.abs(expected - unimpeded).max() > 0.001 * np.abs(unimpeded).max()


@pytest.mark.filterwarnings("ignore:wires take")
def test_a_transposed_read_is_reciprocal(small: Preset, formed: Formed) -> None:
    chip = formed(Chip(with_wires(small, (LEFT, RIGHT)), 1, exact=True))
    forward = multiply(chip, 0.2 * np.eye(ROWS), chip.whole)
    backward = multiply(chip, 0.2 * np.eye(COLS), chip.whole, "cols")
    np.testing.assert_allclose(forward, backward.T, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:wires take")
def test_noise_of_cells_is_weakened_by_the_wires_as_their_signal_is(
    small: Preset, formed: Formed
) -> None:
    tables = _tables(with_wires(small, (LEFT, RIGHT), scale=20.0))
    for name, value in (("offset_sd", 0.0), ("gain_sd", 0.0), ("adc_bits", 24)):
        tables["periphery"][name]["value"] = value
    chip = formed(Chip(Preset.from_document(tables), 1))
    exact = formed(Chip(Preset.from_document(tables), 1, exact=True))
    v = voltages(1, ROWS)
    measured = multiply(chip, np.repeat(v, 20_000, axis=0), chip.whole)
    mean = multiply(exact, v, chip.whole)[0]
    gain = np.empty((ROWS, COLS))
    transfer = multiply(exact, 0.2 * np.eye(ROWS), exact.whole) / 0.2
    rest = exact.read_conductance(exact.whole)
    step = 1e-9
    for cell in np.ndindex(ROWS, COLS):
        shifted = rest.copy()
        shifted[cell] += step
        shifted_transfer = _transfer(shifted, scale=20.0)
        gain[cell] = (shifted_transfer[cell] - transfer[cell]) / step
    expected = np.sqrt((v[0] ** 2) @ (gain * 0.117e-6) ** 2)
    np.testing.assert_allclose(measured.std(axis=0), expected, rtol=0.03)
    standard_error = expected / np.sqrt(20_000)
    assert np.abs((measured.mean(axis=0) - mean) / standard_error).max() < 5


def _transfer(conductance: Values, scale: float) -> Values:
    wiring = Wiring(
        Wire(scale * SEGMENT[0], scale * LEAD[0], FIRST),
        Wire(scale * SEGMENT[1], scale * LEAD[1], LAST),
    )
    return transfer_matrix(conductance, *wiring.planes((ROWS, COLS), Window(0, ROWS, 0, COLS)))


@pytest.mark.filterwarnings("ignore:wires take")
def test_what_cells_do_by_themselves_is_seen_through_the_wires(
    make_preset: MakePreset, formed: Formed
) -> None:
    slow = {"telegraph.cell_fraction": 1.0, "telegraph.time_constants": [1.0, 100.0]}
    quiet = {"read_noise.white": 0.0, "periphery.offset_sd": 0.0, "periphery.gain_sd": 0.0}
    preset = make_preset(ROWS, COLS, {**slow, **quiet, "periphery.adc_bits": 24})
    chip = formed(Chip(with_wires(preset, (LEFT, RIGHT)), 1))
    late, other = (formed(Chip(with_wires(preset, (LEFT, RIGHT)), 1)) for _ in range(2))
    v = voltages(6, ROWS)
    before = multiply(chip, v, chip.whole)
    for one in (chip, late, other):
        one.wait(1e4 - one.time)
    after = multiply(chip, v, chip.whole)
    np.testing.assert_array_equal(multiply(late, v, late.whole), after)
    now = np.mean([other.read_conductance(other.whole) for _ in range(8)], axis=0)
    expected = v @ _transfer(now, 1.0)
    assert np.abs(after - before).max() > 20 * np.abs(after - expected).max()


def test_a_read_that_is_not_physical_is_warned_of_and_fewer_rows_are_not(
    make_preset: MakePreset, formed: Formed
) -> None:
    chip = formed(Chip(with_wires(make_preset(96, 32), (LEFT, RIGHT)), 1, exact=True))
    with pytest.warns(RuntimeWarning, match="wires take .*% of the current .*96 x 32"):
        multiply(chip, voltages(1, 96), chip.whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        multiply(chip, voltages(1, 96), chip.whole)
        multiply(chip, voltages(1, 4), Window(88, 92, 0, 32))


def test_a_pulse_changes_what_is_seen(small: Preset, formed: Formed) -> None:
    chip = Chip(with_wires(small, (LEFT, RIGHT), scale=0.01), 1, exact=True)
    v = voltages(1, ROWS)
    before = multiply(chip, v, chip.whole)
    after = multiply(formed(chip), v, chip.whole)
    assert np.abs(after).max() > 10 * np.abs(before).max()


def test_wires_without_resistance_change_no_bit(make_preset: MakePreset, formed: Formed) -> None:
    plain = make_preset(ROWS, COLS)
    v = voltages(4, ROWS)
    currents = [
        multiply(formed(Chip(preset, 1)), v, Window(0, ROWS, 0, COLS))
        for preset in (plain, with_wires(plain, (LEFT, RIGHT), scale=0.0))
    ]
    np.testing.assert_array_equal(currents[0], currents[1])


def test_a_preset_with_a_base_states_only_what_differs() -> None:
    wired, base = load_preset("chip40nm-wires"), load_preset("chip40nm")
    assert wired.name == "chip40nm-wires"
    assert wired.parameters.forming == base.parameters.forming
    assert wired.parameters.wires != base.parameters.wires
    assert set(base.provenance) == set(wired.provenance)


@pytest.mark.parametrize("ends", [[], [1], [0, 0], [1, 2], [1, 0, 0, 0]])
def test_contacts_that_reach_no_end_are_refused(small: Preset, ends: list[int]) -> None:
    with pytest.raises(PresetError, match="row_contacts"):
        with_wires(small, (ends, LEFT))
