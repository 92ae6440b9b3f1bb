"""Commands `solve` and `curve`: wavefunctions of molecules."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from rgnn_hal.cli.output import Json, print_result
from rgnn_hal.macro import LimitError, open_macro

_DEFAULT_MACRO = "emulator://"

Unit = Annotated[str, typer.Option(help="Of the coordinates: bohr or angstrom.")]
Spin = Annotated[int | None, typer.Option(help="2S, unpaired electrons; Hund's rule for atoms.")]
Charge = Annotated[int, typer.Option(help="Of the molecule, elementary charges.")]
Macro = Annotated[str, typer.Option("--macro", help="Macro address.")]
Seed = Annotated[int, typer.Option(help="Of walkers, biases and forming.", min=0)]
Reads = Annotated[int | None, typer.Option(help="Reads averaged per product.", min=1)]


def solve(
    molecule: Annotated[str, typer.Argument(help='For example "H 0 0 0; H 0 0 1.4".')],
    out: Annotated[Path, typer.Option("--out", help="Folder for the wavefunction; goes on there.")],
    unit: Unit = "bohr",
    spin: Spin = None,
    charge: Charge = 0,
    macro: Macro = _DEFAULT_MACRO,
    seconds: Annotated[float, typer.Option(help="Time for all of it, s.", min=1.0)] = 120.0,
    seed: Seed = 0,
    reads: Reads = None,
    json: Json = False,
) -> None:
    """Solve for the ground state by variational Monte Carlo; the same command goes on."""
    deadline = time.monotonic() + seconds
    from rgnn_hal.cli.models import use_one_torch_thread
    from rgnn_hal.tasks.artefact import check_destination
    from rgnn_hal.tasks.wavefunction import (
        Limits,
        begin,
        load_matching,
        parse_molecule,
        summary,
    )
    from rgnn_hal.tasks.wavefunction import solve as run

    use_one_torch_thread()
    parsed = parse_molecule(molecule, unit=unit, spin=spin, charge=charge)
    recipe = _recipe(seed=seed, reads=reads)
    check_destination(out)
    state = load_matching(out, parsed, recipe, macro) or begin(parsed, recipe, macro)
    with open_macro(macro) as opened:
        run(state, opened, Limits(deadline=deadline), out=out, tell=_tell)
    print_result({**summary(state), "macro": macro, "out": str(out)}, json)


def _recipe(**chosen: Any) -> Any:
    from pydantic import ValidationError

    from rgnn_hal.tasks.wavefunction import WavefunctionRecipe

    try:
        return WavefunctionRecipe(**{k: v for k, v in chosen.items() if v is not None})
    except ValidationError as error:
        raise LimitError(
            "; ".join(
                f"--{item['loc'][0]} {item['input']}: {item['msg']}" for item in error.errors()
            )
        ) from error


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
