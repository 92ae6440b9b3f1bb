"""Commands of the science: train, evaluate, predict."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgnn_hal.cli.output import Json, print_result, progress_bar
from rgnn_hal.macro import ConfigurationError, LimitError, open_macro
from rgnn_hal.progress import Progress

if TYPE_CHECKING:
    from rgnn_hal.tasks.forces import ForcesModel, ForcesRecipe, Predictor

Macro = Annotated[str | None, typer.Option("--macro", help="Macro address.")]
Twin = Annotated[bool, typer.Option("--twin", help="Use the weights as read back, no hardware.")]
Reads = Annotated[int | None, typer.Option("--reads", help="Reads averaged per product.", min=1)]
Model = Annotated[Path, typer.Argument(help="Folder that `train` wrote.")]

_DEFAULT_MACRO = "emulator://"


def train_forces(
    data: Annotated[Path, typer.Argument(help="Extended XYZ: energies in eV, forces in eV/Å.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the model.")],
    macro: Annotated[str, typer.Option("--macro", help="Macro address.")] = _DEFAULT_MACRO,
    channels: Annotated[int | None, typer.Option(help="Random channels per degree.")] = None,
    cutoff: Annotated[float | None, typer.Option(help="Radius of an environment, Å.")] = None,
    lmax: Annotated[int | None, typer.Option(help="Highest angular momentum.")] = None,
    reads: Reads = None,
    valid_fraction: Annotated[
        float | None, typer.Option(help="Fraction of frames that chooses the regularisation.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of forming and of the split.")] = None,
    workers: Annotated[int, typer.Option(help="Threads for the digital work.")] = 1,
    json: Json = False,
) -> None:
    """Train energies and forces."""
    from rgnn_hal.tasks.artefact import check_destination
    from rgnn_hal.tasks.forces import save_model
    from rgnn_hal.tasks.forces import train_forces as run

    chosen = {
        "channels": channels,
        "cutoff": cutoff,
        "lmax": lmax,
        "reads": reads,
        "valid_fraction": valid_fraction,
        "seed": seed,
    }
    recipe = _recipe({name: value for name, value in chosen.items() if value is not None})
    check_destination(out)
    use_one_torch_thread()
    with open_macro(macro) as opened, progress_bar() as progress:
        result = run(data, opened, recipe, macro_uri=macro, workers=workers, progress=progress)
    save_model(result.model, out)
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


def evaluate(
    model: Model,
    data: Annotated[Path, typer.Argument(help="Extended XYZ with energies and forces.")],
    macro: Macro = None,
    twin: Twin = False,
    reads: Reads = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a parity plot.")] = None,
    json: Json = False,
) -> None:
    """Compare a model's predictions with labels."""
    from rgnn_hal.tasks.forces import evaluate_forces, load_model

    loaded = load_model(model)
    use_one_torch_thread()
    with progress_bar() as progress, _joined(loaded, macro, twin, reads, progress) as joined:
        predictor, name = joined
        result = evaluate_forces(predictor, data, progress)
    summary: dict[str, Any] = {
        "frames": result.frames,
        "atoms": result.atoms,
        "energy_mae_mev_per_atom": 1e3 * result.energy_mae,
        "force_mae_mev_per_angstrom": 1e3 * result.force_mae,
        "force_rmse_mev_per_angstrom": 1e3 * result.force_rmse,
        "force_r2": result.force_r2,
        "macro": name,
        "reads": None if twin else reads or loaded.recipe.reads,
        "seconds": result.seconds,
    }
    if report is not None:
        from rgnn_hal.report import parity_plot

        plot = parity_plot(
            result.reference,
            result.predicted,
            report / "parity.png",
            quantity="force (eV/Å)",
            title=f"MAE {1e3 * result.force_mae:.1f} meV/Å",
        )
        summary["report"] = [str(plot)]
    print_result(summary, json)


def predict(
    model: Model,
    structures: Annotated[Path, typer.Argument(help="Extended XYZ; labels are ignored.")],
    out: Annotated[Path, typer.Option("--out", help="Extended XYZ with predictions.")],
    macro: Macro = None,
    twin: Twin = False,
    reads: Reads = None,
    json: Json = False,
) -> None:
    """Write energies and forces of structures."""
    from rgnn_hal.tasks.forces import load_model, predict_file

    loaded = load_model(model)
    use_one_torch_thread()
    with progress_bar() as progress, _joined(loaded, macro, twin, reads, progress) as joined:
        predictor, name = joined
        frames = predict_file(predictor, structures, out, progress)
    print_result({"frames": frames, "out": str(out), "macro": name}, json)


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
    report: Annotated[Path | None, typer.Option(help="Folder for a plot.")] = None,
    json: Json = False,
) -> None:
    """Run molecular dynamics; --twin conserves energy, a noisy macro wants --ensemble langevin."""
    from rgnn_hal.structures import read_structures
    from rgnn_hal.tasks.forces import load_model, run_dynamics

    if ensemble not in ("nve", "langevin"):
        raise LimitError(f"ensemble {ensemble!r} is neither nve nor langevin")
    loaded = load_model(model)
    _, atoms = next(iter(read_structures(start)))
    use_one_torch_thread()
    with progress_bar() as progress, _joined(loaded, macro, twin, reads, progress) as joined:
        predictor, name = joined
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
        "ensemble": ensemble,
        "macro": name,
        "out": str(out),
    }
    if report is not None:
        from rgnn_hal.report import dynamics_plot

        summary["report"] = [str(dynamics_plot(result, report / "dynamics.png"))]
    print_result(summary, json)


@contextmanager
def _joined(
    model: "ForcesModel", uri: str | None, twin: bool, reads: int | None, progress: Progress
) -> Iterator[tuple["Predictor", str]]:
    """A model joined to its twin or to a macro, by default the one it was trained on."""
    if twin:
        if uri is not None or reads is not None:
            raise ConfigurationError("--twin uses no hardware; leave out --macro and --reads")
        yield model.on_twin(), "twin"
        return
    address = uri or model.macro_uri
    with open_macro(address) as macro:
        yield model.on_macro(macro, reads=reads, progress=progress), address


def _recipe(chosen: dict[str, Any]) -> "ForcesRecipe":
    from pydantic import ValidationError

    from rgnn_hal.tasks.forces import ForcesRecipe

    try:
        return ForcesRecipe(**chosen)
    except ValidationError as error:
        complaints = "; ".join(
            f"--{str(item['loc'][0]).replace('_', '-')} {item['input']}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise LimitError(complaints) from error


def use_one_torch_thread() -> None:
    """Torch's tensors here are small: on two cores a second thread doubles the training time."""
    import torch

    torch.set_num_threads(1)
