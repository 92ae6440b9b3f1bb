"""A campaign that is interrupted anywhere goes on, and wears no cell that it need not."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from rgnn_hal.macro import (
    ConfigurationError,
    DataError,
    DeviceError,
    LimitError,
    NotSupportedError,
    PulseKind,
    Region,
    TransportError,
)
from rgnn_hal.programming import CellStatus, PulseTrain, read_campaign, run_campaign, write_verify
from rgnn_hal.wrappers import Fault, FaultKind, Faults, Lent, read_journal
from tests.conftest import ArrayMacro, make_spec, random_conductance

REGION = Region(1, 8, 0, 5)
TARGET = np.random.default_rng(1).uniform(2e-6, 39e-6, REGION.shape)
Factory = pytest.TempPathFactory


@pytest.fixture(autouse=True, scope="module")
def no_waiting_for_the_disk() -> Iterator[None]:
    """No test here cuts the power, and flushing takes nine tenths of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rgnn_hal.lines.os.fsync", lambda file: None)
        yield


class Silicon(ArrayMacro):
    """Cells that survive their connections, one of which fails at its `fails_at`-th driver verb.

    It fails before the verb has an effect, or after, as a killed process or a pulled cable leaves
    it; the connection is then gone.
    """

    def __init__(self, error: BaseException | None = None) -> None:
        spec = make_spec()
        super().__init__(spec, random_conductance(spec.rows, spec.cols))
        self.conductance[2:5, ::2] = 0.1e-6  # pristine
        self.stuck[6, 1:3] = True
        self.given = np.zeros((spec.rows, spec.cols), int)
        self.error = error or TransportError("the cable was pulled")
        self.verbs_left: int | None = None
        self.with_effect = False

    def fail_in(self, verbs: int | None, with_effect: bool) -> None:
        self.verbs_left, self.with_effect = verbs, with_effect

    def _reach(self, verb: str) -> None:
        super()._reach(verb)
        if self.verbs_left is not None and verb != "safe":
            self.verbs_left -= 1
            if self.verbs_left < 0 and not self.with_effect:
                raise self.error

    def _pulse(self, kind: PulseKind, mask: NDArray[np.bool_], *rest: Any) -> None:
        super()._pulse(kind, mask, *rest)
        self.given[rest[-1].slices] += mask
        self._late()

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        reading = super()._read_conductance(region, samples)
        self._late()
        return reading

    def _late(self) -> None:
        if self.verbs_left is not None and self.verbs_left < 0:
            raise self.error

    @property
    def healthy(self) -> NDArray[np.bool_]:
        return ~self.stuck[REGION.slices]


def pulsed_since(macro: ArrayMacro, pulses: int) -> NDArray[np.bool_]:
    """Cells of the region that `macro` has pulsed after its first `pulses` pulses."""
    every = [mask for _, mask, _ in macro.pulse_log[pulses:]]
    pulsed: NDArray[np.bool_] = np.any([np.zeros_like(macro.stuck), *every], axis=0)
    return pulsed[REGION.slices]


def check_done(macro: Silicon, folder: Path, target: NDArray[np.float64] = TARGET) -> None:
    report = run_campaign(macro, target, folder, REGION).programming
    healthy = macro.healthy
    assert (report.status[healthy] == CellStatus.VERIFIED).all()
    assert (np.abs(macro.conductance[REGION.slices] - target)[healthy] <= report.tolerance).all()
    assert np.array_equal(report.conductance, macro.conductance[REGION.slices])
    assert set(report.status[~healthy]) <= {CellStatus.STUCK, CellStatus.VERIFIED}
    reading = read_campaign(folder)
    assert (sum(reading.pulses.values()) >= macro.given[REGION.slices]).all()
    assert (report.pulses <= sum(reading.pulses.values())).all()


verbs = st.integers(0, 120)


@given(st.lists(st.tuples(verbs, st.booleans()), min_size=1, max_size=5), st.booleans())
def test_a_campaign_interrupted_at_any_verb_goes_on_until_all_is_written(
    tmp_path_factory: Factory, interruptions: list[tuple[int, bool]], by_hand: bool
) -> None:
    folder = tmp_path_factory.mktemp("campaign")
    macro = Silicon(KeyboardInterrupt() if by_hand else None)
    finished = np.zeros(REGION.shape, bool)
    for number, (left, with_effect) in enumerate(interruptions):
        before = len(macro.pulse_log)
        macro.fail_in(left, with_effect)
        try:
            report = run_campaign(macro, TARGET, folder, REGION)
            assert report.calls == number + 1
        except (TransportError, KeyboardInterrupt) as error:
            assert error is macro.error
            error.__notes__.clear()
        assert macro.latched[0].max() == 0
        assert not (pulsed_since(macro, before) & finished).any()
        finished = read_campaign(folder).finished
    macro.fail_in(None, False)
    before = len(macro.pulse_log)
    check_done(macro, folder)
    assert not (pulsed_since(macro, before) & finished).any()


@settings(max_examples=20)
@given(
    st.integers(0, 1000),
    st.sampled_from(["pulse", "read_conductance", "clock"]),
    st.sampled_from(FaultKind),
)
def test_a_campaign_goes_on_after_every_fault_that_the_contract_allows(
    tmp_path_factory: Factory, seed: int, verb: str, kind: FaultKind
) -> None:
    folder = tmp_path_factory.mktemp("campaign")
    macro = Silicon()
    faults = [Fault(verb, kind, rate=0.2, timeout=0.0)]
    for attempt in range(10):
        try:
            faulty = Faults(Lent(macro), faults, seed + attempt)
            run_campaign(faulty, TARGET, folder, REGION)
            break
        except (DeviceError, TransportError) as error:
            assert "call again" in error.__notes__[0]
    check_done(macro, folder)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_files_cut_at_any_byte_are_read_and_gone_on_with(
    tmp_path_factory: Factory, cut: int, journal_cut: int
) -> None:
    folder = tmp_path_factory.mktemp("campaign")
    macro = Silicon()
    run_campaign(macro, TARGET, folder, REGION)
    lines, journal = folder / "campaign.jsonl", folder / "journal.jsonl"
    size = lines.stat().st_size
    os.truncate(lines, cut % size)
    # The chip had no pulse that is not in its journal, so only what follows the last may be cut.
    written = journal.read_bytes()
    last = written.rindex(b'"verb":"pulse"')
    whole = written.index(b"\n", last) + 1
    os.truncate(journal, whole + journal_cut % (len(written) - whole))
    plan_end = lines.read_bytes().find(b"\n")
    if plan_end < 0 and not lines.read_bytes().endswith(b"}"):
        with pytest.raises(DataError, match="plan"):
            read_campaign(folder)
    else:
        finished = read_campaign(folder).finished
        before = len(macro.pulse_log)
        run_campaign(macro, TARGET, folder, REGION)
        assert not (pulsed_since(macro, before) & finished).any()
    check_done(macro, folder)


@settings(max_examples=20)
@given(st.integers(0, 200))
def test_a_disk_that_fills_stops_the_campaign_before_the_next_pulse(
    tmp_path_factory: Factory, writes: int
) -> None:
    folder = tmp_path_factory.mktemp("campaign")
    macro = Silicon()
    left = writes
    real = os.write

    def write(file: int, data: bytes) -> int:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if left == 0:
            return real(file, bytes(data)[: len(data) // 2])
        return real(file, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rgnn_hal.lines.os.write", write)
        try:
            run_campaign(macro, TARGET, folder, REGION)
        except DeviceError as error:
            assert "make room" in str(error)
    if (folder / "campaign.jsonl").stat().st_size:
        journal = folder / "journal.jsonl"
        assert not journal.exists() or not journal.stat().st_size or not read_journal(journal).torn
        wear = sum(read_campaign(folder).pulses.values(), np.zeros(REGION.shape, int))
        assert (wear >= macro.given[REGION.slices]).all()
    check_done(macro, folder)


@settings(max_examples=20)
@given(st.lists(st.integers(5, 30), max_size=4))
def test_readings_alone_give_the_state_that_the_loop_had(
    tmp_path_factory: Factory, interruptions: list[int]
) -> None:
    """Interrupted between rounds, nothing is repeated: pulses are those of one call."""
    once = Silicon()
    once.conductance = random_conductance(8, 6)
    macro = Silicon()
    macro.conductance = once.conductance.copy()
    whole = write_verify(once, TARGET, REGION)
    folder = tmp_path_factory.mktemp("campaign")
    for rounds in interruptions:
        calls = 0

        def stop(done: int, total: int, label: str, last: int = rounds) -> None:
            nonlocal calls
            calls += label == "programming"
            if calls == last:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            run_campaign(macro, TARGET, folder, REGION, progress=stop)
    report = run_campaign(macro, TARGET, folder, REGION).programming
    assert np.array_equal(macro.given, once.given)
    assert np.array_equal(report.pulses, whole.pulses)
    assert np.array_equal(report.reversals, whole.reversals)
    assert np.array_equal(report.status, whole.status)
    assert np.array_equal(report.conductance, whole.conductance)


def test_a_pulse_without_a_reading_is_counted_and_its_amplitude_repeated(tmp_path: Path) -> None:
    for with_effect, expected in ((False, [0.9, 1.0, 1.1]), (True, [0.9] * 4 + [1.0, 1.1])):
        folder = tmp_path / str(with_effect)
        macro = Silicon()
        macro.conductance[:] = 2e-6
        macro.stuck[:] = False
        for verbs in (5, 2, 2):  # clock, read, clock of forming, the first time; clock, read, pulse
            macro.fail_in(verbs, with_effect)
            with pytest.raises(TransportError):
                run_campaign(macro, np.full(REGION.shape, 30e-6), folder, REGION)
        assert read_campaign(folder).pulses["set"].tolist() == [[3] * 5] * 7
        assert macro.given[REGION.slices].tolist() == [[3 * with_effect] * 5] * 7
        macro.fail_in(None, False)
        run_campaign(macro, np.full(REGION.shape, 30e-6), folder, REGION)
        gates = [amplitude[2, 2] for _, _, amplitude in macro.pulse_log[: len(expected)]]
        assert gates == pytest.approx(expected)


def drift(macro: ArrayMacro) -> None:
    macro.conductance[3, 3] += 5e-6


def test_a_finished_cell_that_drifted_is_reported_and_left_alone(tmp_path: Path) -> None:
    macro = Silicon()
    run_campaign(macro, TARGET, tmp_path, REGION)
    drift(macro)
    before = macro.given.copy()
    report = run_campaign(macro, TARGET, tmp_path, REGION)
    assert np.argwhere(report.drifted).tolist() == [[2, 3]]
    assert report.reopened == 0
    assert report.finished_before == report.programming.region.cells - 2
    assert report.programming.success_fraction == 32 / 35
    assert np.array_equal(macro.given, before)


def test_reverify_takes_up_what_drifted_and_nothing_else(tmp_path: Path) -> None:
    macro = Silicon()
    first = run_campaign(macro, TARGET, tmp_path, REGION)
    drift(macro)
    before = macro.given.copy()
    report = run_campaign(macro, TARGET, tmp_path, REGION, reverify=True)
    assert (report.reopened, report.drifted.sum(), report.calls) == (1, 0, 2)
    assert np.argwhere(macro.given > before).tolist() == [[3, 3]]
    assert np.array_equal(report.programming.pulses - first.programming.pulses,
                          (macro.given - before)[REGION.slices])  # fmt: skip
    assert np.array_equal(report.programming.status, first.programming.status)


@settings(max_examples=20)
@given(verbs, st.booleans())
def test_reverify_can_be_interrupted_too(
    tmp_path_factory: Factory, left: int, with_effect: bool
) -> None:
    folder = tmp_path_factory.mktemp("campaign")
    macro = Silicon()
    run_campaign(macro, TARGET, folder, REGION)
    drift(macro)
    before = macro.given.copy()
    macro.fail_in(left, with_effect)
    try:
        run_campaign(macro, TARGET, folder, REGION, reverify=True)
    except TransportError:
        macro.fail_in(None, False)
        run_campaign(macro, TARGET, folder, REGION, reverify=True)
    macro.fail_in(None, False)
    check_done(macro, folder)
    assert np.argwhere(macro.given > before).tolist() == [[3, 3]]


def test_cells_that_were_given_up_stay_given_up(tmp_path: Path) -> None:
    macro = Silicon()
    first = run_campaign(macro, TARGET, tmp_path, REGION).programming
    assert first.status[5, 1] == first.status[5, 2] == CellStatus.STUCK
    assert first.pulses[5, 1] == PulseTrain.within(macro.spec).length
    before = len(macro.pulse_log)
    again = run_campaign(macro, TARGET, tmp_path, REGION, reverify=True).programming
    assert len(macro.pulse_log) == before
    assert np.array_equal(again.status, first.status)


def test_cells_out_of_pulses_do_not_pass_by_being_read_again(tmp_path: Path) -> None:
    macro = Silicon()
    macro.response = 8e-6  # coarser than the tolerance
    first = run_campaign(macro, TARGET, tmp_path, REGION).programming
    exhausted = first.status == CellStatus.EXHAUSTED
    assert exhausted.sum() > 5
    macro.conductance[REGION.slices][exhausted] = TARGET[exhausted]
    before = len(macro.pulse_log)
    again = run_campaign(macro, TARGET, tmp_path, REGION).programming
    assert len(macro.pulse_log) == before
    assert np.array_equal(again.status, first.status)


def test_progress_goes_on_where_it_was(tmp_path: Path) -> None:
    macro = Silicon()
    macro.fail_in(60, False)
    with pytest.raises(TransportError):
        run_campaign(macro, TARGET, tmp_path, REGION)
    macro.fail_in(None, False)
    done = int(read_campaign(tmp_path).finished.sum())
    calls: list[tuple[int, int, str]] = []
    run_campaign(macro, TARGET, tmp_path, REGION, progress=lambda *call: calls.append(call))
    assert 0 < done <= calls[0][0]
    assert calls[-1] == (35, 35, "programming")


def other_targets(arguments: dict[str, Any]) -> None:
    arguments["target"] = TARGET[::-1]


def other_region(arguments: dict[str, Any]) -> None:
    arguments["region"] = Region(0, 7, 0, 5)


def other_tolerance(arguments: dict[str, Any]) -> None:
    arguments["tolerance"] = 0.5e-6


def other_train(arguments: dict[str, Any]) -> None:
    train = PulseTrain.within(make_spec())
    arguments["train"] = PulseTrain(2.0, train.set_gate, train.reset_voltage, 2.0, 1e-6)


def other_chip(arguments: dict[str, Any]) -> None:
    arguments["macro"] = ArrayMacro(make_spec(identity="another"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_targets, r"targets <f8\[7, 5\]:\w+, not <f8\[7, 5\]:\w+"),
        (other_region, "region 1:8,0:5, not 0:7,0:5"),
        (other_tolerance, r"tolerance \(S\) .*, not 5e-07"),
        (other_train, "train "),
        (other_chip, "chip array, not another"),
    ],
)
def test_another_campaign_in_the_same_folder_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    arguments: dict[str, Any] = {"macro": Silicon(), "target": TARGET, "region": REGION}
    run_campaign(folder=tmp_path, **arguments)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    change(arguments)
    with pytest.raises(ConfigurationError, match=words + ".*another folder"):
        run_campaign(folder=tmp_path, **arguments)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    if isinstance(arguments["macro"], Silicon):
        assert arguments["macro"].verbs_left is None


def test_a_tolerance_or_train_that_is_not_given_is_the_campaign_s(tmp_path: Path) -> None:
    macro = Silicon()
    first = run_campaign(macro, TARGET, tmp_path, REGION, tolerance=0.5e-6)
    again = run_campaign(macro, TARGET, tmp_path, REGION)
    assert first.programming.tolerance == again.programming.tolerance == 0.5e-6


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"target": TARGET * 10}, LimitError),
        ({"tolerance": -1.0}, LimitError),
        ({"region": Region(0, 7, 0, 6)}, LimitError),
        ({"macro": ArrayMacro(make_spec(capabilities=frozenset()))}, NotSupportedError),
        ({"macro": ArrayMacro(make_spec(pulses={}))}, NotSupportedError),
    ],
)
def test_what_is_refused_leaves_no_folder(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception]
) -> None:
    ours: dict[str, Any] = {"macro": Silicon(), "target": TARGET, "region": REGION}
    arguments = ours | changes
    with pytest.raises(error):
        run_campaign(folder=tmp_path / "c", **arguments)
    assert not (tmp_path / "c").exists()
    assert arguments["macro"].log == []


def test_the_macro_stays_open_and_its_files_are_let_go(tmp_path: Path) -> None:
    macro = Silicon()
    run_campaign(macro, TARGET, tmp_path, REGION)
    assert not macro.closed
    assert macro.log.count("close") == 0
    (tmp_path / "campaign.jsonl").rename(tmp_path / "elsewhere")
    run_campaign(macro, TARGET, tmp_path, REGION)


def test_one_process_at_a_time_works_on_a_campaign(tmp_path: Path) -> None:
    outer, inner = Silicon(), Silicon()

    def second(done: int, total: int, label: str) -> None:
        with pytest.raises(DeviceError, match="another"):
            run_campaign(inner, TARGET, tmp_path, REGION)

    run_campaign(outer, TARGET, tmp_path, REGION, progress=second)
    assert inner.log == []


def test_a_running_campaign_can_be_read(tmp_path: Path) -> None:
    seen = []

    def look(done: int, total: int, label: str) -> None:
        if label == "programming":
            seen.append((int(read_campaign(tmp_path).finished.sum()), done))

    macro = Silicon()
    macro.stuck[:] = False
    run_campaign(macro, TARGET, tmp_path, REGION, progress=look)
    assert len(seen) > 3
    assert all(finished == done for finished, done in seen)


@pytest.mark.parametrize(
    "content",
    [
        b"dear diary\n",
        b'{"event":"open"}\n',
        b'{"event":"plan","version":99}\n',
        b'{"event":"plan","version":1,"identity":"array"}\n',
        b"[1]\n",
    ],
)
def test_a_folder_with_something_else_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "campaign.jsonl"
    file.write_bytes(content)
    macro = Silicon()
    with pytest.raises(DataError, match=r"campaign\.jsonl"):
        run_campaign(macro, TARGET, tmp_path, REGION)
    assert file.read_bytes() == content
    assert macro.log == []


def test_readings_that_do_not_fit_are_damage(tmp_path: Path) -> None:
    run_campaign(Silicon(), TARGET, tmp_path, REGION)
    file = tmp_path / "campaign.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    last = next(line for line in reversed(lines) if json.loads(line)["event"] == "reading")
    with file.open("a") as lines_too_many:
        lines_too_many.write(last)
    with pytest.raises(DataError, match="readings"):
        read_campaign(tmp_path)


def test_a_file_in_the_folder_s_place_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("mine")
    with pytest.raises(ConfigurationError, match="name another"):
        run_campaign(Silicon(), TARGET, tmp_path / "c", REGION)


def test_a_folder_without_a_campaign_is_no_campaign(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"campaign\.jsonl"):
        read_campaign(tmp_path)
