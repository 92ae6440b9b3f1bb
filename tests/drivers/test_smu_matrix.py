"""`smu-matrix://` on simulated instruments: the right cells, currents and pulses."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from rgnn_hal.macro import Capability, Macro, PulseKind, Region, Side
from rgnn_hal_firmware import Chip, Window
from rgnn_hal_firmware import PulseKind as ChipPulseKind
from rgnn_hal_firmware.tsp import ServedBench, example_bench, small_preset
from tests.drivers.probed_array import AMMETER, cells, count_lines, form, open_bench

ROWS, COLS = 5, 4
SEED = 7


@pytest.fixture(scope="module")
def served() -> Iterator[ServedBench]:
    with example_bench(ROWS, COLS, seed=SEED, exact=True) as served:
        form(served.bench.array.chip)
        yield served


@pytest.fixture
def macro(served: ServedBench, tmp_path: Path) -> Iterator[Macro]:
    served.hook = None
    with open_bench(served, tmp_path) as macro:
        yield macro
    assert served.bench.grounded
    assert served.bench.incidents == []


def test_the_spec_is_what_the_file_says(macro: Macro) -> None:
    spec = macro.spec
    assert (spec.rows, spec.cols) == (ROWS, COLS)
    assert spec.identity == "wafer 12, die 3-4, array A"
    assert spec.capabilities == {Capability.TRANSPOSE, Capability.PERSISTENT}
    assert spec.pulses[PulseKind.RESET].gate_voltage.high == 3.0
    assert spec.dac_bits is None
    assert spec.adc_bits is not None


def test_cells_read_as_they_are(macro: Macro, served: ServedBench) -> None:
    np.testing.assert_allclose(macro.read_conductance(), cells(served), atol=AMMETER / 0.2)


def test_cells_of_a_mask_are_read_and_no_others(macro: Macro, served: ServedBench) -> None:
    mask = np.zeros((3, 2), np.bool_)
    mask[1, 0] = mask[2, 1] = True
    closings = count_lines(served, "exclusiveclose")
    read = macro.read_conductance(Region(2, 5, 1, 3), mask=mask)
    assert closings() == 2
    assert np.isnan(read[~mask]).all()
    np.testing.assert_allclose(read[mask], cells(served)[2:5, 1:3][mask], atol=AMMETER / 0.2)


@given(data=st.data())
@settings(max_examples=12)
def test_currents_are_sums_with_the_sign_of_the_contract(
    served: ServedBench, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    sides: st.SearchStrategy[Side] = st.sampled_from(["rows", "cols"])
    side = data.draw(sides)
    region = data.draw(st.sampled_from([Region(0, ROWS, 0, COLS), Region(1, 4, 2, 4)]))
    lines, sensed = region.shape if side == "rows" else region.shape[::-1]
    volts = st.sampled_from([-0.2, -0.05, 0.0, 0.1, 0.2])
    voltage = data.draw(hnp.arrays(np.float64, (2, lines), elements=volts))
    conductance = cells(served)[region.slices]
    expected = voltage @ (conductance if side == "rows" else conductance.T)
    served.hook = None
    with open_bench(served, tmp_path_factory.mktemp("bench")) as macro:
        current = macro.multiply(voltage, side=side, region=region)
    assert current.shape == (2, sensed)
    np.testing.assert_allclose(current, expected, atol=lines * AMMETER)


def test_vectors_of_a_batch_have_noise_of_their_own(macro: Macro) -> None:
    current = macro.multiply(np.full((3, ROWS), 0.2))
    assert np.unique(current, axis=0).shape == (3, COLS)


def test_reads_are_made_when_they_are_asked_for(macro: Macro, served: ServedBench) -> None:
    closings = count_lines(served, "exclusiveclose")
    macro.apply(np.full((2, ROWS), 0.1))
    assert closings() == 0
    macro.read()
    assert closings() == ROWS * COLS


def test_an_operation_is_few_exchanges_where_instruments_are_linked(
    macro: Macro, served: ServedBench
) -> None:
    scripts = count_lines(served, "loadandrunscript")
    macro.read_conductance()
    assert scripts() <= 3


def test_instruments_without_the_link_do_the_same(
    served: ServedBench, tmp_path: Path, macro: Macro
) -> None:
    linked = macro.read_conductance()
    macro.close()
    with open_bench(served, tmp_path, linked=False) as apart:
        scripts = count_lines(served, "loadandrunscript")
        np.testing.assert_allclose(apart.read_conductance(), linked, atol=AMMETER / 0.2)
        assert scripts() > ROWS * COLS
        mask = np.eye(ROWS, COLS, dtype=np.bool_)
        before = cells(served)
        apart.pulse(PulseKind.SET, mask, voltage=1.6, gate_voltage=1.6, width=1e-3)
        assert (cells(served) != before)[mask].any()


@pytest.mark.parametrize("linked", [True, False])
def test_pulses_do_what_they_do_to_the_same_chip_in_process(tmp_path: Path, linked: bool) -> None:
    twin = Chip(small_preset("ideal", 4, 3), SEED, exact=True)
    whole = Window(0, 4, 0, 3)
    draw = np.random.default_rng(3)
    mask = draw.random((4, 3)) < 0.7
    with (
        example_bench(4, 3, preset="ideal", seed=SEED, exact=True) as served,
        open_bench(served, tmp_path, linked=linked) as macro,
    ):
        for kind, low, high in (
            (PulseKind.FORM, 3.2, 4.0),
            (PulseKind.RESET, 1.2, 1.6),
            (PulseKind.SET, 1.2, 1.6),
        ):
            voltage = draw.uniform(low, high, mask.shape)
            gate = draw.uniform(1.4, 1.8, mask.shape)
            macro.pulse(kind, mask, voltage=voltage, gate_voltage=gate, width=2e-4, count=1)
            for place in np.argwhere(mask):
                one = np.zeros_like(mask)
                one[tuple(place)] = True
                twin.pulse(ChipPulseKind(kind.value), one, voltage, gate, 2e-4, 1, whole)
            np.testing.assert_allclose(
                cells(served), twin.read_conductance(whole), rtol=1e-6, err_msg=kind
            )
        assert served.bench.incidents == []


def test_trains_are_as_long_as_they_were_asked_to_be(macro: Macro, served: ServedBench) -> None:
    pulses = served.bench.array.chip._state.pulses
    before = pulses.copy()
    one = np.zeros((1, 1), np.bool_) | True
    macro.pulse(
        PulseKind.SET,
        one,
        voltage=1.0,
        gate_voltage=1.2,
        width=1e-4,
        count=5,
        region=Region(2, 3, 3, 4),
    )
    given = served.bench.array.chip._state.pulses - before
    assert given[2, 3] == 5
    assert given.sum() == 5


def test_the_ammeter_s_zero_is_taken_off(
    macro: Macro, served: ServedBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = served.bench.channels["B"].ammeter
    monkeypatch.setattr(meter, "_offset", np.ones(9))  # 25 nA in each reading
    currents = macro.multiply(np.full((1, ROWS), 1e-6))
    assert np.abs(currents).max() < ROWS * 10e-9
