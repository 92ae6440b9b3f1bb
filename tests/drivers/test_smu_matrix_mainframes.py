"""`smu-matrix://` with several switching mainframes: one array, whose lines hang on all of them."""

import re
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from rgnn_hal.macro import (
    ConfigurationError,
    DeviceError,
    Macro,
    PulseKind,
    Region,
    TransportError,
    open_macro,
)
from rgnn_hal_drivers.smu_matrix import link, programs
from rgnn_hal_drivers.smu_matrix.tables import WiringConfig
from rgnn_hal_drivers.smu_matrix.wiring import Wiring
from rgnn_hal_firmware.tsp import Disconnect, ServedBench, example_bench, matrix_columns
from rgnn_hal_firmware.tsp.interpreter import Session
from rgnn_hal_firmware.tsp.matrix import BREAK_BEFORE_MAKE, Relays
from rgnn_hal_firmware.tsp.tables import Commands
from tests.drivers.probed_array import (
    AMMETER,
    cells,
    count_lines,
    form,
    open_bench,
    write_config,
)

SHAPE = (4, 3)
EVERY = np.ones(SHAPE, np.bool_)
_ALL = matrix_columns(3)
SPREAD = tuple(_ALL[number * 72 // 4] for number in range(2 * SHAPE[0] + SHAPE[1]))
"""Columns of 4 + 3 + 4 lines: every mainframe has rows or columns, the last two have gates."""


@pytest.fixture
def served() -> Iterator[ServedBench]:
    with example_bench(*SHAPE, exact=True, columns=SPREAD) as served:
        form(served.bench.array.chip)
        watch_rows(served)
        yield served
        assert served.bench.incidents == []


def watch_rows(served: ServedBench) -> None:
    """Fail as soon as one matrix row, which is one channel, is on two columns, of any mainframes.

    What fails in an instrument is an error in its queue, and the verb raises it.
    """
    matrices = served.bench.matrices.values()

    def watched(moved: Callable[[Relays, Relays], None], before: Relays, after: Relays) -> None:
        moved(before, after)
        if after - before:
            rows = [name[1] for matrix in matrices for name in matrix.relays.closed]
            assert len(rows) == len(set(rows)), f"one channel on two lines: {rows}"

    for matrix in matrices:
        matrix.relays._moved = partial(watched, matrix.relays._moved)


def pulse(macro: Macro, mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = EVERY) -> None:
    macro.pulse(PulseKind.SET, mask, voltage=1.6, gate_voltage=1.6, width=1e-3)


def works(macro: Macro, served: ServedBench) -> bool:
    return np.allclose(macro.read_conductance(), cells(served), rtol=0, atol=AMMETER / 0.2)


def outputs_are_off(served: ServedBench) -> bool:
    return not any(channel.output for channel in served.bench.channels.values())


def closed(served: ServedBench) -> dict[str, Relays]:
    return {
        name: matrix.relays.closed
        for name, matrix in served.bench.matrices.items()
        if matrix.relays.closed
    }


@given(data=st.data())
@settings(max_examples=15)
def test_lines_may_be_plugged_in_anywhere(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    rows, cols = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    possible = matrix_columns(data.draw(st.integers(1, 4)))
    places = st.integers(0, len(possible) - 1)
    lines = 2 * rows + cols
    drawn = data.draw(st.lists(places, min_size=lines, max_size=lines, unique=True))
    columns = [possible[place] for place in drawn]
    row, col = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    linked = data.draw(st.booleans())
    with example_bench(rows, cols, exact=True, columns=columns) as served:
        form(served.bench.array.chip)
        watch_rows(served)
        with open_bench(served, tmp_path_factory.mktemp("bench"), linked=linked) as macro:
            assert works(macro, served)
            pulses = served.bench.array.chip._state.pulses
            before = pulses.copy()
            mask = np.zeros((rows, cols), np.bool_)
            mask[row, col] = True
            macro.pulse(PulseKind.RESET, mask, voltage=2.0, gate_voltage=2.0, width=1e-3)
            np.testing.assert_array_equal(pulses - before, mask)
            voltage = np.linspace(-0.2, 0.2, rows)[None]
            np.testing.assert_allclose(
                macro.multiply(voltage), voltage @ cells(served), atol=rows * AMMETER
            )
        assert served.bench.grounded
        assert served.bench.incidents == []


def test_sixty_four_by_sixty_four_is_three_mainframes(tmp_path: Path) -> None:
    with example_bench(64, 64, exact=True) as served:
        assert list(served.bench.matrices) == ["matrix1", "matrix2", "matrix3"]
        told = Wiring.of(WiringConfig(**readme_wiring()), list(served.bench.matrices))
        assert [str(column) for column in told.columns] == [
            column for columns in served.bench.wiring.values() for column in columns
        ]
        form(served.bench.array.chip)
        watch_rows(served)
        mask = np.zeros((64, 64), np.bool_)
        mask[[0, 0, 7, 8, 31, 63, 63], [0, 63, 7, 8, 40, 0, 63]] = True
        with open_bench(served, tmp_path) as macro:
            read = macro.read_conductance(mask=mask)
            np.testing.assert_allclose(read[mask], cells(served)[mask], atol=AMMETER / 0.2)
            before = cells(served)
            pulse(macro, mask)
            moved = cells(served) != before
            assert moved.any()
            assert not moved[~mask].any()
        assert served.bench.grounded
        assert served.bench.incidents == []


def readme_wiring() -> dict[str, Any]:
    """Of the 64 x 64 array that drivers/README.md shows."""
    readme = (Path(__file__).parents[2] / "drivers/README.md").read_text()
    block = readme.partition("```toml\n")[2].partition("```")[0]
    wiring: dict[str, Any] = tomllib.loads(textwrap.dedent(block))["wiring"]
    return wiring


def test_an_operation_is_few_exchanges_where_mainframes_are_linked(
    served: ServedBench, tmp_path: Path
) -> None:
    with open_bench(served, tmp_path) as macro:
        scripts = count_lines(served, "loadandrunscript")
        macro.read_conductance()
        assert scripts() <= 4


def test_every_mainframe_breaks_before_it_makes(served: ServedBench, tmp_path: Path) -> None:
    open_bench(served, tmp_path).close()
    rules = [matrix.relays._rule for matrix in served.bench.matrices.values()]
    assert rules == [BREAK_BEFORE_MAKE] * 3


@pytest.mark.parametrize("linked", [True, False])
def test_relays_that_somebody_left_closed_are_opened_before_any_is_closed(
    served: ServedBench, tmp_path: Path, linked: bool
) -> None:
    with open_bench(served, tmp_path, linked=linked) as macro:
        served.bench.matrices["matrix3"].controller.execute('channel.close("6A12,6B11")')
        assert works(macro, served)
        served.bench.matrices["matrix1"].controller.execute('channel.close("6A12")')
        pulse(macro)
        assert served.bench.grounded


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("stuck", ["matrix1", "matrix2", "matrix3"])
def test_a_relay_that_does_not_open_keeps_voltage_off_on_all_mainframes(
    served: ServedBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool, stuck: str
) -> None:
    macro = open_bench(served, tmp_path, linked=linked)
    before = cells(served)
    switched = count_lines(served, "output=1")
    relays = served.bench.matrices[stuck].relays
    move = relays._move
    with monkeypatch.context() as patch:
        patch.setattr(relays, "_move", lambda closed: move(closed | {"6H12"}))
        with pytest.raises(DeviceError, match=f"relays of {stuck} do not open") as raised:
            pulse(macro)
        assert any("grounding the array failed" in note for note in raised.value.__notes__)
        assert outputs_are_off(served)
        assert closed(served) == {stuck: {"6H12"}}
    if not linked:
        assert switched() == 0
    np.testing.assert_array_equal(cells(served), before)
    macro.safe()
    assert works(macro, served)
    macro.close()


@pytest.mark.parametrize("how", ["unplugged", "mute"])
@pytest.mark.parametrize("name", ["matrix1", "matrix2", "matrix3"])
@pytest.mark.parametrize(
    ("at", "time"),
    [("exclusiveclose", 1), ('open("allslots")', 1), ('open("allslots")', 2), ("errorqueue", 1)],
)
def test_a_mainframe_that_falls_silent_leaves_outputs_off_and_the_other_relays_open(
    served: ServedBench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    name: str,
    at: str,
    time: int,
) -> None:
    macro = open_bench(served, tmp_path, linked=False)
    controller = served.bench.matrices[name].controller
    line = Session.line
    seen = [0]

    def hook(instrument: str, text: str) -> None:
        seen[0] += instrument == name and at in text
        if instrument == name and seen[0] >= time and how == "unplugged":
            raise Disconnect

    def mute(session: Session, text: str) -> bytes:
        if session._controller is controller and seen[0] >= time:
            return b""
        return line(session, text)

    with monkeypatch.context() as patch:
        patch.setattr(link, "_PATIENCE", 0.2)
        patch.setattr(programs, "_RELAYS", 1e-4)  # of which time-outs are made
        if how == "mute":
            patch.setattr(Session, "line", mute)
        served.hook = hook
        with pytest.raises(TransportError, match=f"{name} at TCPIP") as raised:
            pulse(macro)
        assert seen[0] >= time
        assert any("grounding the array failed" in note for note in raised.value.__notes__)
        assert outputs_are_off(served)
        assert closed(served).keys() <= {name}
        served.hook = None
    macro.safe()
    assert served.bench.grounded
    assert works(macro, served)
    macro.close()


@pytest.mark.parametrize("name", ["matrix1", "matrix2", "matrix3"])
def test_a_mainframe_that_leaves_the_link_leaves_outputs_off_and_the_other_relays_open(
    served: ServedBench, tmp_path: Path, name: str
) -> None:
    macro = open_bench(served, tmp_path)
    node = float(served.bench.matrices[name].node)
    others = served.bench.instruments["smu1"]._others
    gone: list[Commands] = []

    def hook(instrument: str, text: str) -> None:
        if "endscript" in text and not gone:
            gone.append(others.pop(node))
            for row, matrix in zip("EFG", served.bench.matrices.values(), strict=True):
                matrix.controller.execute(f'channel.close("6{row}12")')

    served.hook = hook
    with pytest.raises(DeviceError, match=r"-286, .*attempt to index a nil value"):
        pulse(macro)
    assert outputs_are_off(served)
    assert closed(served).keys() <= {name}
    others[node] = gone[0]
    macro.safe()
    assert served.bench.grounded
    assert works(macro, served)
    macro.close()


@pytest.mark.parametrize("name", ["matrix1", "matrix2", "matrix3"])
def test_a_mainframe_that_does_not_answer_is_named_before_anything_electrical(
    served: ServedBench, tmp_path: Path, name: str
) -> None:
    port = re.findall(r"::(\d+)::", served.resources[name])[0]
    switched = count_lines(served, "source.")
    moved = count_lines(served, "channel.")
    with pytest.raises(TransportError, match=f"{name} at TCPIP"):
        open_bench(served, tmp_path, linked=False, edits={f"::{port}::": "::1::"})
    with pytest.raises(DeviceError, match=f"{name} is not node 9"):
        node = served.bench.matrices[name].node
        open_bench(served, tmp_path, edits={f"node = {node}\n": "node = 9\n"})
    assert (switched(), moved()) == (0, 0)


@pytest.mark.parametrize("linked", [True, False])
def test_a_missing_card_is_named_before_anything_electrical(
    served: ServedBench, tmp_path: Path, linked: bool
) -> None:
    relays = served.bench.matrices["matrix2"].relays
    used = {int(column[8]) for column in SPREAD if column.startswith("matrix2")}
    relays.cards = frozenset(range(1, 7)) - {max(used)}
    moved = count_lines(served, "channel.")
    with pytest.raises(ConfigurationError, match=f"matrix2 has no card in slot {max(used)}"):
        open_bench(served, tmp_path, linked=linked)
    assert moved() == 0
    relays.cards = frozenset(used)
    with open_bench(served, tmp_path, linked=linked) as macro:
        assert works(macro, served)


@pytest.mark.parametrize(
    ("edits", "complaint"),
    [
        ({"'matrix2:": "'"}, "may be of matrix1 or matrix2 or matrix3; write 'matrix1:"),
        ({"'matrix2:": "'matrix4:"}, "is of 'matrix4', which is no switching matrix"),
        ({"'matrix2:": "'smu1:"}, "is of 'smu1', which is no switching matrix"),
        ({f"'{SPREAD[1]}'": "'matrix1:7-01'"}, "'7-01' is no matrix column"),
        ({f"'{SPREAD[1]}'": "'matrix1:2-04..2-02'"}, "'matrix1:2-04..2-02' runs backwards"),
        ({f"'{SPREAD[1]}'": "'matrix1:'"}, "'' is no matrix column"),
        ({f"'{SPREAD[1]}'": f"'{SPREAD[5]}'"}, f"matrix columns: {SPREAD[5]} is used twice"),
        (
            {f"'{SPREAD[1]}'": f"'{SPREAD[1]}', 'matrix2:6-12'"},
            "wiring.rows: 5 matrix columns for 4 lines; a line has one column, of one mainframe",
        ),
        ({"06001002": "06001001"}, "instruments' serial: 06001001 is used twice"),
        ({"node = 4\n": "node = 3\n"}, "instruments' node: 3 is used twice"),
    ],
)
def test_wiring_that_does_not_fit_is_refused_before_anything_is_opened(
    served: ServedBench, tmp_path: Path, edits: dict[str, str], complaint: str
) -> None:
    lines = count_lines(served, "")
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        open_bench(served, tmp_path, edits=edits)
    assert lines() == 0


@pytest.mark.parametrize("one", ["drive", "gate"])
def test_a_2604b_is_no_node_and_has_none(served: ServedBench, tmp_path: Path, one: str) -> None:
    name = {"drive": "smu1", "gate": "smu2"}[one]
    section = f'[instruments.{name}]\nmodel = "2602B"'
    edits = {section: section.replace("2602B", "2604B")}
    uri = write_config(served, tmp_path)
    path = Path(uri.partition("=")[2])
    text = re.sub(r"(\[instruments\.\w+\])[^\n]*", r"\1", path.read_text())
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=f"{name}: a 2604B has no TSP-Link"):
        open_macro(uri)


@given(
    start=st.integers(0, 71),
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=6),
    matrix=st.sampled_from(["matrix1", "matrix3"]),
)
def test_ranges_are_the_columns_from_one_to_the_other(
    start: int, lengths: list[int], matrix: str
) -> None:
    columns = [column for column in matrix_columns(3) if column.startswith(matrix)]
    entries, told, at = [], [], start
    for length in lengths:
        some = columns[at : at + length]
        at += length
        if some:
            told += some
            entries.append(f"{some[0]}..{some[-1].partition(':')[2]}")
    config = WiringConfig(rows=tuple(entries), cols=(), gates=tuple(told))
    wiring = Wiring.of(config, ["matrix1", "matrix2", "matrix3"])
    assert [str(column) for column in wiring.rows] == told
    assert wiring.rows == wiring.gates


def test_products_of_a_region_reach_every_mainframe(served: ServedBench, tmp_path: Path) -> None:
    region = Region(1, 4, 0, 2)
    with open_bench(served, tmp_path) as macro:
        for side, voltage in (("rows", [[0.2, 0.0, -0.1]]), ("cols", [[0.1, -0.2]])):
            g = cells(served)[region.slices]
            current = macro.multiply(np.array(voltage), side=side, region=region)  # type: ignore[arg-type]
            expected = np.array(voltage) @ (g if side == "rows" else g.T)
            np.testing.assert_allclose(current, expected, atol=3 * AMMETER)
