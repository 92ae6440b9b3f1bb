"""Commands `solve` and `curve`: wavefunctions of molecules."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgnn_hal.cli.output import Json, folder_of_plots, print_result
from rgnn_hal.macro import LimitError, open_macro

if TYPE_CHECKING:
    from rgnn_hal.tasks.wavefunction import WavefunctionRecipe

_DEFAULT_MACRO = "emulator://"

Unit = Annotated[str, typer.Option(help="Of the coordinates: bohr or angstrom.")]
Spin = Annotated[int | None, typer.Option(help="2S, unpaired electrons; Hund's rule for atoms.")]
Charge = Annotated[int, typer.Option(help="Of the molecule, elementary charges.")]
Macro = Annotated[str, typer.Option("--macro", help="Macro address.")]
Seed = Annotated[int, typer.Option(help="Of walkers, biases and forming.", min=0)]
Reads = Annotated[int | None, typer.Option(help="Reads averaged per product.", min=1)]


def solve(
    molecule: Annotated[str, typer.Argument(help='For example "H 0 0 0; H 0 0 1.4".')],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the run, or of one to go on with.")
    ],
    unit: Unit = "bohr",
    spin: Spin = None,
    charge: Charge = 0,
    macro: Macro = _DEFAULT_MACRO,
    seconds: Annotated[float, typer.Option(help="Time for all of it, s.", min=1.0)] = 120.0,
    seed: Seed = 0,
    reads: Reads = None,
    json: Json = False,
) -> None:
    """Solve for the ground state by variational Monte Carlo; repeat the command to go on."""
    deadline = time.monotonic() + seconds
    from rgnn_hal.tasks.wavefunction import parse_molecule

    parse_molecule(molecule, unit=unit, spin=spin, charge=charge)
    options = {"unit": unit, "spin": spin, "charge": charge}
    result = _solve(molecule, out, macro, deadline, _recipe(seed=seed, reads=reads), options)
    print_result({**result, "macro": macro, "out": str(out)}, json)


def curve(
    molecule: Annotated[str, typer.Argument(help='With {r} in it: "H 0 0 0; H 0 0 {r}".')],
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder for runs, table and plot.", callback=folder_of_plots),
    ],
    first: Annotated[float, typer.Option("--from", help="First value of r.")] = 0.8,
    last: Annotated[float, typer.Option("--to", help="Last value of r.")] = 6.0,
    points: Annotated[int, typer.Option(help="Evenly spaced values.", min=2)] = 14,
    unit: Unit = "bohr",
    spin: Spin = None,
    charge: Charge = 0,
    macro: Macro = _DEFAULT_MACRO,
    seconds: Annotated[float, typer.Option(help="Time for each point, s.", min=1.0)] = 120.0,
    reference: Annotated[
        Path | None, typer.Option(help="JSON with lists R and E (hartree) to compare with.")
    ] = None,
    seed: Seed = 0,
    reads: Reads = None,
    json: Json = False,
) -> None:
    """Solve along a coordinate, write curve.csv, and plot it beside a reference."""
    from rgnn_hal.report import energy_curve_plot
    from rgnn_hal.tasks.wavefunction import parse_molecule
    from rgnn_hal.tasks.wavefunction.curve import (
        CurvePoint,
        coordinates,
        filled,
        read_reference,
        write_table,
    )

    exact = read_reference(reference) if reference is not None else None
    recipe, solved = _recipe(seed=seed, reads=reads), []
    options = {"unit": unit, "spin": spin, "charge": charge}
    texts = {value: filled(molecule, value) for value in coordinates(first, last, points)}
    for text in texts.values():
        parse_molecule(text, unit=unit, spin=spin, charge=charge)
    for value, text in texts.items():
        _tell(f"r = {value:g}")
        deadline = time.monotonic() + seconds
        result = _solve(text, out / f"r-{value:g}", macro, deadline, recipe, options)
        known, missed = (exact.at(value) if exact is not None else None) or (None, None)
        energy, error = result["energy_hartree"], result["standard_error_hartree"]
        solved.append(CurvePoint(value, energy, error, known, missed))
        write_table(solved, out / "curve.csv")
    errors = [p.energy - p.reference for p in solved if p.energy and p.reference is not None]
    plot = energy_curve_plot(solved, exact, out / "curve.png", title=molecule)
    print_result(
        {
            "coordinate": [point.coordinate for point in solved],
            "energy_hartree": [point.energy for point in solved],
            "standard_error_hartree": [point.standard_error for point in solved],
            "reference_hartree": [point.reference for point in solved],
            "reference_error_hartree": [point.reference_error for point in solved],
            "largest_error_hartree": max(map(abs, errors), default=None),
            "table": str(out / "curve.csv"),
            "report": [str(plot)],
            "macro": macro,
        },
        json,
    )


def _solve(
    molecule: str,
    out: Path,
    macro: str,
    deadline: float,
    recipe: "WavefunctionRecipe",
    options: dict[str, Any],
) -> dict[str, Any]:
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
    parsed = parse_molecule(molecule, **options)
    check_destination(out)
    state = load_matching(out, parsed, recipe, macro) or begin(parsed, recipe, macro)
    with open_macro(macro) as opened:
        run(state, opened, Limits(deadline=deadline), out=out, tell=_tell)
    return summary(state)


def _recipe(**chosen: Any) -> "WavefunctionRecipe":
    from pydantic import ValidationError

    from rgnn_hal.tasks.wavefunction import WavefunctionRecipe

    try:
        return WavefunctionRecipe(**{k: v for k, v in chosen.items() if v is not None})
    except ValidationError as error:
        complaints = "; ".join(
            f"--{item['loc'][0]} {item['input']}: {item['msg']}" for item in error.errors()
        )
        raise LimitError(complaints) from error


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
