"""What goes wrong on a bench: typed errors, and an array that is left grounded."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from rgnn_hal.macro import (
    ConfigurationError,
    DeviceError,
    Macro,
    PulseKind,
    Region,
    TransportError,
    open_macro,
)
from rgnn_hal_drivers.smu_matrix import link
from rgnn_hal_drivers.visa_stream import Stream
from rgnn_hal_firmware.tsp import ServedBench, example_bench
from rgnn_hal_firmware.tsp.interpreter import Session
from tests.drivers.probed_array import (
    AMMETER,
    cells,
    disconnect_at,
    form,
    open_bench,
    report_error_at,
    write_config,
)

SHAPE = (4, 3)
EVERY = np.ones(SHAPE, np.bool_)
_SENSITIVE = {
    "conductance = [1e-6, 40e-6]": "conductance = [0.1e-6, 5e-6]",
    "range = 100e-6": "range = 1e-6",
    'matrix_row = "B"\ncurrent_limit = 1e-3': 'matrix_row = "B"\ncurrent_limit = 1e-6',
}
"""A bench whose ammeter has its compliance at 1 uA."""


@pytest.fixture
def served() -> Iterator[ServedBench]:
    with example_bench(*SHAPE, exact=True) as served:
        form(served.bench.array.chip)
        yield served
        assert served.bench.incidents == []


def pulse(macro: Macro) -> None:
    macro.pulse(PulseKind.SET, EVERY, voltage=1.6, gate_voltage=1.6, width=1e-3)


def works(macro: Macro, served: ServedBench) -> bool:
    return np.allclose(macro.read_conductance(), cells(served), rtol=0, atol=AMMETER / 0.2)


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("serial", ["4000001", "4000002", "06001001"])
def test_another_individual_than_configured_is_refused(
    served: ServedBench, tmp_path: Path, serial: str, linked: bool
) -> None:
    with pytest.raises(ConfigurationError, match=f"serial number {serial}, .* says .* 999"):
        open_bench(served, tmp_path, linked=linked, edits={f'"{serial}"': '"999"'})
    open_bench(served, tmp_path, linked=linked).close()


def test_another_model_than_configured_is_refused(served: ServedBench, tmp_path: Path) -> None:
    uri = write_config(served, tmp_path)
    served.bench.instruments["smu2"].model = "2604B"
    with pytest.raises(ConfigurationError, match="smu2 is model 2604B"):
        open_macro(uri)


@pytest.mark.parametrize(
    "identity",
    [
        b"KEITHLEY INSTRUMENTS INC.,MODEL 707B,06001001,01.10a",
        b"Keithley Instruments Inc., Model 707B, 06001001, 1.1",
        b"Keithley Instruments,707B,06001001,1",
    ],
)
def test_an_instrument_is_known_however_it_spells_its_model(
    served: ServedBench, tmp_path: Path, identity: bytes
) -> None:
    controller = served.bench.instruments["matrix"].controller
    controller._common["*IDN?"] = lambda: controller.emit(identity + b"\n")
    with open_bench(served, tmp_path, linked=False) as macro:
        assert works(macro, served)


@pytest.mark.parametrize("linked", [True, False])
def test_what_a_script_editor_left_switched_on_is_switched_off(
    served: ServedBench, tmp_path: Path, linked: bool
) -> None:
    for instrument in served.bench.instruments.values():
        instrument.controller.execute("localnode.prompts=1 localnode.showerrors=1")
    with open_bench(served, tmp_path, linked=linked) as macro:
        report_error_at(served, "exclusiveclose")
        with pytest.raises(DeviceError, match="802"):
            pulse(macro)
        served.hook = None
        assert works(macro, served)


def test_a_missing_instrument_is_a_transport_error(served: ServedBench, tmp_path: Path) -> None:
    port = re.findall(r"::(\d+)::", served.resources["smu1"])[0]
    with pytest.raises(TransportError, match="smu1 at TCPIP"):
        open_bench(served, tmp_path, edits={f"::{port}::": "::1::"})


def test_a_missing_node_is_a_device_error(served: ServedBench, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="matrix is not node 9 of the TSP-Link of smu1"):
        open_bench(served, tmp_path, edits={"node = 3": "node = 9"})


def test_a_second_opener_is_told_who_has_it(served: ServedBench, tmp_path: Path) -> None:
    with (
        open_bench(served, tmp_path) as macro,
        pytest.raises(DeviceError, match=f"in use by process {os.getpid()}"),
    ):
        try:
            open_bench(served, tmp_path)
        finally:
            assert works(macro, served)
    open_bench(served, tmp_path).close()


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("at", ["PulseVMeasureI", "exclusiveclose", "source.output=1"])
def test_an_error_in_mid_pulse_is_raised_with_the_instrument_s_words(
    served: ServedBench, tmp_path: Path, at: str, linked: bool
) -> None:
    with open_bench(served, tmp_path, linked=linked) as macro:
        report_error_at(served, at)
        with pytest.raises(DeviceError, match="802, 'OUTPUT blocked by output enable'"):
            pulse(macro)
        assert served.bench.grounded
        assert works(macro, served)


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("at", ["PulseVMeasureI", "endscript", "errorqueue.next", "output=1"])
def test_a_connection_lost_in_mid_pulse_leaves_the_array_grounded(
    served: ServedBench, tmp_path: Path, at: str, linked: bool
) -> None:
    with open_bench(served, tmp_path, linked=linked) as macro:
        disconnect_at(served, at)
        with pytest.raises(TransportError, match="is unknown"):
            pulse(macro)
        assert served.bench.grounded
        assert works(macro, served)


def test_what_cannot_be_grounded_says_so(served: ServedBench, tmp_path: Path) -> None:
    macro = open_bench(served, tmp_path)
    disconnect_at(served, "", times=10_000)
    with pytest.raises(TransportError) as raised:
        pulse(macro)
    assert any("grounding the array failed" in note for note in raised.value.__notes__)
    with pytest.raises(TransportError):
        macro.close()
    served.hook = None
    with open_bench(served, tmp_path) as again:
        assert works(again, served)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("endscript", b"x\ty\tz\tw\n"),
        ("endscript", b"0\t1\t2"),
        ("endscript", b"\xff" * 5000),
        ("printbuffer", b"#0\n"),
        ("printbuffer", b"nan, " * 40 + b"\n"),
        ("errorqueue", b""),
        ("errorqueue", b"0.0e+00\n"),
        ("errorqueue", b"no\tNo Error\t0\t0\n"),
    ],
)
def test_nonsense_from_an_instrument_is_a_transport_error_and_no_data(
    served: ServedBench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
    answer: bytes,
) -> None:
    line = Session.line

    def garbled(session: Session, text: str) -> bytes:
        right = line(session, text)
        if question in text:
            monkeypatch.setattr(Session, "line", line)
            return answer
        return right

    with open_bench(served, tmp_path) as macro:
        monkeypatch.setattr(link, "_PATIENCE", 0.3)
        monkeypatch.setattr(Session, "line", garbled)
        with pytest.raises(TransportError, match="smu1"):
            macro.read_conductance(Region(0, 1, 0, 2))
        assert served.bench.grounded
        assert works(macro, served)


def test_another_instrument_after_a_broken_connection_is_not_spoken_to(
    served: ServedBench, tmp_path: Path
) -> None:
    macro = open_bench(served, tmp_path)
    disconnect_at(served, "endscript")
    identity = served.bench.instruments["smu1"].controller
    right = identity._common["*IDN?"]
    identity._common["*IDN?"] = lambda: identity.emit(b"Other Inc., Model 1, 2, 3\n")
    with pytest.raises(TransportError) as raised:
        pulse(macro)
    assert any("smu1 is model 1 with serial number 2" in note for note in raised.value.__notes__)
    with pytest.raises(TransportError, match="the connection broke before"):
        macro.read_conductance()
    identity._common["*IDN?"] = right
    macro.safe()
    assert works(macro, served)
    macro.close()


_HOST = """
import sys, numpy as np
from rgnn_hal import open_macro
macro = open_macro(sys.argv[1])
macro.pulse("set", np.ones((4, 3), bool), voltage=1.0, gate_voltage=1.0, width=1e-4, count=20)
"""


def test_a_host_that_is_killed_in_mid_pulse_leaves_the_array_grounded(
    served: ServedBench, tmp_path: Path
) -> None:
    uri = write_config(served, tmp_path)
    pulsing = threading.Event()

    def hook(name: str, text: str) -> None:
        if "PulseVMeasureI" in text:
            pulsing.set()

    served.hook = hook
    host = subprocess.Popen([sys.executable, "-c", _HOST, uri])
    assert pulsing.wait(60)
    host.kill()
    host.wait()
    served.hook = None
    with served.lock:
        assert served.bench.grounded
    with open_macro(uri) as macro:
        assert works(macro, served)
    assert served.bench.grounded


@pytest.mark.parametrize("linked", [True, False])
def test_opening_after_somebody_who_died_switches_off_before_relays_move(
    served: ServedBench, tmp_path: Path, linked: bool
) -> None:
    for name, program in (
        ("matrix", 'channel.close("1A01,1B05,1C08")'),
        ("smu2", "smua.source.levelv=1.6 smua.source.output=1"),
        ("smu1", "smub.source.output=1 smua.source.levelv=2 smua.source.output=1 nonsense()"),
    ):
        served.bench.instruments[name].controller.execute(program)
    with open_bench(served, tmp_path, linked=linked) as macro:
        assert served.bench.grounded
        assert works(macro, served)
    assert served.bench.incidents == []


@pytest.mark.parametrize("verb", ["pulse", "read"])
def test_ctrl_c_grounds_and_leaves_no_late_answer_behind(
    served: ServedBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    send = Stream.send

    def interrupted(stream: Stream, pieces: Sequence[bytes], deadline: float) -> None:
        send(stream, pieces, deadline)
        if b"exclusiveclose" in pieces[0]:
            monkeypatch.undo()
            raise KeyboardInterrupt

    with open_bench(served, tmp_path) as macro:
        macro.apply(np.full((1, SHAPE[0]), 0.2))
        monkeypatch.setattr(Stream, "send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pulse(macro) if verb == "pulse" else macro.read()
        assert Stream.send is send
        assert served.bench.grounded
        assert works(macro, served)


@pytest.mark.parametrize("linked", [True, False])
def test_a_reading_in_compliance_is_no_data(
    served: ServedBench, tmp_path: Path, linked: bool
) -> None:
    with open_bench(served, tmp_path, linked=linked, edits=_SENSITIVE) as macro:
        macro.pulse(PulseKind.RESET, EVERY, voltage=2.4, gate_voltage=3.0, width=1e-3, count=3)
        assert works(macro, served)
        one = np.zeros(SHAPE, np.bool_)
        one[2, 1] = True
        macro.pulse(PulseKind.SET, one, voltage=1.6, gate_voltage=1.6, width=1e-3)
        assert cells(served)[2, 1] > 10e-6
        with pytest.raises(
            DeviceError, match=r"compliance or overflow, the first at cell \(2, 1\)"
        ):
            macro.read_conductance()
        assert served.bench.grounded
        assert np.isnan(macro.read_conductance(mask=~one)[2, 1])


def test_a_pulse_in_compliance_is_an_error(served: ServedBench, tmp_path: Path) -> None:
    edits = _SENSITIVE | {
        'matrix_row = "A"\ncurrent_limit = 1e-3': 'matrix_row = "A"\ncurrent_limit = 1.1e-6'
    }
    with open_bench(served, tmp_path, edits=edits) as macro:
        with pytest.raises(DeviceError, match=r"SET pulse to cell \(0, 0\) ended in compliance"):
            macro.pulse(PulseKind.SET, EVERY, voltage=2.4, gate_voltage=2.4, width=1e-3)
        assert served.bench.grounded


def test_relays_that_do_not_close_keep_voltage_off(
    served: ServedBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relays = served.bench.matrices["matrix"].relays
    with open_bench(served, tmp_path) as macro:
        before = cells(served)
        # A relay that is stuck open: the matrix closes everything else that it is told to.
        move = relays._move
        monkeypatch.setattr(relays, "_move", lambda closed: move(closed - {"1A01"}))
        with pytest.raises(DeviceError, match=r"-286, .*others than 1A01,1B05,1C08 of matrix"):
            pulse(macro)
        assert served.bench.grounded
        np.testing.assert_array_equal(cells(served)[0], before[0])


@pytest.mark.parametrize(
    ("edits", "complaint"),
    [
        ({"nplc = 0.1": "nplcs = 0.1"}, "measure.nplcs: Extra inputs are not permitted"),
        ({"nplc = 0.1": "nplc = 100.0"}, "measure.nplc: 100 is outside the instruments' 0.001"),
        ({"range = 100e-6": "range = 90e-6"}, "measure.range: 9e-05 A is none of"),
        ({"range = 100e-6": "range = 1e-6"}, "draws 8e-06 A at 0.2 V, more than 1e-06 A"),
        ({"[2.0, 4.0]": "[2.0, 41.0]"}, "pulses.form.voltage: 41 is outside the instruments'"),
        ({"[2.0, 4.0]": "[4.0, 2.0]"}, "range from 4.0 to 2.0 is empty"),
        ({"[100e-6, 10e-3]": "[1e-6, 10e-3]"}, "pulses.form.width: 1e-06 is outside"),
        ({"current_limit = 1e-5": "current_limit = 5.0"}, "5 A is above the 3 A of a 2602B"),
        (
            {'"A"\ncurrent_limit = 1e-3': '"A"\ncurrent_limit = 1e-4'},
            "channels.drive: current limit below 1.05 measure.range",
        ),
        ({"rows = 4": "rows = 5"}, "wiring.rows: 4 matrix columns for 5 lines"),
        ({"'1-02'": "'1-01'"}, "matrix columns: matrix:1-01 is used twice"),
        ({"'1-02'": "'1-13'"}, "'1-13' is no matrix column"),
        ({'matrix_row = "B"': 'matrix_row = "A"'}, "matrix rows: A is used twice"),
        ({'channel = "smub"': 'channel = "smua"'}, "channels: smu1.smua is used twice"),
        ({'"707B"': '"708C"'}, "unknown model '708C'; known: 2601B"),
        ({'"707B"': '"2602B"'}, "no switching matrix; this driver needs at least one"),
        ({"node = 2": 'node = 2\nresource = "X"'}, "either resource"),
        ({"node = 2": "node = 3"}, "instruments' node: 3 is used twice"),
        ({"4000002": "4000001"}, "instruments' serial: 4000001 is used twice"),
        ({"[channels.gate]": "[channels.bulk]"}, "channels.bulk"),
        ({'instrument = "smu2"': 'instrument = "matrix"'}, "'matrix' is no source-measure unit"),
        (
            {'instrument = "smu1"\nchannel = "smub"': 'instrument = "smu2"\nchannel = "smub"'},
            "drive and sense must be the channels of one instrument",
        ),
        ({"read_noise": "max_batch = 1000\nread_noise"}, "max_batch * max_samples is 64000"),
        ({"[instruments.smu2]": "[instruments.'smu 2\"']"}, "String should match pattern"),
        ({"[macro]": "[macro"}, "is not TOML"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_opened(
    served: ServedBench, tmp_path: Path, edits: dict[str, str], complaint: str
) -> None:
    disconnect_at(served, "", times=10_000)
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        open_bench(served, tmp_path, edits=edits)


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("smu-matrix://", "config"),
        ("smu-matrix://?config=nowhere.toml", "cannot read bench file nowhere.toml"),
        ("smu-matrix://lab7?config=bench.toml", "takes no address, got 'lab7'"),
        ("smu-matrix://?config=a.toml&seed=1", "seed"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(uri: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        open_macro(uri)
