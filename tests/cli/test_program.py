"""`rgnn-hal program --campaign`: the same command goes on; and how commands are told to stop."""

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rgnn_hal.cli.stopping import Stopped, stoppable

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    np.save(tmp_path / "targets.npy", np.random.default_rng(0).uniform(60e-6, 200e-6, (16, 12)))
    return tmp_path / "targets.npy"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"emulator://?seed=7&preset=milo&state={tmp_path / 'chip.h5'}"


def ok(result: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = result
    assert code == 0, err
    answer = json.loads(out)
    assert isinstance(answer, dict)
    return answer


def mistake(result: tuple[int, str, str], *words: str) -> None:
    code, out, err = result
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    for word in words:
        assert word in err


def test_the_same_command_goes_on_with_its_campaign(
    run: Run, uri: str, targets: Path, tmp_path: Path
) -> None:
    command = ("program", uri, targets, "--campaign", tmp_path / "c", "--json")
    code, out, err = run(*command)
    first = ok((code, out, err))
    assert "programming" in err
    assert "192/192" in err
    assert first["success_fraction"] > 0.95
    assert {"cells", "mean_pulses", "rms_error_s", "seconds"} <= first.keys()
    assert (first["calls"], first["finished_before"], first["reopened_cells"]) == (1, 0, 0)
    again = ok(run(*command, "--reverify"))
    assert again["calls"] == 2
    assert again["finished_before"] > 0.95 * 192
    assert again["reopened_cells"] < 20


def test_another_campaign_s_folder_is_refused_with_both_names(
    run: Run, uri: str, targets: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    ok(run("program", uri, targets, "--campaign", folder, "--json"))
    other = f"emulator://?seed=8&preset=milo&state={tmp_path / 'other.h5'}"
    mistake(run("program", other, targets, "--campaign", folder),
            "-seed7, not ", "-seed8", "another folder")  # fmt: skip
    np.save(targets, np.full((16, 12), 100e-6))
    mistake(run("program", uri, targets, "--campaign", folder), "targets <f8[16, 12]:", ", not <f8")
    mistake(run("program", uri, targets, "--campaign", targets), "targets.npy", "name another")


def test_a_chip_that_forgets_has_no_campaigns(run: Run, targets: Path, tmp_path: Path) -> None:
    uri = "emulator://?preset=milo"
    mistake(run("program", uri, targets, "--campaign", tmp_path / "c"), "state=chip.h5")
    assert not (tmp_path / "c").exists()
    assert "campaign" not in ok(run("program", uri, targets, "--json"))


def test_reverify_without_a_campaign_is_a_mistake(run: Run, uri: str, targets: Path) -> None:
    mistake(run("program", uri, targets, "--reverify"), "--campaign DIR")


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def number(request: pytest.FixtureRequest, terminal_signals: None) -> signal.Signals:
    number: signal.Signals = request.param
    return number


def test_a_signal_leaves_through_finally_and_a_second_one_does_not_disturb_it(
    number: signal.Signals,
) -> None:
    cleaned = False
    with pytest.raises(Stopped) as stopped, stoppable():
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned = True
    assert cleaned
    assert stopped.value.code == 128 + number
    assert str(stopped.value) == f"stopped by {number.name}"


def test_handlers_are_put_back_and_what_is_ignored_stays_ignored(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stoppable():
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) == before
    signal.signal(number, signal.SIG_IGN)
    with stoppable():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == signal.SIG_IGN


def test_a_thread_that_cannot_handle_signals_runs_commands_too() -> None:
    ran = []

    def command() -> None:
        with stoppable():
            ran.append(True)

    thread = threading.Thread(target=command)
    thread.start()
    thread.join()
    assert ran == [True]
