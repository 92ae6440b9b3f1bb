"""References: a netlist solved node by node with SuperLU, and elimination in long double."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from rgnn_hal_firmware.dissection import admittance
from rgnn_hal_firmware.ladder import noise_gain
from rgnn_hal_firmware.topology import (
    ALTERNATING,
    BOTH,
    FIRST,
    LAST,
    Contacts,
    Plane,
    Wire,
    Wiring,
    segment_resistance,
)
from rgnn_hal_firmware.window import Window
from rgnn_hal_firmware.wires import signal_loss, transfer_matrix, warn_of_signal_loss

Values = NDArray[np.float64]
Node = tuple[str | int, ...]
Resistor = tuple[Node, Node, float]

ONE_END = (FIRST, LAST)
UNEVEN = Contacts(((True, False), (True, True), (False, True)))
TOPOLOGIES = [
    ONE_END,
    (LAST, FIRST),
    (BOTH, LAST),
    (FIRST, BOTH),
    (BOTH, BOTH),
    (ALTERNATING, LAST),
    (FIRST, ALTERNATING),
    (ALTERNATING, UNEVEN),
]


def cells(rows: int, cols: int, seed: int = 0) -> Values:
    """Log-uniform conductances with pristine, open and short cells, S."""
    rng = np.random.default_rng(seed)
    conductance = 10 ** rng.uniform(-6.5, -4, (rows, cols))
    kind = rng.random((rows, cols))
    conductance[kind < 0.2] = 1e-7
    conductance[kind < 0.1] = 0.0
    conductance[kind < 0.02] = 1e-3
    return conductance


def planes(
    shape: tuple[int, int],
    contacts: tuple[Contacts, Contacts] = ONE_END,
    segment: tuple[float, float] = (0.7, 2.1),
    lead: tuple[float, float] = (30.0, 5.0),
) -> tuple[Plane, Plane]:
    rows, cols = (
        Wire(segment[side], lead[side], contacts[side]).plane(range(shape[side])) for side in (0, 1)
    )
    return rows, cols


def resistors(conductance: Values, rows: Plane, cols: Plane) -> Iterator[Resistor]:
    """The netlist: two nodes and what lies between them, ohm."""
    count = conductance.shape
    for (r, c), siemens in np.ndenumerate(conductance):
        if siemens:
            yield ("row", r, c), ("col", r, c), 1.0 / siemens
        if c + 1 < count[1]:
            yield ("row", r, c), ("row", r, c + 1), rows.segment
        if r + 1 < count[0]:
            yield ("col", r, c), ("col", r + 1, c), cols.segment
    for r, (left, right) in enumerate(rows.leads):
        yield ("row", r), ("row", r, 0), left
        yield ("row", r), ("row", r, count[1] - 1), right
    for c, (top, bottom) in enumerate(cols.leads):
        yield ("col", c), ("col", 0, c), top
        yield ("col", c), ("col", count[0] - 1, c), bottom


def numbers(shape: tuple[int, int]) -> dict[Node, int]:
    """Contacts of rows, contacts of columns, nodes."""
    names: list[Node] = [("row", r) for r in range(shape[0])]
    names += [("col", c) for c in range(shape[1])]
    names += [(plane, *cell) for plane in ("row", "col") for cell in np.ndindex(shape)]
    return {name: number for number, name in enumerate(names)}


@dataclass
class Nodal:
    """A netlist solved; rows' contacts come before columns'."""

    admittance: Values
    """(contacts, contacts), S."""
    across: Values
    """Voltage across each cell, row minus column, per volt on a contact: (rows, cols, contacts)."""


def nodal(conductance: Values, rows: Plane, cols: Plane) -> Nodal:
    netlist = [item for item in resistors(conductance, rows, cols) if item[2] < np.inf]
    number, contacts = numbers(conductance.shape), sum(conductance.shape)
    one, other, ohms = zip(*netlist, strict=True)
    start, stop = (np.array([number[name] for name in side]) for side in (one, other))
    resistance = np.array(ohms)

    # Ends of zero resistance are one node.
    size, wire = len(number), resistance == 0.0
    graph = coo_array((np.ones(wire.sum()), (start[wire], stop[wire])), (size, size))
    nodes, node = connected_components(graph, directed=False)
    i, j, g = node[start[~wire]], node[stop[~wire]], 1.0 / resistance[~wire]
    both = np.concatenate([i, j]), np.concatenate([j, i])
    off = coo_array((np.concatenate([g, g]), both), (nodes, nodes)).tocsr()
    degree = np.asarray(off.sum(axis=1)).ravel()
    laplacian = (coo_array((degree, (np.arange(nodes),) * 2), (nodes, nodes)) - off).tocsr()
    held, free = node[:contacts], np.setdiff1d(np.arange(nodes), node[:contacts])
    free = free[degree[free] > 0]

    voltage = np.zeros((nodes, contacts))
    voltage[held, np.arange(contacts)] = 1.0
    if free.size:
        driven = laplacian[free][:, held].toarray()
        voltage[free] = splu(laplacian[free][:, free].tocsc()).solve(-driven)
    row, col = node[contacts:].reshape(2, *conductance.shape)
    return Nodal((laplacian @ voltage)[held], voltage[row] - voltage[col])


def block(square: Values, rows: int) -> Values:
    """From rows' contacts to columns'."""
    return -square[:rows, rows:]


@pytest.mark.parametrize("contacts", TOPOLOGIES)
def test_transfer_equals_an_independent_nodal_solve(contacts: tuple[Contacts, Contacts]) -> None:
    conductance = cells(64, 64)
    lines = planes((64, 64), contacts)
    transfer = transfer_matrix(conductance, *lines)
    np.testing.assert_allclose(
        transfer, block(nodal(conductance, *lines).admittance, 64), rtol=1e-10
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (23, 1), (2, 70), (37, 20)])
@pytest.mark.parametrize("contacts", [ONE_END, (BOTH, ALTERNATING)])
def test_any_shape_is_solved(shape: tuple[int, int], contacts: tuple[Contacts, Contacts]) -> None:
    conductance = cells(*shape, seed=3) + 1e-6
    lines = planes(shape, contacts)
    square = admittance(conductance, *lines)
    np.testing.assert_allclose(square, nodal(conductance, *lines).admittance, rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("contacts", [ONE_END, (BOTH, ALTERNATING)])
@pytest.mark.parametrize("lead", [(0.0, 0.0), (30.0, 0.0), (30.0, 5.0)])
@pytest.mark.parametrize("segment", [(0.0, 2.0), (3.0, 0.0), (0.0, 0.0), (3.0, 2.0)])
def test_wires_without_resistance_are_single_nodes(
    contacts: tuple[Contacts, Contacts], lead: tuple[float, float], segment: tuple[float, float]
) -> None:
    conductance = cells(24, 19)
    lines = planes((24, 19), contacts, segment, lead)
    expected = block(nodal(conductance, *lines).admittance, 24)
    np.testing.assert_allclose(transfer_matrix(conductance, *lines), expected, rtol=1e-10)


def test_without_any_resistance_transfer_is_conductance() -> None:
    conductance = cells(40, 50)
    ideal = planes((40, 50), ONE_END, (0.0, 0.0), (0.0, 0.0))
    np.testing.assert_array_equal(transfer_matrix(conductance, *ideal), conductance)


def test_a_transposed_read_is_the_transposed_transfer() -> None:
    conductance = cells(64, 48)
    rows, cols = planes((64, 48), (ALTERNATING, BOTH))
    np.testing.assert_allclose(
        transfer_matrix(conductance.T, cols, rows),
        transfer_matrix(conductance, rows, cols).T,
        rtol=1e-11,
    )


@pytest.mark.parametrize("contacts", TOPOLOGIES[:3])
def test_what_a_driver_gives_is_what_all_contacts_take(
    contacts: tuple[Contacts, Contacts],
) -> None:
    conductance = cells(64, 64)
    lines = planes((64, 64), contacts)
    square = admittance(conductance, *lines)
    driven = np.diag(nodal(conductance, *lines).admittance)
    np.testing.assert_allclose(driven, -(square - np.diag(np.diag(square))).sum(axis=0), rtol=1e-9)
    transfer = transfer_matrix(conductance, *lines)
    assert (transfer >= 0).all()
    assert (transfer.sum(axis=1) <= conductance.sum(axis=1)).mean() > 0.5
    assert (transfer.sum(axis=1) <= np.diag(square)[:64] * (1 + 1e-12)).all()


def test_few_ohms_lose_what_the_series_says() -> None:
    conductance = np.full((64, 64), 10e-6)
    lines = planes((64, 64), segment=(0.01, 0.03), lead=(0.0, 0.0))
    loss = signal_loss(transfer_matrix(conductance, *lines), conductance)
    assert loss == pytest.approx(64**2 * 10e-6 * 0.04 / 3, rel=0.03)


@pytest.mark.parametrize(("lines", "loss"), [(64, 0.12), (128, 0.35)])
def test_an_ohm_per_segment_loses_what_badcrossbar_finds(lines: int, loss: float) -> None:
    conductance = np.random.default_rng(0).uniform(1e-6, 100e-6, (lines, lines))
    wires = planes((lines, lines), segment=(1.0, 1.0), lead=(1.0, 1.0))
    transfer = transfer_matrix(conductance, *wires)
    assert signal_loss(transfer, conductance) == pytest.approx(loss, abs=5e-3)


def test_contacts_at_both_ends_lose_a_quarter() -> None:
    conductance = np.full((64, 64), 10e-6)
    one, both = (
        signal_loss(
            transfer_matrix(conductance, *planes((64, 64), ends, (0.01, 0.01), (0.0, 0.0))),
            conductance,
        )
        for ends in (ONE_END, (BOTH, BOTH))
    )
    assert both / one == pytest.approx(0.25, rel=0.03)


def in_long_double(conductance: Values, rows: Plane, cols: Plane) -> Values:
    """Node after node, without any subtraction (Grassmann, Taksar and Heyman 1985)."""
    netlist = [item for item in resistors(conductance, rows, cols) if item[2] < np.inf]
    number, contacts = numbers(conductance.shape), sum(conductance.shape)
    siemens = np.zeros((len(number), len(number)), np.longdouble)
    for one, other, ohms in netlist:
        siemens[number[one], number[other]] += 1 / np.longdouble(ohms)
        siemens[number[other], number[one]] += 1 / np.longdouble(ohms)
    for node in reversed(range(contacts, len(number))):
        way = siemens[node, :node]
        siemens[:node, :node] += np.outer(way, way) / way.sum()
        np.fill_diagonal(siemens, 0)
    count = conductance.shape[0]
    return siemens[:count, count:contacts].astype(np.float64)


@pytest.mark.parametrize("segment", [1e-4, 1.0, 50.0])
def test_every_element_is_exact_however_far_conductances_lie_apart(segment: float) -> None:
    conductance = cells(14, 14)
    conductance[3], conductance[4, 4], conductance[:, 9] = 1e-9, 1e-2, 1e-12
    rows, cols = planes((14, 14), (ALTERNATING, LAST), (segment, 2 * segment), (segment, segment))
    rows = rows.without_contacts(np.arange(14) == 3)
    transfer, expected = (
        transfer_matrix(conductance, rows, cols),
        in_long_double(conductance, rows, cols),
    )
    assert (expected[3] == 0).all()
    np.testing.assert_allclose(transfer, expected, rtol=1e-13)


def test_floating_lines_pass_current_between_others() -> None:
    conductance = cells(64, 64) + 1e-7
    rows, cols = planes((64, 64))
    rows = rows.without_contacts(np.arange(64) % 5 == 2)
    cols = cols.without_contacts(np.arange(64) % 7 == 3)
    transfer = transfer_matrix(conductance, rows, cols)
    expected = block(nodal(conductance, rows, cols).admittance, 64)
    np.testing.assert_allclose(transfer, expected, rtol=1e-9)
    assert (transfer[2::5] == 0).all() and (transfer[:, 3::7] == 0).all()


def test_lines_that_float_by_themselves_change_nothing() -> None:
    conductance = np.pad(cells(20, 30), ((0, 3), (0, 2)))
    conductance[21, 30] = 1e-5
    rows, cols = planes((23, 32))
    floating = (
        rows.without_contacts(np.arange(23) >= 20),
        cols.without_contacts(np.arange(32) >= 30),
    )
    beside = transfer_matrix(conductance, *floating)
    grounded = transfer_matrix(conductance, rows, cols)
    np.testing.assert_allclose(beside[:20, :30], grounded[:20, :30], rtol=1e-11)
    assert (beside[20:] == 0).all() and (beside[:, 30:] == 0).all()


@pytest.mark.parametrize("contacts", [ONE_END, (ALTERNATING, BOTH)])
def test_cells_cut_off_by_word_lines_leave_their_metal(
    contacts: tuple[Contacts, Contacts],
) -> None:
    window = Window(21, 38, 5, 60)
    wiring = Wiring(Wire(0.7, 30.0, contacts[0]), Wire(2.1, 5.0, contacts[1]))
    conductance = cells(64, 64)
    selected = np.zeros_like(conductance)
    selected[window.slices] = conductance[window.slices]
    whole = transfer_matrix(selected, *planes((64, 64), contacts))
    part = transfer_matrix(conductance[window.slices], *wiring.planes((64, 64), window))
    np.testing.assert_allclose(part, whole[window.slices], rtol=1e-11, atol=1e-24)


@dataclass
class Noise:
    """Brute force over all cells and contacts, to first order in their noise."""

    conductance: Values
    lines: tuple[Plane, Plane]

    def __post_init__(self) -> None:
        rows = self.conductance.shape[0]
        across = nodal(self.conductance, *self.lines).across
        self.driven, self.sensed = across[..., :rows], -across[..., rows:]

    def gain(self) -> Values:
        gain: Values = np.einsum("rcr->rc", self.driven) * np.einsum("rcc->rc", self.sensed)
        return gain

    def deviation(self, voltage: Values, sigma: Values) -> Values:
        cell = sigma * np.einsum("rci,bi->brc", self.driven, voltage, optimize=True)
        variance = np.einsum("brc,rcs->bs", cell**2, self.sensed**2, optimize=True)
        deviation: Values = np.sqrt(variance)
        return deviation


def test_noise_gain_is_the_change_of_transfer_with_its_cell() -> None:
    conductance = cells(12, 10) + 1e-6
    lines = planes((12, 10), segment=(20.0, 50.0))
    gain = noise_gain(conductance, *lines)
    exact = Noise(conductance, lines).gain()
    for cell in [(0, 0), (3, 7), (11, 9)]:
        step = np.zeros_like(conductance)
        step[cell] = 1e-4 * conductance[cell]
        more, less = (transfer_matrix(conductance + sign * step, *lines) for sign in (1, -1))
        slope = (more - less)[cell] / (2 * step[cell])
        assert slope == pytest.approx(exact[cell], rel=1e-6)
        assert gain[cell] == pytest.approx(slope, rel=1e-3)


# Signal loss 4, 14, 39 and 70 %: as 512 cells in line with a 64th of the resistance.
LOSSES = [(1.0, 3e-5, 2e-3), (4.0, 3e-4, 5e-3), (16.0, 5e-3, 0.012), (64.0, 0.04, 0.03)]


@pytest.mark.parametrize(("ohms", "gain_error", "noise_error"), LOSSES)
def test_noise_of_inputs_of_both_signs_is_that_of_all_cells(
    ohms: float, gain_error: float, noise_error: float
) -> None:
    rng = np.random.default_rng(0)
    conductance = 10 ** rng.uniform(-7, -4, (64, 64))
    sigma = 0.117e-6 * np.minimum(1.0, conductance / 1e-6)
    lines = planes((64, 64), segment=(ohms, ohms), lead=(ohms, ohms))
    brute, gain = Noise(conductance, lines), noise_gain(conductance, *lines)
    np.testing.assert_allclose(gain, brute.gain(), rtol=gain_error)
    voltage = rng.uniform(-0.2, 0.2, (30, 64))
    ratio = np.sqrt(voltage**2 @ (gain * sigma) ** 2) / brute.deviation(voltage, sigma)
    assert np.sqrt(np.mean((ratio - 1) ** 2)) < noise_error
    equal = np.full((1, 64), 0.2)
    overstated = np.sqrt(equal**2 @ (gain * sigma) ** 2) / brute.deviation(equal, sigma)
    assert 1.0 < overstated.mean() < 1.3


@pytest.mark.parametrize("contacts", [(BOTH, BOTH), (ALTERNATING, LAST), (LAST, UNEVEN)])
@pytest.mark.parametrize("segment", [(0.0, 8.0), (8.0, 0.0), (8.0, 4.0)])
@pytest.mark.parametrize("lead", [0.0, 10.0])
def test_noise_gain_knows_topologies(
    contacts: tuple[Contacts, Contacts], segment: tuple[float, float], lead: float
) -> None:
    conductance = cells(40, 30)
    lines = planes((40, 30), contacts, segment, (lead, lead))
    expected = Noise(conductance, lines).gain()
    np.testing.assert_allclose(noise_gain(conductance, *lines), expected, rtol=0.02, atol=1e-12)


def test_noise_of_cells_redrawn_one_by_one_is_seen_through_wires() -> None:
    rng = np.random.default_rng(5)
    conductance = rng.uniform(2e-6, 20e-6, (20, 16))
    lines = planes((20, 16), segment=(30.0, 30.0))
    sigma, voltage = 0.05 * conductance, rng.uniform(-0.2, 0.2, 20)
    reads = np.array(
        [voltage @ transfer_matrix(rng.normal(conductance, sigma), *lines) for _ in range(1000)]
    )
    expected = np.sqrt(voltage**2 @ (noise_gain(conductance, *lines) * sigma) ** 2)
    np.testing.assert_allclose(reads.std(axis=0), expected, rtol=0.08)
    assert (reads.std(axis=0) / expected).mean() == pytest.approx(1.0, abs=0.02)
    transfer = transfer_matrix(conductance, *lines)
    standard_error = reads.std(axis=0) / np.sqrt(len(reads))
    assert (np.abs(reads.mean(axis=0) - voltage @ transfer) < 5 * standard_error).all()


def test_gain_carries_slow_noise_into_a_kept_transfer() -> None:
    rng = np.random.default_rng(6)
    conductance = rng.uniform(2e-6, 20e-6, (64, 64))
    lines = planes((64, 64), segment=(8.0, 8.0))
    shift = np.where(rng.random((64, 64)) < 0.05, rng.normal(0, 0.5e-6, (64, 64)), 0.0)
    before, after = (transfer_matrix(g, *lines) for g in (conductance, conductance + shift))
    voltage = rng.uniform(-0.2, 0.2, (50, 64))
    moved = voltage @ (after - before)
    kept = voltage @ (noise_gain(conductance, *lines) * shift)
    assert np.std(kept - moved) < 0.05 * np.std(moved)


def test_a_read_that_loses_too_much_is_warned_of() -> None:
    conductance = np.full((64, 64), 40e-6)
    lossy = transfer_matrix(conductance, *planes((64, 64), segment=(1.5, 1.5)))
    with pytest.warns(RuntimeWarning, match=r"20% of the current .* 64 x 64 .* fewer rows"):
        warn_of_signal_loss(lossy, conductance)
    # pyproject turns warnings into errors: this one stays silent.
    warn_of_signal_loss(0.91 * conductance, conductance)


def test_copper_resists_as_published() -> None:
    assert segment_resistance(40e-9, 1e-6) == pytest.approx(13.3, rel=5e-3)
    hot = segment_resistance(40e-9, 1e-6, temperature=400.0) / segment_resistance(40e-9, 1e-6)
    assert hot == pytest.approx(1.451)


@pytest.mark.parametrize("ohms", [-1.0, np.inf, np.nan])
def test_impossible_metal_is_refused(ohms: float) -> None:
    with pytest.raises(ValueError, match=r"segment is .* ohm"):
        Wire(ohms, 1.0, FIRST)
    with pytest.raises(ValueError, match=r"lead is .* ohm"):
        Wire(1.0, ohms, FIRST)


@pytest.mark.slow
@pytest.mark.parametrize("contacts", [ONE_END, (BOTH, BOTH)])
def test_512_lines_take_little_memory(contacts: tuple[Contacts, Contacts]) -> None:
    conductance = 10 ** np.random.default_rng(0).uniform(-7, -5, (512, 512))
    lines = planes((512, 512), contacts, (1.0, 1.0), (1.0, 1.0))
    transfer = transfer_matrix(conductance, *lines)
    tracemalloc.start()
    transfer_matrix(conductance, *lines)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    if contacts == ONE_END:
        near_and_far = transfer.reshape(2, 256, 2, 256).sum(axis=(1, 3))
        assert near_and_far[1, 0] == near_and_far.max()
        assert near_and_far[0, 1] == near_and_far.min()
