"""Benchmarks measure what they say, alone and on one thread."""

import json
import subprocess
import time

import pytest
from typer.testing import CliRunner

from rgnn_hal.benchmarks import force_training, run_alone, visa
from rgnn_hal.benchmarks.timing import best_times
from rgnn_hal.cli.app import app
from rgnn_hal.cost import Operations, Work
from rgnn_hal.macro import ConfigurationError
from rgnn_hal.tasks.forces import ForcesRecipe
from rgnn_hal.tasks.xu2025.training import Epoch


def test_times_are_those_of_the_work_and_not_of_waiting() -> None:
    def work() -> int:
        return sum(range(20_000))

    def work_twice_and_sleep() -> int:
        time.sleep(0.002)
        return work() + work()

    once, twice = best_times([work, work_twice_and_sleep], seconds=0.2)
    assert twice / once == pytest.approx(2.0, rel=0.3)


def test_the_emulator_benchmark_states_every_figure_with_its_reference() -> None:
    result = CliRunner().invoke(app, ["bench", "emulator", "--json", "--seconds", "0.05"])
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert {
        *("noisy_b1", "noisy_b64", "noisy_b1024", "bitserial8_b1024", "irdrop_b1024"),
        *("gemm_b1_gflops", "gemm_b64_gflops", "gemm_b1024_gflops"),
        *("transfer_matrix_512_s", "program_cells_per_second", "form_cells_per_second"),
        *("peak_memory_mb", "empty_memory_mb"),
    } <= set(figures)
    assert all(value > 0 for value in figures.values())
    # Loose by a factor of two or so: this is a test of the code, on a machine that may be busy.
    assert figures["noisy_b1024"] < 6
    assert figures["irdrop_b1024"] < 1.5 * figures["noisy_b1024"]
    assert figures["transfer_matrix_512_s"] < 40
    assert figures["noisy_b1"] < 12
    assert figures["bitserial8_b1024"] < 40


def test_the_driver_is_timed_against_a_socket_that_carries_the_same_bytes() -> None:
    with visa._bare_controller() as port:
        reading = visa._reading(port, 0.05)
        writing = visa._writing(port, 0.05)
    # Loose; query_binary_values would be a hundred.
    assert 0.5 < reading < 12
    assert 0.5 < writing < 12


@pytest.mark.slow
def test_the_visa_benchmark_states_every_figure() -> None:
    result = CliRunner().invoke(app, ["bench", "visa", "--json", "--seconds", "0.2"])
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert set(figures) == {
        *("query_us", "query_vs_raw_socket", "read_1mib_vs_raw_socket", "write_1mib_vs_raw_socket"),
        *("multiply_b1024_512_vs_in_process", "program_512_seconds"),
    }
    assert all(value > 0 for value in figures.values())
    assert figures["query_vs_raw_socket"] < 5
    assert figures["multiply_b1024_512_vs_in_process"] < 5


@pytest.mark.slow
def test_the_hamiltonian_benchmark_states_every_figure_with_its_reference() -> None:
    pytest.importorskip("pyscf")
    result = CliRunner().invoke(app, ["bench", "hamiltonian", "--json", "--seconds", "0.1"])
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert {
        *("seconds_per_frame", "dft_seconds_per_frame", "dft_speedup", "training_seconds"),
        *("scaling_exponent", "dft_scaling_exponent", "scaling_largest_atoms"),
        *(
            "validation_mae_microhartree",
            "default_dft_speedup",
            "frames_per_batch",
            "atoms_at_1000x",
        ),
    } <= set(figures)
    assert all(value > 0 for value in figures.values())
    # Loose by a factor of three: this is a test of the code, on a machine that may be busy.
    assert figures["dft_speedup"] > 100
    assert figures["validation_mae_microhartree"] < 15
    assert figures["scaling_exponent"] < 1.3 < figures["dft_scaling_exponent"]


def test_without_pyscf_the_hamiltonian_benchmark_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rgnn_hal.cli.bench.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["bench", "hamiltonian", "--json"])
    assert isinstance(result.exception, ConfigurationError)
    assert "pip install 'rgnn-hal[reference]'" in str(result.exception)


def test_a_benchmark_that_fails_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run_alone("nosuch", seconds=0.1)
    assert "nosuch" in capfd.readouterr().err


def test_a_benchmark_that_fails_ends_with_code_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(3, ["bench"])

    monkeypatch.setattr("rgnn_hal.benchmarks.run_alone", fail)
    result = CliRunner().invoke(app, ["bench", "emulator", "--json"])
    assert result.exit_code == 1
    assert "error" in json.loads(result.stdout)


@pytest.mark.slow
def test_the_forces_benchmark_states_every_figure_with_its_reference() -> None:
    result = CliRunner().invoke(app, ["bench", "forces", "--json", "--seconds", "0.1"])
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert {
        *("us_per_atom_64", "us_per_atom_512", "us_per_atom_4096", "scaling_exponent"),
        *("vs_schnet_512", "vs_painn_512", "chip_us_per_atom_64", "peak_memory_mb"),
        *("training_seconds", "training_speedup_at_equal_error"),
        *("training_flops_ratio_at_equal_error", "training_speedup_at_equal_error_is_lower_bound"),
    } <= set(figures)
    assert figures["us_per_atom_512"] > 0
    assert figures["vs_schnet_512"] == pytest.approx(
        figures["us_per_atom_512"] / figures["schnet_us_per_atom_512"]
    )
    # Loose: this is a test of the code, on a machine that may be busy.
    assert 0.7 < figures["scaling_exponent"] < 1.3


def test_training_is_compared_with_the_rival_that_needs_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(force_training, "_TRAINING", 4)
    monkeypatch.setattr(force_training, "_TEST", 1)
    recipe = ForcesRecipe(channels=4, lmax=1, radial=4)
    monkeypatch.setattr(force_training, "_RECIPE", recipe)
    steps: list[None] = []
    figures = force_training.against_back_propagation(0.01, lambda: steps.append(None), times=0.0)
    assert len(steps) == 3
    rivals = [figures[f"{name}_training_seconds"] for name in ("paper_network", "painn")]
    assert figures["training_speedup_at_equal_error"] == pytest.approx(
        min(rivals) / figures["training_seconds"]
    )
    assert figures["training_flops_ratio_at_equal_error"] > 0
    assert figures["training_speedup_at_equal_error_is_lower_bound"] in (True, False)
    # One epoch each was enough to use the time up.
    assert figures["painn_training_epochs"] == 1


@pytest.mark.parametrize(
    ("error", "last", "reached"),
    [(0.05, 4, False), (0.3, 2, True)],
    ids=["until both are used up", "until it is as good"],
)
def test_a_rival_gets_as_many_times_our_operations_as_our_seconds(
    error: float, last: int, reached: bool
) -> None:
    """An epoch takes all of the time, and a quarter of the operations."""
    epochs = (
        Epoch(number, 2.0 * number, Work(digital=Operations(macs=5 * number)), 0.5 / number)
        for number in range(1, 9)
    )
    ours = force_training._Ours(seconds=1.0, operations=20.0, force_mae=error, elements=(1,))
    rival = force_training._run_down(epochs, ours, seconds=0.5, times=2.0)
    assert (rival.last.number, rival.reached) == (last, reached)
