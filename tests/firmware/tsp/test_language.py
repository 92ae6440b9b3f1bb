"""The language of the instruments: what programs do, and that no text is too much for them."""

import tracemalloc

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from rgnn_hal_firmware import Chip
from rgnn_hal_firmware.tsp import Bench, small_preset
from rgnn_hal_firmware.tsp.errors import RUNTIME, SYNTAX
from rgnn_hal_firmware.tsp.interpreter import Controller, Session

PRESET = small_preset("ideal", 3, 2)


def bench() -> Bench:
    return Bench(Chip(PRESET, 1, exact=True))


@pytest.fixture
def controller() -> Controller:
    return bench().instruments["smu1"].controller


def said(controller: Controller, text: str) -> str:
    return controller.execute(text).decode("latin-1")


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        ("print(1)", "1.00000e+00\n"),
        ("print(-2.5e-3, 'a', \"b\", true, nil)", "-2.50000e-03\ta\tb\ttrue\tnil\n"),
        ("print()", "\n"),
        ("print((1))", "1.00000e+00\n"),
        ("print(1 == 1, 1 == '1', nil == false)", "true\tfalse\tfalse\n"),
        ("print(smua.OUTPUT_ON) -- a comment", "1.00000e+00\n"),
        ("print(smua['OUTPUT_ON'])", "1.00000e+00\n"),
        ("print(errorqueue.next())", "0.00000e+00\tQueue Is Empty\t0.00000e+00\t0.00000e+00\n"),
        ("print(errorqueue.next(), 7)", "0.00000e+00\t7.00000e+00\n"),
        ("smua.source.levelv = 1.5 print(smua.source.levelv)", "1.50000e+00\n"),
        ("smua.source.levelv=2;print(smua.source.levelv)", "2.00000e+00\n"),
        ("print\n(3)", "3.00000e+00\n"),
        ("*IDN?", "Keithley Instruments Inc., Model 2602B, 4000001, 3.0.0\n"),
        (" *opc?", "1\n"),
        ("print(localnode.model, localnode.serialno)", "2602B\t4000001\n"),
    ],
)
def test_programs_say(controller: Controller, program: str, answer: str) -> None:
    assert said(controller, program) == answer
    assert len(controller.errors) == 0


def test_prompts_and_errors_come_as_lines_where_they_are_switched_on(
    controller: Controller,
) -> None:
    assert said(controller, "localnode.prompts = 1") == "TSP>\n"
    assert said(controller, "print(localnode.prompts)") == "1.00000e+00\nTSP>\n"
    assert said(controller, "nothing()").endswith("TSP?\n")
    said(controller, "errorqueue.clear() localnode.prompts = 0")
    said(controller, "localnode.showerrors = 1")
    assert said(controller, "nothing()").startswith("-286\tTSP Runtime error")
    assert len(controller.errors) == 0
    assert said(controller, "localnode.showerrors = 0 print(1)") == "1.00000e+00\n"


@pytest.mark.parametrize(
    "program",
    ["print(", "smua.source.levelv", "print) (", "1 = 2", "f() = 1", "for", "x = = 1", "print('a",
     "@", "a.1", "; ()", "print(1)\nprint(", "print(" + "(" * 16 + ")" * 17,
     "a" + ".b" * 11 + "()"],
)  # fmt: skip
def test_what_is_no_program_does_nothing_at_all(controller: Controller, program: str) -> None:
    assert said(controller, "print(1)\n" + program) == ""
    assert controller.errors.next()[0] == SYNTAX


@pytest.mark.parametrize(
    "program",
    ["nothing.at.all = 1", "nothing()", "x = 1", "smua()", "print(-'a')", "assert(false)",
     "assert(nil)", "assert()", "smua.nvbuffer1.readings[1] = 2", "node[2].smua.reset()"],
)  # fmt: skip
def test_run_time_errors_end_a_program_where_it_is(controller: Controller, program: str) -> None:
    assert said(controller, f"print(1) {program} print(2)") == "1.00000e+00\n"
    assert controller.errors.next()[0] == RUNTIME


@pytest.mark.parametrize(
    "program",
    ["smua.source.levelv = 41", "smua.source.limiti = 'a'", "smua.source.output = 2",
     "smua.measure.nplc = 0", "smua.source.func = 0", "printbuffer(1, 1, smua.nvbuffer1.readings)",
     "PulseVMeasureI(smua, 0, 1)", "smua.measure.i(smua)", "delay(-1)", "smua.nvbuffer1.n = 1"],
)  # fmt: skip
def test_what_the_instrument_refuses_is_skipped_and_queued(
    controller: Controller, program: str
) -> None:
    assert said(controller, f"print(1) {program} print(2)") == "1.00000e+00\n2.00000e+00\n"
    code, message, severity, node = controller.errors.next()
    assert code not in (0, SYNTAX, RUNTIME)
    assert message
    assert (severity, node) == (20, 1)


def test_the_error_queue_overflows_into_one_entry(controller: Controller) -> None:
    for _ in range(200):
        said(controller, "nothing()")
    codes = []
    while (code := controller.errors.next()[0]) != 0:
        codes.append(code)
    assert len(codes) == 64
    assert codes[-1] == -350


def test_scripts_run_when_they_are_complete(controller: Controller) -> None:
    session = Session(controller)
    assert session.line("loadandrunscript mine") == b""
    assert session.line("print(1)") == b""
    assert session.line("print(2)") == b""
    assert session.line("endscript") == b"1.00000e+00\n2.00000e+00\n"
    assert session.line("print(3)") == b"3.00000e+00\n"


def test_a_script_beyond_all_bounds_is_dropped(controller: Controller) -> None:
    session = Session(controller)
    session.line("loadandrunscript")
    for _ in range(20):
        session.line("print('" + "x" * 65_000 + "')")
    assert session.line("endscript") == b""
    assert controller.errors.next()[0] == -363


_WORDS = """
print ( ) ( ) . . = == , ; [ ] - 1 0 -3 1e9 1e999 0.2 'a' "1A01" 'allslots' nil true
smua smub source levelv output limiti measure i nplc count rangei nvbuffer1 readings
statuses clear reset node 2 3 channel close open exclusiveclose getclose slot errorqueue
next printbuffer format data PulseVMeasureI delay assert tsplink localnode status
condition loadandrunscript endscript *RST --
""".split()  # noqa: SIM905
_REAL = """
node[3].channel.exclusiveclose("1A01,1B09,2C05")
assert(node[3].channel.getclose("allslots")=="1A01;1B09;2C05","others are closed")
node[2].smua.source.levelv=1.65 node[2].smua.source.output=1
smub.measure.i(smub.nvbuffer1)
PulseVMeasureI(smua, 0, 2.0, 1e-3, 1e-3, 2)
print(smua.measure.i(), status.measurement.instrument.smua.condition)
printbuffer(1, 1, smub.nvbuffer1.statuses)
format.data=format.REAL32 format.byteorder=format.LITTLEENDIAN
print(errorqueue.next())
tsplink.reset()
""".strip().split("\n")
_TEXTS = st.one_of(
    st.lists(st.sampled_from(_WORDS), max_size=14).map("".join),
    st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join),
    st.sampled_from(_REAL),
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda data: data.decode("latin-1")),
    st.builds(
        "{}.{} = {}".format,
        st.sampled_from(
            ["smua.source", "smub.measure", "node[2].smua.source", "format", "channel"]
        ),
        st.sampled_from(["levelv", "output", "limiti", "nplc", "count", "rangei", "data", "x"]),
        st.floats() | st.integers() | st.sampled_from(["nil", "'a'", "smua"]),
    ),
    st.builds("({}){}".format, st.text("(-[.a1", max_size=400), st.text(")].", max_size=400)),
)


def survive(session: Session, controller: Controller, text: str) -> None:
    answer = session.line(text)
    assert len(answer) < 1 << 23
    assert len(controller.errors) <= 64


@given(st.lists(_TEXTS, max_size=8))
@settings(max_examples=150)
def test_no_text_breaks_an_instrument(texts: list[str]) -> None:
    world = bench()
    for instrument in world.instruments.values():
        session = Session(instrument.controller)
        instrument.controller.execute("tsplink.reset()")
        for text in texts:
            for line in text.split("\n"):
                survive(session, instrument.controller, line)
        session.line("endscript")
        instrument.controller.errors.clear()
        assert instrument.controller.execute("print(1)") == b"1.00000e+00\n"


@pytest.mark.slow
def test_a_hundred_thousand_texts_break_no_instrument_and_keep_no_memory() -> None:
    draw = np.random.default_rng(0)
    world = bench()
    controllers = [instrument.controller for instrument in world.instruments.values()]
    sessions = [Session(controller) for controller in controllers]
    tracemalloc.start()
    sizes = []
    for number in range(100_000):
        which = int(draw.integers(3))
        kind = draw.random()
        if kind < 0.4:
            text = _REAL[int(draw.integers(len(_REAL)))]
            start, stop = sorted(draw.integers(len(text) + 1, size=2).tolist())
            text = text[:start] + _WORDS[int(draw.integers(len(_WORDS)))] + text[stop:]
        elif kind < 0.8:
            joint = " " if draw.random() < 0.5 else ""
            text = joint.join(_WORDS[int(k)] for k in draw.integers(len(_WORDS), size=12))
        else:
            text = draw.bytes(int(draw.integers(80))).decode("latin-1").replace("\n", " ")
        survive(sessions[which], controllers[which], text)
        if draw.random() < 0.05:
            sessions[which].line("endscript")
        if number % 25_000 == 24_999:
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] < sizes[0] + (8 << 20), sizes
