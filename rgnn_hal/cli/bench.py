"""Commands `bench ...`: measure speed on this machine, on one thread."""

import subprocess
from importlib.util import find_spec
from typing import Annotated

import typer

from rgnn_hal.cli.output import Json, print_error, print_result, progress_bar
from rgnn_hal.macro import ConfigurationError

Seconds = Annotated[float, typer.Option(help="Time to spend on each figure, s.", min=0.0)]

bench = typer.Typer(
    help="Measure speed: ratios from one run, each with its reference.", no_args_is_help=True
)


@bench.command("emulator")
def emulator(seconds: Seconds = 4.0, json: Json = False) -> None:
    """Emulated products and programming, in times of a plain float32 matrix product."""
    _run("emulator", seconds, json)


@bench.command("visa")
def visa(seconds: Seconds = 4.0, json: Json = False) -> None:
    """The `scpi` driver, in times of a raw socket that carries the same bytes."""
    _run("visa", seconds, json)


@bench.command("wavefunction")
def wavefunction(seconds: Seconds = 4.0, json: Json = False) -> None:
    """Wavefunctions: CPU time to chemical accuracy on H2 and He, beside PySCF where installed."""
    _run("wavefunction", seconds, json)


@bench.command("forces")
def forces(seconds: Seconds = 15.0, json: Json = False) -> None:
    """Forces: predictions and training beside SchNet, PaiNN, MACE and the paper's network.

    Networks that are trained by back-propagation get four times --seconds each, or twelve times
    what our training took.
    """
    _run("forces", seconds, json)


@bench.command("hamiltonian")
def hamiltonian(seconds: Seconds = 20.0, json: Json = False) -> None:
    """Hamiltonians: predictions against PySCF, and how both grow with the number of atoms."""
    if find_spec("pyscf") is None:
        raise ConfigurationError(
            "this benchmark runs PySCF beside our predictions, and it is not installed; "
            "pip install 'rgnn-hal[reference]'"
        )
    _run("hamiltonian", seconds, json)


def _run(name: str, seconds: float, as_json: bool) -> None:
    from rgnn_hal.benchmarks import run_alone

    try:
        with progress_bar() as progress:
            figures = run_alone(name, seconds=seconds, progress=progress)
    except subprocess.CalledProcessError as error:
        print_error(error, as_json)
        raise typer.Exit(1) from error
    print_result(figures, as_json)
