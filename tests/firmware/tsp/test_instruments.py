"""The instruments: what terminals do, what readings say, how relays move, what is counted."""

import numpy as np
import pytest

from rgnn_hal_firmware import Chip, PulseKind, Window
from rgnn_hal_firmware.tsp import Bench, small_preset
from rgnn_hal_firmware.tsp.datasheet import RANGES, Ammeter, range_for

ROWS, COLS = 3, 2
ROW, COL, GATE = range(1, 4), range(4, 6), range(6, 9)
"""Matrix columns of slot 1 that the lines are wired to."""
WHOLE = Window(0, ROWS, 0, COLS)


@pytest.fixture
def bench() -> Bench:
    chip = Chip(small_preset("ideal", ROWS, COLS), 5, exact=True)
    every = np.ones((ROWS, COLS), np.bool_)
    chip.pulse(PulseKind.FORM, every, every * 4.0, every * 1.65, 1e-3, 1, WHOLE)
    bench = Bench(chip)
    say(bench, "tsplink.reset()")
    say(bench, "node[3].channel.connectrule = node[3].channel.BREAK_BEFORE_MAKE")
    return bench


def say(bench: Bench, program: str, instrument: str = "smu1") -> str:
    controller = bench.instruments[instrument].controller
    answer = controller.execute(program).decode("latin-1")
    assert len(controller.errors) == 0, controller.errors.next()
    return answer.rstrip("\n")


def conductance(bench: Bench) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return bench.array.chip.read_conductance(WHOLE)


def close(bench: Bench, *relays: str) -> None:
    say(bench, f'channel.close("{",".join(relays)}")', "matrix")


def bias(bench: Bench, drive: float, gate: float) -> None:
    say(bench, f"smua.source.levelv={drive} smua.source.output=1 smub.source.output=1")
    say(bench, f"node[2].smua.source.levelv={gate} node[2].smua.source.output=1")
    say(bench, "smua.measure.rangei=1e-4 smub.measure.rangei=1e-4")


def measured(bench: Bench, channel: str = "smub") -> float:
    return float(say(bench, f"print({channel}.measure.i())"))


def test_a_connected_cell_draws_what_it_conducts(bench: Bench) -> None:
    close(bench, f"1A0{ROW[1]}", f"1B0{COL[0]}", f"1C0{GATE[1]}")
    bias(bench, 0.2, 1.2)
    expected = 0.2 * conductance(bench)[1, 0]
    assert measured(bench, "smua") == pytest.approx(expected, abs=30e-9)
    assert measured(bench, "smub") == pytest.approx(-expected, abs=30e-9)


@pytest.mark.parametrize(
    "relays",
    [
        ["1A01", "1B04", "1C07"],  # another row's gate
        ["1A01", "1B04"],  # no gate
        ["1A01", "1C06"],  # nothing at the other end
        ["1B04", "1C06"],
        [],
    ],
)
def test_what_is_not_connected_carries_nothing(bench: Bench, relays: list[str]) -> None:
    if relays:
        close(bench, *relays)
    bias(bench, 0.2, 1.2)
    assert abs(measured(bench)) < 10e-9


def test_a_closed_transistor_carries_nothing(bench: Bench) -> None:
    close(bench, "1A01", "1B04", "1C06")
    bias(bench, 0.2, 0.4)
    assert abs(measured(bench)) < 10e-9


def test_current_sneaks_through_floating_lines(bench: Bench) -> None:
    # Drive row 0, hold row 1 at zero, all columns float, both gates open: two cells in series,
    # by way of each column.
    close(bench, "1A01", "1B02", "1C06", "1C07")
    bias(bench, 0.2, 1.2)
    g = conductance(bench)
    series = (g[0] * g[1] / (g[0] + g[1])).sum()
    assert measured(bench) == pytest.approx(-0.2 * series, abs=30e-9)


def test_outputs_that_are_off_hold_zero_volts(bench: Bench) -> None:
    close(bench, "1A01", "1B04", "1C06")
    bias(bench, 0.2, 1.2)
    say(bench, "smua.source.output=0")
    assert abs(measured(bench)) < 10e-9


@pytest.mark.parametrize(("drive", "sense"), [("A", "B"), ("B", "A")])
def test_time_above_half_a_volt_is_a_pulse_on_the_connected_cell(
    bench: Bench, drive: str, sense: str
) -> None:
    before = conductance(bench)
    channel = "smua" if drive == "A" else "smub"
    other = "smub" if drive == "A" else "smua"
    close(bench, f"1{sense}01", f"1{drive}05", "1C06")
    say(bench, f"{other}.source.output=1 {channel}.source.levelv=2 {channel}.source.output=1")
    say(bench, "node[2].smua.source.levelv=1.6 node[2].smua.source.output=1 delay(1e-3)")
    change = conductance(bench) - before
    assert change[0, 1] < -1e-6, "positive on the column lowers the conductance"
    assert np.count_nonzero(np.abs(change) > 1e-9) == 1


def test_compliance_shows_in_reading_condition_and_buffer(bench: Bench) -> None:
    close(bench, "1A01", "1B04", "1C06")
    say(bench, "smub.source.limiti=1e-6")
    bias(bench, 0.2, 1.2)
    say(bench, "smub.measure.rangei=1e-6 smub.measure.i(smub.nvbuffer1)")
    assert measured(bench) == pytest.approx(-1e-6, rel=1e-2)
    assert say(bench, "print(status.measurement.instrument.smub.condition)") == "2.00000e+00"
    assert say(bench, "print(smub.source.compliance)") == "true"
    assert say(bench, "printbuffer(1, 1, smub.nvbuffer1.statuses)") == "6.40000e+01"


def test_a_range_that_does_not_reach_overflows(bench: Bench) -> None:
    close(bench, "1A01", "1B04", "1C06")
    bias(bench, 0.2, 1.2)
    say(bench, "smub.measure.rangei=1e-7")
    assert measured(bench) == 9.91e37
    assert say(bench, "print(status.measurement.instrument.smub.condition)") == "1.28000e+02"
    say(bench, "smub.measure.autorangei=1")
    assert -1e-5 < measured(bench) < -1e-7


def test_blocks_are_indefinite_and_little_endian(bench: Bench) -> None:
    say(bench, "smub.measure.count=5 smub.measure.i(smub.nvbuffer1)")
    say(bench, "format.data=format.REAL32 format.byteorder=format.LITTLEENDIAN")
    controller = bench.instruments["smu1"].controller
    block = controller.execute("printbuffer(1, 5, smub.nvbuffer1.readings)")
    assert len(block) == 4 * 5 + 3
    assert block[:2] == b"#0"
    assert block[-1:] == b"\n"
    last = float(say(bench, "print(smub.nvbuffer1.readings[5])"))
    assert np.frombuffer(block[2:-1], "<f4")[4] == pytest.approx(last, rel=1e-4)


def test_pulse_trains_measure_each_pulse(bench: Bench) -> None:
    close(bench, "1A01", "1B04", "1C06")
    bias(bench, 0.0, 1.2)
    say(bench, "PulseVMeasureI(smua, 0, 0.2, 1e-3, 1e-3, 4)")
    readings = [
        float(one) for one in say(bench, "printbuffer(1, 4, smua.nvbuffer1.readings)").split(",")
    ]
    np.testing.assert_allclose(readings, 0.2 * conductance(bench)[0, 0], atol=30e-9)
    assert say(bench, "print(smua.source.levelv)") == "0.00000e+00"


def test_relays_open_close_and_answer_sorted(bench: Bench) -> None:
    def closed() -> str:
        return say(bench, 'print(channel.getclose("allslots"))', "matrix")

    assert closed() == "nil"
    say(bench, 'channel.close("2B03,1A01:1A03")', "matrix")
    assert closed() == "1A01;1A02;1A03;2B03"
    assert say(bench, 'print(channel.getclose("slot2"))', "matrix") == "2B03"
    say(bench, 'channel.open("1A02")', "matrix")
    assert closed() == "1A01;1A03;2B03"
    say(bench, 'channel.exclusiveclose("6H12")', "matrix")
    assert closed() == "6H12"
    say(bench, 'channel.open("allslots")', "matrix")
    assert closed() == "nil"


@pytest.mark.parametrize(
    "channels", ["1A13", "7A01", "1J01", "1A00", "", "1A01,", "1A03:1A01", "x"]
)
def test_a_list_with_one_wrong_channel_moves_no_relay(bench: Bench, channels: str) -> None:
    close(bench, "1A01")
    for command in ("close", "open", "exclusiveclose"):
        controller = bench.instruments["matrix"].controller
        controller.execute(f'channel.{command}("1A02,{channels}")')
        assert controller.errors.next()[0] == -224
        assert bench.matrices["matrix"].relays.closed == {"1A01"}


@pytest.mark.parametrize(
    ("rule", "together"), [("BREAK_BEFORE_MAKE", False), ("MAKE_BEFORE_BREAK", True)]
)
def test_the_rule_decides_whether_old_and_new_relays_meet(
    bench: Bench, rule: str, together: bool
) -> None:
    say(bench, f"channel.connectrule = channel.{rule}", "matrix")
    close(bench, "1A01")
    bench.instruments["matrix"].controller.execute('channel.exclusiveclose("1B01")')
    assert [one.what for one in bench.incidents] == ["two sources"] * together


def test_relays_that_move_under_voltage_are_counted_and_complained_about(bench: Bench) -> None:
    close(bench, "1A01")
    assert bench.incidents == []
    say(bench, "smua.source.levelv=1 smua.source.output=1")
    for command in ('channel.close("1A02")', 'channel.open("allslots")'):
        bench.instruments["matrix"].controller.execute(command)
        assert bench.instruments["matrix"].controller.errors.next()[0] == 5901
    assert [one.relays for one in bench.incidents] == [("1A02",), ("1A01", "1A02")]


def test_reset_reaches_every_node_and_is_cold(bench: Bench) -> None:
    close(bench, "1A01", "1B04", "1C06")
    bias(bench, 0.2, 1.2)
    say(bench, "reset()")
    assert bench.grounded
    assert bench.incidents == []


@pytest.mark.parametrize("nplc", [0.001, 0.01, 0.1, 1.0])
def test_readings_are_as_good_as_the_data_sheet_says(nplc: float) -> None:
    derating = {0.001: 0.5e-2, 0.01: 0.05e-2, 0.1: 0.01e-2, 1.0: 0.0}[nplc]
    used = range_for(50e-6)
    assert used.full_scale == 100e-6
    within = []
    for seed in range(100):
        reading = Ammeter(seed).read(np.full(20, 50e-6), used, nplc)
        limit = 0.02e-2 * 50e-6 + 25e-9 + derating * 100e-6 + used.resolution
        within.append(np.abs(reading - 50e-6) <= limit)
    assert np.mean(within) > 0.98


def test_ranges_hold_what_they_are_picked_for() -> None:
    for one in RANGES:
        assert range_for(one.full_scale) is one
        assert range_for(-0.5 * one.full_scale).full_scale <= one.full_scale
