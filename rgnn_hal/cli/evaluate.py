"""Commands `evaluate` and `predict`: what a trained model of any task says about structures."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rgnn_hal.cli.gradients import DEFAULT, GradientsOption, joined_forces, refuse_gradients
from rgnn_hal.cli.models import Macro, Model, Reads, Twin, joined, use_one_torch_thread
from rgnn_hal.cli.output import Json, folder_of_plots, plain_warnings, print_result, progress_bar

Report = Annotated[
    Path | None, typer.Option(help="Folder for a parity plot.", callback=folder_of_plots)
]


def evaluate(
    model: Model,
    data: Annotated[Path, typer.Argument(help="Labelled data, as for `train`.")],
    macro: Macro = None,
    twin: Twin = False,
    reads: Reads = None,
    gradients: GradientsOption = DEFAULT,
    report: Report = None,
    json: Json = False,
) -> None:
    """Compare a model's predictions with labels."""
    from rgnn_hal.tasks.artefact import task_of

    if task_of(model) == "forces":
        found = _evaluate_forces(model, data, macro, twin, reads, gradients, report)
    else:
        refuse_gradients(gradients)
        found = _evaluate_hamiltonian(model, data, macro, twin, reads, report)
    print_result(found, json)


def predict(
    model: Model,
    structures: Annotated[Path, typer.Argument(help="Extended XYZ; labels are ignored.")],
    out: Annotated[Path, typer.Option("--out", help="Predictions, in the schema of the data.")],
    macro: Macro = None,
    twin: Twin = False,
    reads: Reads = None,
    gradients: GradientsOption = DEFAULT,
    json: Json = False,
) -> None:
    """Write predictions for structures."""
    from rgnn_hal.tasks.artefact import task_of

    if task_of(model) == "forces":
        found, name = _predict_forces(model, structures, out, macro, twin, reads, gradients)
    else:
        refuse_gradients(gradients)
        found, name = _predict_hamiltonian(model, structures, out, macro, twin, reads)
    print_result({**found, "out": str(out), "macro": name}, json)


def _evaluate_forces(
    model: Path,
    data: Path,
    macro: str | None,
    twin: bool,
    reads: int | None,
    gradients: str,
    report: Path | None,
) -> dict[str, Any]:
    from rgnn_hal.tasks.forces import evaluate_forces, load_model

    loaded = load_model(model)
    use_one_torch_thread()
    with (
        progress_bar() as progress,
        joined_forces(loaded, macro, twin, reads, gradients, progress) as (on, name),
    ):
        result = evaluate_forces(on, data, progress)
    summary: dict[str, Any] = {
        "frames": result.frames,
        "atoms": result.atoms,
        "energy_mae_mev_per_atom": 1e3 * result.energy_mae,
        "force_mae_mev_per_angstrom": 1e3 * result.force_mae,
        "force_rmse_mev_per_angstrom": 1e3 * result.force_rmse,
        "force_r2": result.force_r2,
        "macro": name,
        "reads": None if twin else reads or loaded.recipe.reads,
        "gradients": gradients,
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
    return summary


def _evaluate_hamiltonian(
    model: Path, data: Path, macro: str | None, twin: bool, reads: int | None, report: Path | None
) -> dict[str, Any]:
    from rgnn_hal.tasks.hamiltonian import evaluate_hamiltonian, load_model
    from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV

    loaded = load_model(model)
    use_one_torch_thread()
    with progress_bar() as progress, joined(loaded, macro, twin, reads, progress) as (on, name):
        result = evaluate_hamiltonian(on, data, progress)
    summary: dict[str, Any] = {
        "frames": result.frames,
        "atoms": result.atoms,
        "edges": result.edges,
        "hamiltonian_mae_microhartree": 1e6 * result.hamiltonian_mae,
        "eigenvalue_mae_mev": 1e3 * HARTREE_EV * result.eigenvalue_mae,
        "occupied_energy_mae_mev": 1e3 * HARTREE_EV * result.occupied_energy_mae,
        "frames_per_second": result.frames / result.prediction_seconds,
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
            quantity="matrix element (hartree)",
            title=f"MAE {1e6 * result.hamiltonian_mae:.1f} µhartree",
        )
        summary["report"] = [str(plot)]
    return summary


def _predict_forces(
    model: Path,
    structures: Path,
    out: Path,
    macro: str | None,
    twin: bool,
    reads: int | None,
    gradients: str,
) -> tuple[dict[str, int], str]:
    from rgnn_hal.tasks.forces import ExtrapolationWarning, load_model, predict_file

    loaded = load_model(model)
    use_one_torch_thread()
    with (
        plain_warnings(ExtrapolationWarning),
        progress_bar() as progress,
        joined_forces(loaded, macro, twin, reads, gradients, progress) as (on, name),
    ):
        found = predict_file(on, structures, out, progress)
    return {"frames": found.frames, "extrapolating_frames": found.extrapolating}, name


def _predict_hamiltonian(
    model: Path, structures: Path, out: Path, macro: str | None, twin: bool, reads: int | None
) -> tuple[dict[str, int], str]:
    from rgnn_hal.tasks.hamiltonian import load_model, predict_file

    loaded = load_model(model)
    use_one_torch_thread()
    with progress_bar() as progress, joined(loaded, macro, twin, reads, progress) as (on, name):
        return {"frames": predict_file(on, structures, out, progress)}, name
