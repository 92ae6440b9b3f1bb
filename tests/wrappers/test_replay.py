"""A recording plays the macro: same calls, same answers; another call is shown and refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rgnn_hal.macro import ConfigurationError, DataError, DeviceError, Macro, PulseKind, Region
from rgnn_hal.wrappers import Record, Replay
from tests.conftest import ArrayMacro
from tests.testing.crossbar import NOISY, Crossbar

VOLTAGE = np.linspace(-0.2, 0.2, 20).reshape(2, 10)
MASK = np.eye(10, 8) > 0


def session(
    macro: Macro,
    voltage: Any = VOLTAGE,
    level: float = 1.0,
    samples: int = 1,
    mask: Any = MASK,
    whole: bool = False,
) -> list[Any]:
    macro.pulse(PulseKind.SET, mask, voltage=level, gate_voltage=1.0, width=1e-6)
    macro.apply(np.asarray(voltage)[:1])
    results = [macro.multiply(voltage, samples=samples), macro.read(), macro.clock()]
    macro.safe()
    macro.wait(1e-3)
    some = macro.read_conductance(mask=None if whole else mask)[mask]
    return [*results, some, macro.read_conductance(Region(0, 2, 0, 3))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "session.jsonl"
    with Record(Crossbar(NOISY), path) as macro:
        session(macro)
    return path


def test_the_same_calls_give_the_same_bits(path: Path, tmp_path: Path) -> None:
    with Record(Crossbar(NOISY), tmp_path / "again.jsonl") as macro:
        recorded = session(macro)
    with Replay(path) as replay:
        replayed = session(replay)
        assert replay.spec == NOISY
    assert replay.remaining == 0
    for first, second in zip(recorded, replayed, strict=True):
        assert np.array_equal(first, second)


off = VOLTAGE.copy()
off[1, 7] = 0.05
DEVIATIONS: dict[str, tuple[Callable[[Macro], Any], str]] = {
    "a read of all cells for one of some": (
        lambda m: session(m, whole=True),
        r"call 9, read_conductance: expected mask, region, samples, got region, samples",
    ),
    "another amplitude": (
        lambda m: session(m, level=1.1),
        r"call 1, pulse: voltage: expected 1\.0 at \(0, 0\), got 1\.1 \(80 of 80",
    ),
    "another mask": (
        lambda m: session(m, mask=~MASK),
        r"call 1, pulse: mask: expected True at \(0, 0\), got False \(80 of 80",
    ),
    "another voltage": (
        lambda m: session(m, voltage=off),
        r"call 3, multiply: voltage: expected 0\.157\d+ at \(1, 7\), got 0\.05 \(1 of 20",
    ),
    "another type": (
        lambda m: session(m, voltage=VOLTAGE.astype(np.float32)),
        r"call 2, apply: voltage: expected float64 of \(1, 10\), got float32",
    ),
    "another number of samples": (
        lambda m: session(m, samples=2),
        r"call 3, multiply: samples: expected 1, got 2",
    ),
    "another verb": (lambda m: m.read(), r"call 1: expected pulse, got read"),
}


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_the_first_deviation_is_shown(path: Path, deviation: str) -> None:
    calls, message = DEVIATIONS[deviation]
    replay = Replay(path)
    with pytest.raises(DeviceError, match=message):
        calls(replay)
    with pytest.raises(DeviceError, match=message):
        replay.read()
    replay.close()


def test_calls_that_were_not_made_are_a_deviation_at_closing(path: Path) -> None:
    with pytest.raises(DeviceError, match="expected pulse, got safe"):
        Replay(path).close()
    with pytest.raises(KeyError) as caught, Replay(path):
        raise KeyError("mine")
    assert "replay" in caught.value.__notes__[0]


def test_grounding_is_always_possible_and_a_deviation_there_is_raised_next(path: Path) -> None:
    replay = Replay(path)
    session(replay)
    replay.safe()
    replay.safe()
    with pytest.raises(DeviceError, match="expected close, got safe"):
        replay.read()
    replay.close()


def test_recorded_faults_are_raised_again(tmp_path: Path) -> None:
    inner = ArrayMacro()
    inner.failures["read"] = DeviceError("arc at column 3")
    path = tmp_path / "faulty.jsonl"
    for macro in (Record(inner, path), None):
        with macro or Replay(path) as opened:
            opened.apply(np.full((1, 8), 0.1))
            with pytest.raises(DeviceError, match="arc at column 3"):
                opened.read()
            opened.clock()


def test_a_session_that_was_cut_off_replays_up_to_there(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-300])
    replay = Replay(path)
    with pytest.raises(DeviceError, match="the recording ends here"):
        session(replay)
    assert replay.remaining == 0


def test_a_recording_is_one_session(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="new file"):
        Record(Crossbar(), path)


def test_what_is_no_recording_is_a_data_error(tmp_path: Path) -> None:
    for content in (b"", b"{}\n", b'{"spec":{}}\n', b"x\n"):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(DataError):
            Replay(tmp_path / "file")
