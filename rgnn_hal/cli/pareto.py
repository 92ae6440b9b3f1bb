"""The part of `cost` that compares errors on data with energies, at several reads and bits."""

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
    bits: list[int],
    frames: int,
    macro: "MacroHardware",
    host: "Machine",
    report: Path | None,
) -> dict[str, Any]:
    """Error and energy of every model at every number of reads and bits; a plot in `report`.

    Without `bits`, inputs have those of the macro's converter.
    """
    from rgnn_hal.cost.comparison import system_cost
    from rgnn_hal.cost.uncertainty import modelled
    from rgnn_hal.report import Floor, TradeOff, pareto_plot
    from rgnn_hal.tasks.models import load_predicting
    from rgnn_hal.tasks.tradeoff import QUANTITIES, task_with_errors, tradeoff

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
                bits=bits or [None],
                frames=frames,
                statistics=_statistics(task, folder, model),
                progress=progress,
            )
        floors.append(Floor(folder.name, curve.twin, curve.exact))
        refitted[folder.name] = curve.refitted
        for one in curve.points:
            energy = modelled(
                lambda m, h, work=one.work: system_cost(work, m, h).joules,
                _with_bits(macro, one.bits),
                host,
            )
            points.append(TradeOff(folder.name, one.reads, one.bits, energy, one.error))
    rows = [
        {
            "model": point.model,
            "reads": point.reads,
            "bits": point.bits,
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


def numbers(text: str, option: str, example: str) -> list[int]:
    """The numbers in "1,4,16", ascending.

    Raises:
        LimitError: there are none, or others.
    """
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise LimitError(f"{option} {text!r} are no such numbers; give some like {example}")
    return found


def _with_bits(macro: "MacroHardware", bits: int | None) -> "MacroHardware":
    """`macro` with converters of so many bits for its inputs."""
    from rgnn_hal.cost.geometry import reshaped

    if bits is None:
        return macro
    return reshaped(
        macro,
        rows=macro.rows,
        cols=macro.cols,
        columns_per_adc=macro.columns_per_adc,
        dac_bits=bits,
    )


def _statistics(task: str, folder: Path, model: Any) -> "KeptStatistics | None":
    if task != "forces":
        return None
    from rgnn_hal.tasks.forces import load_statistics

    return load_statistics(folder, model.recipe.reads)
