"""`rgnn-hal cost` says what an inference takes, and refuses with a remedy."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ase.io import read, write

from rgnn_hal import open_macro
from rgnn_hal.tasks.forces import ForcesRecipe, save_model, train_forces
from rgnn_hal.tasks.wavefunction import (
    Limits,
    WavefunctionRecipe,
    begin,
    parse_molecule,
    solve,
)
from tests.cli.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
URI = "emulator://?seed=3"
RATIOS = {"energy_ratio", "speed_ratio", "area_normalised_speed_ratio"}
QUANTITIES = {"energy_j", "latency_s", "area_mm2", *RATIOS}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", ":8"), format="extxyz")
    return path


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model"
    recipe = ForcesRecipe(channels=8, cutoff=4.0, lmax=2, radial=6, reads=4)
    with open_macro(URI) as macro:
        save_model(train_forces(data, macro, recipe, macro_uri=URI).model, path)
    return path


def costs(run: Run, *arguments: object) -> dict[str, Any]:
    code, out, err = run("cost", *arguments, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def refusal(run: Run, *arguments: object) -> str:
    code, _, err = run("cost", *arguments)
    assert code == 2
    assert "Traceback" not in err
    return err


def test_a_model_has_energy_latency_and_area_with_intervals_and_parts(
    run: Run, model: Path
) -> None:
    found = costs(run, model)
    assert found["macs_analog"] == 32 * 9 * 18 * 8
    assert found["per_atom"]["macs_analog"] == found["macs_analog"] / 32
    assert found["per_atom"]["energy_j"] == pytest.approx(found["energy_j"] / 32)
    assert set(found["intervals"]) == QUANTITIES
    for low, high in found["intervals"].values():
        assert 0 < low < high
    for name in ("energy_j", "latency_s", "area_mm2"):
        assert sum(found["breakdown"][name].values()) == pytest.approx(found[name])
    for shares in found["sensitivity"].values():
        assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_baselines_do_all_of_it_and_the_cpu_is_measured_here(run: Run, model: Path) -> None:
    found = costs(run, model)
    assert set(found["baselines"]) == {"accelerator", "gpu", "cpu"}
    for one in found["baselines"].values():
        assert one["ratio"]["energy_ratio"]["value"] == pytest.approx(
            one["energy_j"]["value"] / found["energy_j"]
        )
        assert set(one["gain"]) == RATIOS
    assert (
        found["energy_ratio"] == found["baselines"]["accelerator"]["ratio"]["energy_ratio"]["value"]
    )
    measured = found["measured"]
    assert measured["how"].startswith("measured")
    assert measured["seconds"] > 0
    assert measured["macs"] == found["macs_analog"] + found["macs_digital"]


def test_training_counts_its_pulses(run: Run, model: Path) -> None:
    training = costs(run, model)["training"]
    assert training["pulses"] > 0
    assert training["energy_j"] > training["writing_energy_j"] > 0


def test_a_smaller_node_takes_less(run: Run, model: Path) -> None:
    here, there = costs(run, model), costs(run, model, "--node", "14")
    assert there["node_nm"] == pytest.approx(14)
    assert there["energy_j"] < here["energy_j"]
    assert there["area_mm2"] < here["area_mm2"]


def test_the_board_of_the_paper_is_slower_than_a_chip(run: Run, model: Path) -> None:
    chip, board = costs(run, model), costs(run, model, "--preset", "board")
    assert board["latency_s"] > 100 * chip["latency_s"]
    assert board["energy_j"] > 100 * chip["energy_j"]


def test_more_reads_cost_more_and_a_plot_shows_it(
    run: Run, model: Path, data: Path, tmp_path: Path
) -> None:
    found = costs(
        run, model, "--data", data, "--reads", "1,8", "--frames", "2", "--report", tmp_path
    )
    one, eight = found["pareto"]
    assert (one["reads"], eight["reads"]) == (1, 8)
    assert one["energy_j"] < eight["energy_j"]
    assert one["error"] > eight["error"] > 0
    assert not one["dominated"] and not eight["dominated"]
    (plot,) = found["report"]
    assert Path(plot).stat().st_size > 5_000


def test_a_model_that_kept_its_statistics_gets_a_readout_for_every_number_of_reads(
    run: Run, data: Path, tmp_path: Path
) -> None:
    code, _, err = run(
        *("train", "forces", data, "--out", tmp_path / "m", "--macro", URI, "--channels", "8"),
        *("--cutoff", "4", "--lmax", "2", "--reads", "64", "--keep-statistics"),
    )
    assert code == 0, err
    arguments = ("--data", data, "--reads", "1,4,16", "--frames", "8")
    refitted = costs(run, tmp_path / "m", *arguments, "--report", tmp_path)
    (tmp_path / "m" / "statistics.safetensors").unlink()
    fixed = costs(run, tmp_path / "m", *arguments)
    (found,), (without,) = refitted["pareto_floors"], fixed["pareto_floors"]
    assert (found["refitted"], without["refitted"]) == (True, False)
    assert without["exact_error"] is None
    assert found["exact_error"] == pytest.approx(found["twin_error"], rel=0.1)
    assert found["exact_error"] < refitted["pareto"][0]["error"]
    readouts_differ = refitted["pareto"][0]["error"] != fixed["pareto"][0]["error"]
    assert readouts_differ


def test_fewer_bits_cost_less_and_miss_more(run: Run, model: Path, data: Path) -> None:
    found = costs(run, model, "--data", data, "--reads", "8", "--bits", "3,8", "--frames", "2")
    three, eight = found["pareto"]
    assert (three["bits"], eight["bits"]) == (3, 8)
    assert three["energy_j"] < eight["energy_j"]
    assert three["error"] > eight["error"]


def test_the_papers_wavefunction_is_frozen_to_the_last_hundredth(run: Run) -> None:
    found = costs(run, "xu2025:wavefunction")
    assert found["frozen_parameters"] == 119_552
    assert (found["macs_analog"], found["macs_digital"]) == (303_616, 4_096 + 128)
    assert found["training"] is None


def test_a_solved_molecule_has_a_cost_but_no_errors_on_data(
    run: Run, data: Path, tmp_path: Path
) -> None:
    recipe = WavefunctionRecipe(walkers=20, samples=400, iterations=1, widths=(6, 4))
    state = begin(
        parse_molecule("H 0 0 0; H 0 0 1.4", unit="bohr", spin=None, charge=0), recipe, URI
    )
    with open_macro(URI) as macro:
        solve(state, macro, Limits(steps=2), out=tmp_path / "h2")
    found = costs(run, tmp_path / "h2")
    assert found["atoms"] == 2
    assert found["macs_analog"] > 0 and found["macs_digital"] > 0
    stored = json.loads((tmp_path / "h2" / "model.json").read_text())["totals"]
    assert found["training"]["macs_analog"] == stored["macro_macs"]
    assert found["training"]["pulses"] == stored["pulses"] > 0
    assert found["training"]["energy_j"] > found["training"]["writing_energy_j"] > 0
    assert "statistical" in refusal(run, tmp_path / "h2", "--data", data)


def test_the_model_shows_how_far_it_is_from_published_macros(run: Run) -> None:
    found = costs(run, "published")
    assert sum(one["within_two"] for one in found["published"]) >= 3
    assert found["unused"]
    code, out, _ = run("cost", "published")
    assert code == 0 and "HERMES" in out


def test_people_get_tables(run: Run, model: Path) -> None:
    code, out, _ = run("cost", model)
    assert code == 0
    for words in ("One inference", "Parts", "Beside digital machines", "measured here", "training"):
        assert words in out


def test_a_plot_that_cannot_be_drawn_is_refused_before_anything_runs(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    nothing = tmp_path / "nothing"
    said = refusal(run, nothing, "--data", data, "--report", tmp_path)
    assert "pip install 'rgnn-hal[plot]'" in said


def test_what_cannot_be_done_is_refused_with_a_remedy(
    run: Run, model: Path, data: Path, tmp_path: Path
) -> None:
    assert "there are board, chip" in refusal(run, model, "--preset", "abacus")
    assert "is no macro; there are board, chip" in refusal(run, model, "--preset", "gpu")
    assert "untrained" in refusal(run, "xu2025:force", "--data", data)
    assert "xu2025:force" in refusal(run, "xu2025:magic")
    for option in (("--report", tmp_path), ("--bits", "4"), ("--beside", model)):
        assert "give --data too" in refusal(run, model, *option)
    assert "is a file" in refusal(run, model, "--data", data, "--report", data)
    assert "1,4,16" in refusal(run, model, "--data", data, "--reads", "few")
    assert "2 ... 16" in refusal(run, model, "--data", data, "--bits", "1", "--frames", "1")
    assert "train ... --out" in refusal(run, tmp_path / "nothing")
    old = tmp_path / "old"
    old.mkdir()
    for file in model.iterdir():
        (old / file.name).write_bytes(file.read_bytes())
    description = json.loads((old / "model.json").read_text())
    del description["record"]["counts"]
    (old / "model.json").write_text(json.dumps(description))
    assert "train it again" in refusal(run, old)
