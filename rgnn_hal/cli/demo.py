"""The main job in two minutes: a chip, real ab initio data, forces, and pictures of all of it.

The data are ours: Li3PO4, the paper's ionic system, 32-atom frames labelled by density-functional
theory (examples/data/README.md). One whole melt-quench is held out.
"""

from pathlib import Path
from typing import Annotated

import typer

from rgnn_hal.bundled import bundled
from rgnn_hal.cli.output import Json, folder_of_plots, print_result, progress_bar
from rgnn_hal.macro import open_macro

_FILES = ("li3po4_train.extxyz", "li3po4_test.extxyz")


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for model and plots.", callback=folder_of_plots)
    ] = Path("demo-report"),
    macro: Annotated[str, typer.Option("--macro", help="Macro address.")] = "emulator://?seed=1",
    json: Json = False,
) -> None:
    """Form a chip, train forces on DFT data through it, evaluate held out, write a report."""
    from rgnn_hal.cli.models import use_one_torch_thread
    from rgnn_hal.report import conductance_plot, parity_plot
    from rgnn_hal.tasks.artefact import check_destination
    from rgnn_hal.tasks.forces import ForcesRecipe, evaluate_forces, save_model, train_forces

    training, test = (bundled(name) for name in _FILES)
    model_folder = out / "model"
    check_destination(model_folder)
    use_one_torch_thread()
    # The default, twice the width and degree 4, takes several times as long.
    recipe = ForcesRecipe(channels=160, lmax=3)
    with open_macro(macro) as chip, progress_bar() as progress:
        result = train_forces(training, chip, recipe, macro_uri=macro, progress=progress)
        conductance = chip.read_conductance()
        predictor = result.model.on_macro(chip, progress=progress)
        errors = evaluate_forces(predictor, test, progress)
    save_model(result.model, model_folder)
    plots = [
        conductance_plot(conductance, out / "conductance.png", f"The chip {macro} after forming"),
        parity_plot(
            errors.reference,
            errors.predicted,
            out / "parity.png",
            quantity="force (eV/Å)",
            title=f"Li3PO4, a quench never seen: MAE {1e3 * errors.force_mae:.0f} meV/Å",
        ),
    ]
    print_result(
        {
            "features": result.features,
            "trained_parameters": result.trained_parameters,
            "frozen_parameters": result.frozen_parameters,
            "train_seconds": result.seconds,
            "test_frames": errors.frames,
            "energy_mae_mev_per_atom": 1e3 * errors.energy_mae,
            "force_mae_mev_per_angstrom": 1e3 * errors.force_mae,
            "force_rmse_mev_per_angstrom": 1e3 * errors.force_rmse,
            "force_r2": errors.force_r2,
            "macro": macro,
            "model": str(model_folder),
            "plots": [str(plot) for plot in plots],
        },
        json,
    )
