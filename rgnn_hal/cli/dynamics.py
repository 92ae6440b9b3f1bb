"""Command `md`: molecular dynamics with a forces model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rgnn_hal.cli.gradients import DEFAULT, GradientsOption, joined_forces
from rgnn_hal.cli.models import Macro, Model, Reads, Twin, use_one_torch_thread
from rgnn_hal.cli.output import Json, folder_of_plots, plain_warnings, print_result, progress_bar
from rgnn_hal.macro import LimitError


def md(
    model: Model,
    start: Annotated[Path, typer.Argument(help="Extended XYZ; the first frame is the start.")],
    temperature: Annotated[float, typer.Option(help="Of the velocities and the bath, K.")],
    steps: Annotated[int, typer.Option(help="Steps to take.")],
    out: Annotated[Path, typer.Option("--out", help="Trajectory, extended XYZ.")],
    ensemble: Annotated[str, typer.Option(help="nve or langevin.")] = "nve",
    timestep: Annotated[float, typer.Option(help="fs.")] = 0.5,
    stride: Annotated[int, typer.Option(help="Steps between stored frames.")] = 10,
    seed: Annotated[int, typer.Option(help="Of velocities and bath.", min=0)] = 0,
    macro: Macro = None,
    twin: Twin = False,
    reads: Reads = None,
    gradients: GradientsOption = DEFAULT,
    report: Annotated[
        Path | None, typer.Option(help="Folder for a plot.", callback=folder_of_plots)
    ] = None,
    json: Json = False,
) -> None:
    """Run molecular dynamics; --twin conserves energy, a noisy macro wants --ensemble langevin."""
    from rgnn_hal.structures import read_structures
    from rgnn_hal.tasks.forces import ExtrapolationWarning, load_model, run_dynamics

    if ensemble not in ("nve", "langevin"):
        raise LimitError(f"ensemble {ensemble!r} is neither nve nor langevin")
    loaded = load_model(model)
    _, atoms = next(iter(read_structures(start)))
    use_one_torch_thread()
    with (
        plain_warnings(ExtrapolationWarning),
        progress_bar() as progress,
        joined_forces(loaded, macro, twin, reads, gradients, progress) as (
            predictor,
            name,
        ),
    ):
        result = run_dynamics(
            predictor,
            atoms,
            out,
            temperature=temperature,
            steps=steps,
            ensemble="nve" if ensemble == "nve" else "langevin",
            timestep=timestep,
            stride=stride,
            seed=seed,
            progress=progress,
        )
    summary: dict[str, Any] = {
        "energy_drift_mev_per_atom_ps": 1e3 * result.energy_drift,
        "mean_temperature_k": float(result.temperature.mean()),
        "steps_per_second": result.steps / result.seconds,
        "steps": result.steps,
        "frames": len(result.time),
        "atoms": result.atoms,
        "largest_extrapolation_grade": result.largest_grade,
        "extrapolating_atoms": list(result.outsiders),
        "ensemble": ensemble,
        "gradients": gradients,
        "macro": name,
        "out": str(out),
    }
    if report is not None:
        from rgnn_hal.report import dynamics_plot

        summary["report"] = [str(dynamics_plot(result, report / "dynamics.png"))]
    print_result(summary, json)
