"""The part of `cost` that compares errors on data with energies, at several reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgnn_hal.cli.output import progress_bar
from rgnn_hal.macro import ConfigurationError, LimitError, open_macro

if TYPE_CHECKING:
    from rgnn_hal.cost import Machine, MacroHardware
    from rgnn_hal.tasks.forces import KeptStatistics


def pareto(
    models: list[Path],
    data: Path,
    reads: list[int],
    frames: int,
    macro: "MacroHardware",
    host: "Machine",
    report: Path | None,
) -> dict[str, Any]:
    """Error and energy of every model at every number of reads; a plot in `report`."""
    from rgnn_hal.cost.comparison import system_cost
    from rgnn_hal.cost.uncertainty import modelled
    from rgnn_hal.report import Floor, TradeOff, pareto_plot
    from rgnn_hal.tasks.tradeoff import QUANTITIES, task_with_errors, tradeoff
    from rgnn_hal.tasks.workload import load_predicting

    points: list[TradeOff] = []
    floors: list[Floor] = []
    refitted: dict[str, bool] = {}
    tasks = {task_with_errors(folder) for folder in models}
    if len(tasks) > 1:
        raise ConfigurationError(f"one plot is of one task, not of {' and '.join(sorted(tasks))}")
    (task,) = tasks
    for folder in models:
        model = load_predicting(task, folder)
        with open_macro(model.macro_uri) as opened, progress_bar() as progress:
            curve = tradeoff(
                model,
                task,
                data,
                opened,
                reads,
                frames=frames,
                statistics=_statistics(task, folder, model),
                progress=progress,
            )
        floors.append(Floor(folder.name, curve.twin, curve.exact))
        refitted[folder.name] = curve.refitted
        for one in curve.points:
            energy = modelled(
                lambda m, h, work=one.work: system_cost(work, m, h).joules, macro, host
            )
            points.append(TradeOff(folder.name, one.reads, energy, one.error))
    rows = [
        {
            "model": point.model,
            "reads": point.reads,
            "energy_j": point.energy.value,
            "interval": [point.energy.low, point.energy.high],
            "error": point.error,
            "dominated": point.dominated(points),
        }
        for point in points
    ]
    result: dict[str, Any] = {
        "pareto": rows,
        "pareto_error": QUANTITIES[task],
        "pareto_floors": [
            {
                "model": one.model,
                "twin_error": one.twin,
                "exact_error": one.exact,
                "refitted": refitted[one.model],
            }
            for one in floors
        ],
    }
    if report is not None:
        plot = pareto_plot(
            points,
            report / "pareto.png",
            floors=floors,
            quantity=QUANTITIES[task],
            title=f"{task}: error against energy on {macro.name}",
        )
        result["report"] = [str(plot)]
    return result


def numbers(text: str) -> list[int]:
    """The numbers of reads in "1,4,16", ascending.

    Raises:
        LimitError: there are none, or others.
    """
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise LimitError(f"--reads {text!r} are no numbers of reads; give some like 1,4,16")
    return found


def _statistics(task: str, folder: Path, model: Any) -> "KeptStatistics | None":
    if task != "forces":
        return None
    from rgnn_hal.tasks.forces import load_statistics

    return load_statistics(folder, model.recipe.reads)
