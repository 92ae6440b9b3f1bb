"""The command tree, and how errors leave it: a sentence and an exit code, never a traceback."""

import sys

import typer

from rgnn_hal.cli import (
    bench,
    characterize,
    check,
    cost,
    demo,
    dynamics,
    evaluate,
    hamiltonian,
    hardware,
    recalibrate,
    reproduce,
    serve,
    wavefunction,
)
from rgnn_hal.cli.output import print_error
from rgnn_hal.cli.stopping import Stopped, stoppable
from rgnn_hal.cli.train import train
from rgnn_hal.macro import HalError

app = typer.Typer(
    name="rgnn-hal",
    help="From a resistive-memory macro, simulated or on a bench, to a scientific result.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("demo")(demo.demo)
app.command("drivers")(hardware.drivers)
app.command("info")(hardware.info)
app.command("check")(check.check)
app.command("serve")(serve.serve)
app.command("form")(hardware.form)
app.command("program")(hardware.program)
app.command("characterize")(characterize.characterize)
app.command("fit")(characterize.fit)
app.add_typer(train, name="train")
app.add_typer(bench.bench, name="bench")
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(evaluate.predict)
app.command("md")(dynamics.md)
app.command("recalibrate")(recalibrate.recalibrate)
app.command("bands")(hamiltonian.bands)
app.command("solve")(wavefunction.solve)
app.command("curve")(wavefunction.curve)
app.command("cost")(cost.cost)
app.command("reproduce")(reproduce.reproduce)


def main() -> None:
    """Run the command line and exit."""
    as_json = "--json" in sys.argv
    try:
        with stoppable():
            app()
    except (HalError, OSError) as error:
        print_error(error, as_json)
        sys.exit(2)
    except Stopped as error:
        print_error(error, as_json)
        raise
