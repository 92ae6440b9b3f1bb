"""Command `recalibrate`: a model follows its chip, whose conductances have drifted."""

import time
from pathlib import Path
from typing import Annotated

import typer

from rgnn_hal.cli.models import Macro, Model, use_one_torch_thread
from rgnn_hal.cli.output import Json, print_result, print_warning, progress_bar
from rgnn_hal.macro import open_macro


def recalibrate(
    model: Model,
    macro: Macro = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Training data, if gains do not suffice; without them kept statistics are used."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the result; the model itself by default.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes for a refit to data.", min=1)] = 1,
    json: Json = False,
) -> None:
    """Measure a forces model's chip anew, and make the model fit it again."""
    from rgnn_hal.tasks.artefact import check_destination
    from rgnn_hal.tasks.forces import load_model, load_statistics, save_model
    from rgnn_hal.tasks.forces.recalibration import STALE
    from rgnn_hal.tasks.forces.recalibration import recalibrate as follow

    loaded = load_model(model)
    kept = load_statistics(model, loaded.recipe.reads)
    target = out or model
    check_destination(target)
    use_one_torch_thread()
    address, began = macro or loaded.macro_uri, time.perf_counter()
    with open_macro(address) as opened, progress_bar() as progress:
        result = follow(
            loaded,
            opened,
            statistics=kept,
            data=data,
            macro_uri=address,
            workers=workers,
            progress=progress,
        )
    save_model(result.model, target, result.statistics)
    if result.refit_needed:
        print_warning(
            f"cells have moved by {result.drift.after:.3f} of the weights' standard deviation each "
            f"for itself (limit {STALE}), and only features of the weights as they are now make up "
            f"for that: rgnn-hal recalibrate {target} --macro '{address}' --data TRAINING_DATA"
        )
    print_result(
        {
            "model": str(target),
            "deviation_before": result.drift.before,
            "deviation_after_gains": result.drift.after,
            "gains": list(result.drift.gains),
            "refit": result.refit,
            "refit_needed": result.refit_needed,
            "macro": address,
            "seconds": time.perf_counter() - began,
        },
        json,
    )
