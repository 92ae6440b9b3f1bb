"""Commands `train ...`: a readout over a reservoir in a macro, in closed form."""

from pathlib import Path
from typing import Annotated

import typer

from rgnn_hal.cli.models import Reads, recipe_of, use_one_torch_thread
from rgnn_hal.cli.output import Json, print_result, progress_bar
from rgnn_hal.macro import ConfigurationError, open_macro

Out = Annotated[Path, typer.Option("--out", help="Folder for the model.")]
Macro = Annotated[str, typer.Option("--macro", help="Macro address.")]
Channels = Annotated[int | None, typer.Option(help="Random channels per degree.")]
Cutoff = Annotated[float | None, typer.Option(help="Radius of an environment, Å.")]
Lmax = Annotated[int | None, typer.Option(help="Highest angular momentum.")]
ValidFraction = Annotated[
    float | None, typer.Option(help="Fraction of frames that chooses the regularisation.")
]
Seed = Annotated[int | None, typer.Option(help="Of forming and of the split.")]
Workers = Annotated[int, typer.Option(help="Threads for the digital work.")]

_DEFAULT_MACRO = "emulator://"

train = typer.Typer(help="Train a readout over a reservoir in a macro.", no_args_is_help=True)


@train.command("forces")
def forces(
    data: Annotated[Path, typer.Argument(help="Extended XYZ: energies in eV, forces in eV/Å.")],
    out: Out,
    macro: Macro = _DEFAULT_MACRO,
    channels: Channels = None,
    cutoff: Cutoff = None,
    lmax: Lmax = None,
    reads: Reads = None,
    valid_fraction: ValidFraction = None,
    seed: Seed = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes for the digital work, each with Gram matrices of its own; more than "
            "one need the extra `scale`."
        ),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a dask scheduler that shares the digital work.")
    ] = None,
    keep_statistics: Annotated[
        bool, typer.Option("--keep-statistics", help="Keep what refits at other reads need.")
    ] = False,
    json: Json = False,
) -> None:
    """Train energies and forces."""
    from rgnn_hal.tasks.artefact import check_destination
    from rgnn_hal.tasks.forces import ForcesRecipe, save_model, train_forces

    chosen = {
        "channels": channels,
        "cutoff": cutoff,
        "lmax": lmax,
        "reads": reads,
        "valid_fraction": valid_fraction,
        "seed": seed,
    }
    recipe = recipe_of(ForcesRecipe, chosen)
    if scheduler is not None and workers is not None:
        raise ConfigurationError("--scheduler has workers of its own; leave out --workers")
    check_destination(out)
    use_one_torch_thread()
    with open_macro(macro) as opened, progress_bar() as progress:
        result = train_forces(
            data,
            opened,
            recipe,
            macro_uri=macro,
            workers=1 if workers is None else workers,
            scheduler=scheduler,
            keep=keep_statistics,
            progress=progress,
        )
    save_model(result.model, out, result.statistics)
    print_result(
        {
            "model": str(out),
            "features": result.features,
            "trained_parameters": result.trained_parameters,
            "frozen_parameters": result.frozen_parameters,
            "train_seconds": result.seconds,
            "validation_force_mae_mev_per_angstrom": 1e3 * result.validation_force_mae,
            "ridge_strength": result.ridge_strength,
            "reads": recipe.reads,
            "products": result.products,
            "conversions": result.conversions,
            "macro": macro,
        },
        json,
    )


@train.command("hamiltonian")
def hamiltonian(
    data: Annotated[Path, typer.Argument(help="HDF5: H and S of molecules or of crystals.")],
    out: Out,
    macro: Macro = _DEFAULT_MACRO,
    channels: Channels = None,
    cutoff: Cutoff = None,
    lmax: Lmax = None,
    reads: Reads = None,
    valid_fraction: ValidFraction = None,
    seed: Seed = None,
    workers: Workers = 1,
    json: Json = False,
) -> None:
    """Train Hamiltonians of molecules or crystals."""
    from rgnn_hal.tasks.artefact import check_destination
    from rgnn_hal.tasks.hamiltonian import HamiltonianRecipe, save_model, train_hamiltonian

    chosen = {
        "channels": channels,
        "cutoff": cutoff,
        "lmax": lmax,
        "reads": reads,
        "valid_fraction": valid_fraction,
        "seed": seed,
    }
    recipe = recipe_of(HamiltonianRecipe, chosen)
    check_destination(out)
    use_one_torch_thread()
    with open_macro(macro) as opened, progress_bar() as progress:
        result = train_hamiltonian(
            data, opened, recipe, macro_uri=macro, workers=workers, progress=progress
        )
    save_model(result.model, out)
    print_result(
        {
            "model": str(out),
            "features": result.features,
            "trained_parameters": result.trained_parameters,
            "frozen_parameters": result.frozen_parameters,
            "train_seconds": result.seconds,
            "validation_hamiltonian_mae_microhartree": 1e6 * result.validation_mae,
            "reads": recipe.reads,
            "products": result.products,
            "conversions": result.conversions,
            "macro": macro,
        },
        json,
    )
