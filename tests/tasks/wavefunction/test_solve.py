"""Runs from start to end: right within error bars, repeatable, resumed, interrupted."""

import sys
import time
from pathlib import Path

import pytest

from rgnn_hal import open_macro
from rgnn_hal.macro import ConfigurationError, DataError
from rgnn_hal.tasks.wavefunction import (
    Limits,
    State,
    WavefunctionRecipe,
    begin,
    load_matching,
    load_state,
    parse_molecule,
    solve,
    summary,
)
from rgnn_hal.tasks.wavefunction.training import WARM_UP

EXACT = "emulator://?seed=3&exact=true"
SMALL = WavefunctionRecipe(
    widths=(32, 16), walkers=400, samples=4000, iterations=2, reads=1, check_every=8, seed=1
)
QUICK = SMALL.model_copy(update={"walkers": 64, "samples": 400, "iterations": 1})
H2 = parse_molecule("H 0 0 0; H 0 0 1.4")
H2_ENERGY = -1.1744757
"""Hartree; Sims and Hagstrom, J. Chem. Phys. 124, 094101 (2006)."""


def run(steps: int, recipe: WavefunctionRecipe = SMALL, out: Path | None = None) -> State:
    state = begin(H2, recipe, EXACT)
    with open_macro(EXACT) as macro:
        return solve(state, macro, Limits(steps=steps), out=out)


def test_hydrogen_comes_out_within_its_error_and_not_below() -> None:
    result = summary(run(20))
    error = result["energy_hartree"] - H2_ENERGY
    assert result["standard_error_hartree"] < 2e-3
    assert -4 * result["standard_error_hartree"] < error < 4e-3
    assert result["variance_hartree2"] < 0.02
    assert result["products"] > 0
    assert result["macro_macs"] > 0
    assert result["macro_mac_fraction"] > 0.8
    assert 0.0 < result["run_macro_mac_fraction"] < result["macro_mac_fraction"]
    assert result["trained_parameters"] < 0.2 * result["frozen_parameters"]


def test_the_same_seed_gives_the_same_energy() -> None:
    first, again = (summary(run(3, QUICK))["energy_hartree"] for _ in range(2))
    other = run(3, QUICK.model_copy(update={"seed": 2}))
    assert first == again
    assert first != summary(other)["energy_hartree"]


def test_a_stored_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = run(6, QUICK)
    run(3, QUICK, tmp_path / "he")
    state = load_matching(tmp_path / "he", H2, QUICK, EXACT)
    assert state is not None
    assert state.measurement is not None
    assert state.measurement.steps == 3
    with open_macro(EXACT) as macro:
        solve(state, macro, Limits(steps=6), out=tmp_path / "he")
    assert summary(state)["samples"] == summary(whole)["samples"]
    assert summary(state)["energy_hartree"] == pytest.approx(
        summary(whole)["energy_hartree"], abs=1e-6
    )
    assert load_state(tmp_path / "he").measurement is not None


def test_a_much_longer_session_goes_on_with_the_training_that_was_cut_short() -> None:
    state = run(3, QUICK)
    state.iteration, state.champion = WARM_UP, None  # as if time had been over after the warm-up
    trained, measured = len(state.history), state.measurement
    with open_macro(EXACT) as macro:
        state.totals.seconds = 1.0
        solve(state, macro, Limits(deadline=time.monotonic() + 1.5))
        assert state.measurement is measured
        state.totals.seconds = 0.0
        solve(state, macro, Limits(deadline=time.monotonic() + 1.5))
    assert state.measurement is not measured
    assert len(state.history) > trained


def test_an_interrupt_leaves_what_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[begin.__module__]  # the package exports a function of this name
    calls = []
    measure = module.measure_step

    def interrupted(*arguments: object, **options: object) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        measure(*arguments, **options)

    monkeypatch.setattr(module, "measure_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(9, QUICK, tmp_path / "h2")
    assert summary(load_state(tmp_path / "h2"))["samples"] == 3 * 64


def test_a_run_of_something_else_is_not_taken_up(tmp_path: Path) -> None:
    run(2, QUICK, tmp_path / "h2")
    with pytest.raises(ConfigurationError, match="another molecule"):
        load_matching(tmp_path / "h2", parse_molecule("He 0 0 0"), QUICK, EXACT)
    with pytest.raises(ConfigurationError, match="another recipe"):
        load_matching(tmp_path / "h2", H2, SMALL, EXACT)
    (tmp_path / "h2" / "arrays.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match="no readable model"):
        load_matching(tmp_path / "h2", H2, QUICK, EXACT)


def test_one_electron_needs_no_network() -> None:
    molecule = parse_molecule("H 0 0 0; H 0 0 2", charge=1)
    state = begin(molecule, SMALL.model_copy(update={"walkers": 2000}), EXACT)
    with open_macro(EXACT) as macro:
        solve(state, macro, Limits(steps=20))
    result = summary(state)
    assert result["frozen_parameters"] == 0
    assert result["energy_hartree"] == pytest.approx(-0.6026342, abs=1.5e-3)
