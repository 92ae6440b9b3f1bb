"""The journal: complete before anything moves, readable after any crash."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rgnn_hal.macro import ConfigurationError, DataError, DeviceError, PulseKind, Region
from rgnn_hal.wrappers import Journal, read_journal
from tests.conftest import ArrayMacro, make_spec

MASK = np.eye(8, 6) > 0


def set_cells(macro: Journal, mask: object = MASK, count: int = 1) -> None:
    macro.pulse(
        PulseKind.SET,
        np.asarray(mask),
        voltage=1.0,
        gate_voltage=1.0,
        width=1e-6,
        count=count,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chip.jsonl"


def test_every_call_stands_in_the_journal_with_digests_and_its_end(path: Path) -> None:
    with Journal(ArrayMacro(), path) as macro:
        macro.multiply(np.full((2, 8), 0.1))
        set_cells(macro)
        macro.wait(1.0)
    events = [record for record in read_journal(path).events if record["event"] in ("call", "done")]
    assert [(event["event"], event["n"]) for event in events] == [
        (kind, n) for n in (1, 2, 3) for kind in ("call", "done")
    ]
    assert [event["verb"] for event in events[::2]] == ["multiply", "pulse", "wait"]
    assert events[0]["arguments"]["voltage"].startswith("<f8[2, 8]:")
    assert events[1]["result"].startswith("<f8[2, 6]:")
    assert events[2]["cells"] == 6


def test_equal_arrays_have_equal_digests_and_others_have_not(path: Path) -> None:
    with Journal(ArrayMacro(), path) as macro:
        for level in (0.1, 0.1, 0.1000001):
            macro.apply(np.full((1, 8), level))
    calls = [event for event in read_journal(path).events if event["event"] == "call"]
    first, second, third = (call["arguments"]["voltage"] for call in calls)
    assert first == second != third


@given(st.lists(st.tuples(st.integers(0, 2**48 - 1), st.integers(1, 5)), max_size=5))
def test_pulses_of_every_cell_are_counted(
    tmp_path_factory: pytest.TempPathFactory, given_pulses: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "chip.jsonl"
    expected = np.zeros((8, 6), int)
    for bits, count in given_pulses:
        mask = np.array([bits >> cell & 1 for cell in range(48)], bool).reshape(8, 6)
        with Journal(ArrayMacro(), path) as macro:  # a new session each time
            set_cells(macro, mask, count)
            expected += count * mask
            assert np.array_equal(macro.pulses["set"], expected)
    if given_pulses:
        assert np.array_equal(read_journal(path).pulses["set"], expected)


def test_closed_loop_writes_are_counted_too(path: Path) -> None:
    with Journal(ArrayMacro(), path) as macro:
        macro.program(np.full((2, 2), 5e-6), Region(1, 3, 2, 4))
        assert macro.pulses["program"].sum() == 4
        assert macro.pulses["program"][1:3, 2:4].all()


def test_a_refused_call_does_not_stand_in_the_journal(path: Path) -> None:
    with Journal(ArrayMacro(), path) as macro, pytest.raises(ValueError, match="outside"):
        macro.apply(np.full((1, 8), 9.0))
    assert not [event for event in read_journal(path).events if event["event"] == "call"]


def test_a_fault_of_the_macro_is_journaled_and_raised_as_it_is(path: Path) -> None:
    inner = ArrayMacro()
    inner.failures["pulse"] = DeviceError("arc")
    with Journal(inner, path) as macro, pytest.raises(DeviceError, match="arc"):
        set_cells(macro)
    failed = [event for event in read_journal(path).events if event["event"] == "failed"]
    assert failed[0]["error"] == "DeviceError: arc"


def test_the_journal_of_another_chip_is_refused_and_left_alone(path: Path) -> None:
    Journal(ArrayMacro(), path).close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="journal of array, this macro is other"):
        Journal(ArrayMacro(make_spec(identity="other")), path)
    assert path.read_bytes() == before


def test_two_macros_do_not_write_one_journal(path: Path) -> None:
    with Journal(ArrayMacro(), path), pytest.raises(DeviceError, match="another macro"):
        Journal(ArrayMacro(), path)


def test_what_is_no_journal_is_a_data_error(tmp_path: Path) -> None:
    for content in (b"", b"hello\n", b"[1]\n", b'{"event":"call"}\n', b"\x00\xff\n"):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(DataError):
            read_journal(tmp_path / "file")
    with pytest.raises(DataError):
        read_journal(tmp_path / "missing")


@contextmanager
def room_for(path: Path, more: int) -> Iterator[None]:
    """A disk on which `path` can grow by `more` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)


@pytest.mark.parametrize("more", [0, 1, 40, 150])
def test_a_full_disk_is_an_error_before_the_hardware_moves(path: Path, more: int) -> None:
    inner = ArrayMacro()
    macro = Journal(inner, path)
    set_cells(macro)
    before = inner.conductance.copy()
    lines = len(read_journal(path).events)
    with room_for(path, more), pytest.raises(DeviceError, match="make room"):
        set_cells(macro)
    assert np.array_equal(inner.conductance, before)
    assert macro.pulses["set"].sum() == 6
    reading = read_journal(path)
    assert len(reading.events) <= lines + 1  # the grounding that follows an error may stand there
    assert reading.torn == 0
    set_cells(macro)
    macro.close()
    assert read_journal(path).pulses["set"].sum() == 12


def test_a_full_disk_does_not_keep_the_array_from_being_grounded(path: Path) -> None:
    inner = ArrayMacro()
    macro = Journal(inner, path)
    macro.apply(np.full((1, 8), 0.1))
    with room_for(path, 0):
        macro.safe()
        assert not inner.latched[0].any()
        macro.close()
    assert inner.closed


@given(cut=st.integers(1, 400))
def test_a_torn_line_harms_neither_reader_nor_writer(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "chip.jsonl"
    with Journal(ArrayMacro(), path) as macro:
        set_cells(macro)
        set_cells(macro)
    content = path.read_bytes()
    first_line = content.index(b"\n") + 1
    path.write_bytes(content[: max(first_line, len(content) - cut)])
    assert read_journal(path).torn <= 1
    with Journal(ArrayMacro(), path) as macro:
        before = macro.pulses.get("set", np.zeros(1)).sum()
        set_cells(macro)
        assert macro.pulses["set"].sum() == before + 6
    assert read_journal(path).pulses["set"].sum() == before + 6


KILLED = """
import sys, numpy as np
from rgnn_hal.macro import PulseKind
from rgnn_hal.wrappers import Journal
from tests.conftest import ArrayMacro
class Loud(ArrayMacro):
    def _pulse(self, *arguments):
        super()._pulse(*arguments)
        print(".", end="", flush=True)
macro = Journal(Loud(), sys.argv[1])
print("go", flush=True)
while True:
    macro.pulse(PulseKind.SET, np.ones((8, 6), bool), voltage=1.0, gate_voltage=1.0, width=1e-6)
"""


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05])
def test_no_pulse_is_missing_after_kill_9(
    path: Path, delay: float, pytestconfig: pytest.Config
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE,
        cwd=pytestconfig.rootpath,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"go\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(delay)
    os.kill(process.pid, signal.SIGKILL)
    given_pulses = len(process.stdout.read())
    process.wait()
    process.stdout.close()
    reading = read_journal(path)
    journaled = int(reading.pulses["set"][0, 0]) if reading.pulses else 0
    assert given_pulses <= journaled <= given_pulses + 1
    assert len(reading.unfinished) <= 1
