"""Commands that measure a chip and fit a preset to measurements: characterize, fit."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rgnn_hal.cli.output import Json, folder_of_plots, print_result, progress_bar
from rgnn_hal.macro import Region, open_macro


def characterize(
    uri: Annotated[str, typer.Argument(help="Macro address, e.g. 'emulator://?seed=7'.")],
    region: Annotated[
        str | None,
        typer.Option("--region", help="Cells r0:r1,c0:c1; the first 128 x 128 by default."),
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", help="Measurements, comma-separated; all by default.")
    ] = None,
    wear: Annotated[
        bool, typer.Option("--wear", help="Pulse cells of a chip that is kept; needs --region.")
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", help="Longest time of retention, s on the chip's clock."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", help="Folder for measurements.h5 and plots.", callback=folder_of_plots
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the measurements alone, HDF5.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure a chip through its contract: noise, forming, switching, converters, wires."""
    from rgnn_hal.characterization import Plan, save_measurements
    from rgnn_hal.characterization import characterize as run

    place = None if region is None else Region.parse(region)
    names = None if only is None else [name.strip() for name in only.split(",")]
    with open_macro(uri) as macro, progress_bar() as progress:
        plan = Plan.for_macro(macro.spec, place, wear=wear, seconds=seconds, only=names)
        result = run(macro, plan, progress)
    summary: dict[str, Any] = {
        "identity": result.identity,
        "region": str(result.region),
        "parameters": {
            f"{name}.{key}": _estimate(estimate)
            for name, found in result.findings.items()
            for key, estimate in found.estimates.items()
        },
        "skipped": dict(result.skipped),
    }
    files = []
    if out is not None:
        files.append(save_measurements(result, out))
    if report is not None:
        from rgnn_hal.report.characterization import characterization_report

        files.append(save_measurements(result, report / "measurements.h5"))
        files += characterization_report(result, report)
    if files:
        summary["report"] = [str(path) for path in files]
    print_result(summary if json else _readable(summary), json)


def _estimate(estimate: Any) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "standard_error": estimate.standard_error,
        "unit": estimate.unit,
        "count": estimate.count,
    }


def _readable(summary: dict[str, Any]) -> dict[str, Any]:
    """Parameters as rows of their own, `value ± error unit`."""
    rows = {
        name: f"{one['value']:.6g} ± {one['standard_error']:.2g} {one['unit']}"
        for name, one in summary["parameters"].items()
    }
    skipped = {f"skipped {name}": why for name, why in summary.get("skipped", {}).items()}
    return {key: summary[key] for key in summary if key not in ("parameters", "skipped")} | (
        rows | skipped
    )


def fit(
    measurements: Annotated[
        Path,
        typer.Argument(
            help="measurements.h5 of characterize, a bench's table, or a folder of them."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Preset to write, TOML.")],
    base: Annotated[
        str, typer.Option("--base", help="Preset, or its file, for what the data leave open.")
    ] = "chip40nm",
    json: Json = False,
) -> None:
    """Turn measurements into a preset of the emulator, with uncertainties."""
    from rgnn_hal.characterization import fit as run
    from rgnn_hal.characterization import read_preset, write_preset

    document = read_preset(base)
    with progress_bar() as progress:
        fitted = run(measurements, progress)
    description = f"fitted to {measurements.name}; the rest is {document.get('name', base)}"
    written = write_preset(fitted, document, out, description)
    summary: dict[str, Any] = {
        "out": str(written.path),
        "parameters": {
            one.name: _estimate(one.estimate) | {"source": one.source, "preset_key": one.preset_key}
            for one in fitted.parameters
        },
        "tables": {
            one.name: {
                "values": list(one.values),
                "standard_errors": list(one.standard_errors),
                "unit": one.unit,
                "source": one.source,
                "preset_key": one.preset_key,
            }
            for one in fitted.tables
        },
        "written": list(written.written),
        "unplaced": list(written.unplaced),
    }
    print_result(summary if json else _readable(summary), json)
