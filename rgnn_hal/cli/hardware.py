"""Commands on a macro: drivers, info, form, program."""

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from rgnn_hal.cli.output import Json, folder_of_plots, print_result, progress_bar
from rgnn_hal.macro import (
    ConfigurationError,
    DataError,
    LimitError,
    Region,
    installed_drivers,
    open_macro,
)

Uri = Annotated[str, typer.Argument(help="Macro address, e.g. 'emulator://?seed=7&state=chip.h5'.")]
RegionOption = Annotated[
    str | None, typer.Option("--region", help="Cells r0:r1,c0:c1; the whole macro by default.")
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report", help="Folder for arrays and plots of the result.", callback=folder_of_plots
    ),
]


def drivers(json: Json = False) -> None:
    """List the installed drivers."""
    entries = [
        {
            "scheme": entry.scheme,
            "class": entry.qualified_class,
            "distribution": entry.distribution,
        }
        for entry in installed_drivers()
    ]
    print_result({"drivers": entries}, json)


def info(uri: Uri, json: Json = False) -> None:
    """Show what a macro is and allows."""
    with open_macro(uri) as macro:
        print_result(macro.spec.model_dump(mode="json"), json)


def form(
    uri: Uri,
    region: RegionOption = None,
    seed: Annotated[int, typer.Option(help="Draws which cells are formed.", min=0)] = 0,
    fraction: Annotated[float, typer.Option(help="Fraction of the cells to form.")] = 1.0,
    report: Report = None,
    json: Json = False,
) -> None:
    """Electroform cells: pristine ones break down into random conductances."""
    from rgnn_hal import programming

    with open_macro(uri) as macro, progress_bar() as progress:
        result = programming.form(
            macro, _region(region), fraction=fraction, seed=seed, progress=progress
        )
    summary: dict[str, Any] = {
        "cells": result.region.cells,
        "formed_fraction": result.formed_fraction,
        "mean_s": result.mean,
        "std_s": result.std,
        "chip_seconds": result.chip_seconds,
    }
    if report is not None:
        from rgnn_hal.report import forming_report

        summary["report"] = [str(path) for path in forming_report(result, report)]
    print_result(summary, json)


def program(
    uri: Uri,
    targets: Annotated[Path, typer.Argument(help="Conductances in S, a 2-D .npy array.")],
    tolerance: Annotated[
        float | None, typer.Option(help="Accepted deviation, S; 1/40 of the window by default.")
    ] = None,
    region: RegionOption = None,
    campaign: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps what is done; the same command goes on after a kill."),
    ] = None,
    reverify: Annotated[
        bool,
        typer.Option("--reverify", help="Write finished cells of the campaign again that drifted."),
    ] = False,
    report: Report = None,
    json: Json = False,
) -> None:
    """Write conductances: form what is pristine, then write and verify every cell."""
    from rgnn_hal import programming

    if reverify and campaign is None:
        raise ConfigurationError("--reverify is for cells of a campaign; name it: --campaign DIR")
    target = _load_targets(targets)
    place = _region(region) or Region.of_shape((target.shape[0], target.shape[1]))
    about: dict[str, Any] = {}
    with open_macro(uri) as macro, progress_bar() as progress:
        start = time.perf_counter()
        if campaign is None:
            result = programming.program(
                macro, target, place, tolerance=tolerance, progress=progress
            )
        else:
            done = programming.run_campaign(
                macro,
                target,
                campaign,
                place,
                tolerance=tolerance,
                reverify=reverify,
                progress=progress,
            )
            result = done.programming
            about = {
                "campaign": str(campaign),
                "calls": done.calls,
                "finished_before": done.finished_before,
                "drifted_cells": int(done.drifted.sum()),
                "reopened_cells": done.reopened,
            }
        seconds = time.perf_counter() - start
    summary: dict[str, Any] = about | {
        "cells": result.region.cells,
        "success_fraction": result.success_fraction,
        "mean_pulses": result.mean_pulses,
        "rms_error_s": result.rms_error,
        "seconds": seconds,
        "tolerance_s": result.tolerance,
        "stuck_cells": int((result.status == programming.CellStatus.STUCK).sum()),
        "exhausted_cells": int((result.status == programming.CellStatus.EXHAUSTED).sum()),
        "chip_seconds": result.chip_seconds,
    }
    if report is not None:
        from rgnn_hal.report import programming_report

        summary["report"] = [str(path) for path in programming_report(result, report)]
    print_result(summary, json)


def _region(text: str | None) -> Region | None:
    return None if text is None else Region.parse(text)


def _load_targets(path: Path) -> np.ndarray[Any, np.dtype[Any]]:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(
            f"{path} is not a .npy array of numbers ({error}); write it with numpy.save"
        ) from error
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise LimitError(f"{path} does not hold one 2-D array (rows, columns) of conductances in S")
    return array
