"""Write-verify brings cells to their targets and hides none that it could not bring there."""

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from rgnn_hal.macro import LimitError, NotSupportedError, PulseKind, Region
from rgnn_hal.programming import CellStatus, PulseTrain, program, write_verify
from rgnn_hal.progress import silent
from tests.conftest import PULSES, ArrayMacro, make_spec, random_conductance

TOLERANCE = 39e-6 / 40
Targets = NDArray[np.float64]


def target(seed: int = 1, rows: int = 8, cols: int = 6) -> Targets:
    return np.random.default_rng(seed).uniform(2e-6, 39e-6, (rows, cols))


@given(st.integers(0, 1000), st.floats(0.3e-6, 1e-6))
def test_the_record_of_every_cell_agrees_with_what_happened(seed: int, response: float) -> None:
    macro = ArrayMacro(conductance=random_conductance(8, 6, seed))
    macro.response = response
    macro.stuck = np.random.default_rng(seed).random((8, 6)) < 0.2
    goal = target(seed + 1)
    report = write_verify(macro, goal, max_pulses=40)

    received = np.zeros((8, 6), dtype=int)
    reversals = np.zeros((8, 6), dtype=int)
    last = np.zeros((8, 6), dtype=int)
    for kind, mask, _ in macro.pulse_log:
        sign = 1 if kind is PulseKind.SET else -1
        received += mask
        reversals += mask & (last == -sign)
        last[mask] = sign
    assert np.array_equal(report.pulses, received)
    assert np.array_equal(report.reversals, reversals)
    assert report.pulses.max() <= 40
    assert np.array_equal(report.conductance, macro.conductance)
    assert np.array_equal(report.error, macro.conductance - goal)
    assert report.tolerance == pytest.approx(TOLERANCE)

    good = report.status == CellStatus.VERIFIED
    assert (np.abs(report.error[good]) <= TOLERANCE).all()
    assert report.success_fraction == good.mean()
    assert report.mean_pulses == received.mean()
    assert report.rms_error == pytest.approx(np.sqrt((report.error[good] ** 2).mean()))
    stuck = report.status == CellStatus.STUCK
    assert np.array_equal(stuck, macro.stuck & ~good)
    assert (report.pulses[stuck] == PulseTrain.within(macro.spec).length).all()
    assert (report.pulses[~good & ~stuck] == 40).all()


def test_cells_that_answer_all_reach_their_targets() -> None:
    macro = ArrayMacro(conductance=random_conductance(8, 6))
    report = write_verify(macro, target())
    assert report.success_fraction == 1.0
    assert report.mean_pulses > 0


def test_stuck_cells_are_reported_and_kept_as_they_are() -> None:
    macro = ArrayMacro(conductance=np.full((8, 6), 20e-6))
    macro.stuck[2, 3] = True
    macro.conductance[4, 4] = 0.1e-6
    report = write_verify(macro, np.full((8, 6), 10e-6))
    stuck = np.argwhere(report.status == CellStatus.STUCK)
    assert stuck.tolist() == [[2, 3], [4, 4]]
    assert report.success_fraction == pytest.approx(46 / 48)
    assert report.error[2, 3] == pytest.approx(10e-6)


def test_cells_that_run_out_of_pulses_are_exhausted_and_not_stuck() -> None:
    macro = ArrayMacro(conductance=np.full((8, 6), 2e-6))
    report = write_verify(macro, np.full((8, 6), 39e-6), max_pulses=3)
    assert (report.status == CellStatus.EXHAUSTED).all()
    assert (report.pulses == 3).all()
    assert report.success_fraction == 0.0
    assert np.isnan(report.rms_error)


def test_cells_that_jump_over_their_target_and_back_are_exhausted_and_not_stuck() -> None:
    macro = ArrayMacro(conductance=np.full((8, 6), 10e-6))
    macro.response = 4e-6
    report = write_verify(macro, np.full((8, 6), 12e-6), max_pulses=4)
    assert report.conductance == pytest.approx(np.full((8, 6), 10e-6))
    assert (report.reversals == 3).all()
    assert (report.status == CellStatus.EXHAUSTED).all()


def test_cells_on_target_are_left_alone() -> None:
    macro = ArrayMacro(conductance=target())
    report = write_verify(macro, target())
    assert macro.pulse_log == []
    assert report.success_fraction == 1.0
    assert report.mean_pulses == 0.0


class Wandering(ArrayMacro):
    """Reads 1 uS of noise; remembers each reading and how many pulses had been given before it."""

    def _read_conductance(self, region: Region, samples: int) -> Targets:
        noise = np.random.default_rng(len(self.log)).normal(0, 1e-6, region.shape)
        reading = super()._read_conductance(region, samples) + noise
        self.readings = [*getattr(self, "readings", []), (len(self.pulse_log), reading)]
        return reading


def test_no_finished_cell_is_pulsed_again_though_it_wanders() -> None:
    macro = Wandering(conductance=np.full((8, 6), 10e-6))
    goal = np.full((8, 6), 14e-6)
    report = write_verify(macro, goal)
    assert report.pulses.max() > 3
    for given_before, reading in macro.readings:
        finished = np.abs(reading - goal) <= 0.7 * TOLERANCE
        assert not any((mask & finished).any() for _, mask, _ in macro.pulse_log[given_before:])
    assert report.success_fraction < (report.status == CellStatus.VERIFIED).mean()


def test_only_the_region_is_read_and_written() -> None:
    macro = ArrayMacro(conductance=random_conductance(8, 6))
    before = macro.conductance.copy()
    region = Region(2, 5, 1, 6)
    report = write_verify(macro, target(rows=3, cols=5), region)
    assert report.success_fraction == 1.0
    assert report.region == region
    before[region.slices] = report.conductance
    assert np.array_equal(macro.conductance, before)


def test_a_cell_climbs_while_its_error_keeps_its_sign_and_backs_off_when_it_returns() -> None:
    train = PulseTrain.within(make_spec())
    yes, no = np.array([[True]]), np.array([[False]])
    step = np.array([[0]])
    for _ in range(5):
        step = train.climb(step, yes, no)
    assert step.tolist() == [[5]]
    assert train.climb(step, no, no).tolist() == [[5]]
    assert train.climb(step, no, yes).tolist() == [[3]]
    assert train.climb(np.array([[1]]), no, yes).tolist() == [[0]]


def test_trains_climb_through_the_whole_envelope_and_stay_at_its_end() -> None:
    spec = make_spec()
    train = PulseTrain.within(spec)
    train.check(spec)
    steps = np.arange(40)[None, :]
    voltage, gate = train.amplitudes(PulseKind.SET, steps)
    assert (voltage == 2.4).all()
    assert gate[0, [0, -1]].tolist() == [0.9, 2.4]
    voltage, gate = train.amplitudes(PulseKind.RESET, steps)
    assert voltage[0, [0, -1]].tolist() == [0.9, 2.4]
    assert (gate == 3.0).all()
    for rising in (train.set_gate, train.reset_voltage):
        assert (np.diff(rising) > 0).all()
    assert train.width == 1e-6


@pytest.mark.parametrize(
    ("low", "high", "width"), [(5e-6, 1e-3, 5e-6), (1e-8, 3e-7, 3e-7), (7e-7, 7e-7, 7e-7)]
)
def test_the_width_is_the_nearest_to_a_microsecond(low: float, high: float, width: float) -> None:
    pulses = PULSES | {"set": PULSES["set"] | {"width": {"low": low, "high": high}}}
    assert PulseTrain.within(make_spec(pulses=pulses)).width == width


BAD_TARGETS: dict[str, tuple[Any, str]] = {
    "NaN": (np.where(np.eye(8, 6) > 0, np.nan, 5e-6), r"6 of 48 .* nan at \(0, 0\)"),
    "above": (np.where(np.eye(8, 6) > 0, 41e-6, 5e-6), r"4.1e-05 at \(0, 0\)"),
    "below": (np.zeros((8, 6)), "48 of 48"),
    "transposed": (target().T, r"shape \(6, 8\)"),
    "text": (np.full((8, 6), "x"), "type"),
}


@pytest.mark.parametrize(("bad", "complaint"), BAD_TARGETS.values(), ids=BAD_TARGETS.keys())
@pytest.mark.parametrize("write", [write_verify, program])
def test_bad_targets_are_refused_with_examples_before_anything_happens(
    macro: ArrayMacro, write: Any, bad: Any, complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        write(macro, bad)
    assert macro.log == []


@pytest.mark.parametrize("tolerance", [0.0, -1e-6, float("nan"), float("inf")])
@pytest.mark.parametrize("write", [write_verify, program])
def test_a_tolerance_that_is_no_positive_number_is_refused(
    macro: ArrayMacro, write: Any, tolerance: float
) -> None:
    with pytest.raises(LimitError, match="tolerance"):
        write(macro, target(), tolerance=tolerance)
    assert macro.log == []


@pytest.mark.parametrize(
    "change",
    [
        {"set_voltage": 2.5},
        {"set_gate": (1.0, 2.5)},
        {"reset_voltage": (0.8, 1.0)},
        {"reset_gate": 3.1},
        {"width": 1.0},
    ],
)
def test_a_train_beyond_the_envelope_is_refused_before_the_first_pulse(
    macro: ArrayMacro, change: dict[str, Any]
) -> None:
    train = replace(PulseTrain.within(macro.spec), **change)
    with pytest.raises(LimitError, match=r"(SET|RESET) limit"):
        write_verify(macro, target(), train=train)
    assert macro.log == []


@pytest.mark.parametrize("missing", ["set", "reset"])
@pytest.mark.parametrize("write", [write_verify, program])
def test_a_macro_without_both_polarities_is_refused_before_anything_happens(
    write: Any, missing: str
) -> None:
    pulses = {kind: limits for kind, limits in PULSES.items() if kind != missing}
    spec = make_spec(pulses=pulses, capabilities=frozenset())
    macro = ArrayMacro(spec, np.full((8, 6), 0.1e-6))
    with pytest.raises(NotSupportedError, match=missing):
        write(macro, target())
    assert macro.log == []


def test_a_macro_that_cannot_average_is_read_once() -> None:
    macro = ArrayMacro(make_spec(max_samples=1), random_conductance(8, 6))
    assert write_verify(macro, target()).success_fraction == 1.0


def test_progress_counts_finished_cells_up_to_all() -> None:
    macro = ArrayMacro(conductance=random_conductance(8, 6))
    calls: list[tuple[int, int, str]] = []
    write_verify(macro, target(), progress=lambda *call: calls.append(call))
    assert [call[0] for call in calls] == sorted(call[0] for call in calls)
    assert calls[-1] == (48, 48, "programming")
    silent(*calls[-1])


def test_an_interrupt_stops_with_the_array_grounded_and_the_lock_free(macro: ArrayMacro) -> None:
    macro.failures["pulse"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        write_verify(macro, target())
    assert macro.log[-1] == "safe"
    macro.failures.clear()
    assert write_verify(macro, target()).success_fraction == 1.0


def test_program_forms_what_is_pristine_and_then_writes_everything() -> None:
    macro = ArrayMacro(make_spec(capabilities=frozenset()), random_conductance(8, 6))
    macro.conductance[:, ::2] = 0.1e-6
    report = program(macro, target())
    assert report.success_fraction == 1.0
    formed = np.any([mask for kind, mask, _ in macro.pulse_log if kind is PulseKind.FORM], axis=0)
    assert formed[:, ::2].all()
    assert not formed[:, 1::2].any()


def test_hardware_with_a_loop_of_its_own_writes_by_itself() -> None:
    macro = ArrayMacro(conductance=np.full((8, 6), 0.1e-6))
    report = program(macro, target())
    assert macro.pulse_log == [] and macro.log.count("program") == 1
    assert np.array_equal(report.conductance, target())
    assert report.success_fraction == 1.0
    assert report.mean_pulses == 0.0


def test_programming_the_same_targets_again_changes_nothing() -> None:
    macro = ArrayMacro(make_spec(capabilities=frozenset()), np.full((8, 6), 0.1e-6))
    low = np.full((8, 6), macro.spec.conductance.low)
    program(macro, low)
    macro.pulse_log.clear()
    assert program(macro, low).success_fraction == 1.0
    assert macro.pulse_log == []
