"""Command `cost`: what an inference takes on a macro and its host, and on digital machines."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgnn_hal.cli.output import Json, print_result
from rgnn_hal.cli.pareto import numbers, pareto
from rgnn_hal.macro import ConfigurationError

if TYPE_CHECKING:
    from rgnn_hal.cost import Machine, MacroHardware
    from rgnn_hal.cost.comparison import Assessment, Quantities, Ratios
    from rgnn_hal.cost.uncertainty import Modelled
    from rgnn_hal.tasks.workload import Workload

_PAPER = "xu2025:"
_HOST = "accelerator"
_MACHINES = ("accelerator", "gpu", "cpu")
_RANKED = 5
"""Figures named for what they do to a result."""


def cost(
    model: Annotated[
        str,
        typer.Argument(
            help="Folder that `train` or `solve` wrote; xu2025:force, xu2025:hamiltonian or "
            "xu2025:wavefunction for the paper's networks; published for the model's own test."
        ),
    ],
    preset: Annotated[str, typer.Option(help="Macro: chip, board, or a TOML file.")] = "chip",
    node: Annotated[
        float | None,
        typer.Option(help="Carry the macro and its host to another node, nm.", min=3.0),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Held-out data, for error against energy.")
    ] = None,
    beside: Annotated[
        list[Path] | None, typer.Option(help="Another model for that plot; may be repeated.")
    ] = None,
    reads: Annotated[
        str,
        typer.Option(
            help="Reads to compare, with --data; each with a readout of its own if the model was "
            "trained with --keep-statistics."
        ),
    ] = "1,4,16,64",
    bits: Annotated[
        str, typer.Option(help="Bits of the inputs to compare, with --data; the macro's otherwise.")
    ] = "",
    frames: Annotated[int, typer.Option(help="Frames of the data to use.", min=1)] = 10,
    report: Annotated[Path | None, typer.Option(help="Folder for the plot.")] = None,
    json: Json = False,
) -> None:
    """Turn counted work into energy, latency and area, beside digital machines."""
    from rgnn_hal.cli.models import use_one_torch_thread
    from rgnn_hal.cost import at_node, load_machine, load_macro

    several = numbers(reads, "--reads", "1,4,16")
    widths = numbers(bits, "--bits", "4,6,8") if bits else []
    if data is None and (report is not None or beside or bits):
        raise ConfigurationError(
            "--report, --beside and --bits are about errors on data; give --data too"
        )
    if report is not None:
        if report.exists() and not report.is_dir():
            raise ConfigurationError(f"{report} is a file; give a folder for the plot")
        from rgnn_hal.report.figure import require_matplotlib

        require_matplotlib()
    if data is not None and model.startswith(_PAPER):
        raise ConfigurationError("the paper's networks come untrained; leave out --data")
    if model == "published":
        _print(_published(), json)
        return
    macro, host = load_macro(preset), load_machine(_HOST)
    if node is not None:
        macro, host = at_node(macro, 1e-9 * node), at_node(host, 1e-9 * node)
    use_one_torch_thread()
    workload = _workload(model)
    result = _result(workload, macro, host, [host, *map(load_machine, _MACHINES[1:])])
    result |= {"model": model, "preset": macro.name, "node_nm": 1e9 * macro.node.value}
    if data is not None:
        models = [Path(model), *(beside or [])]
        result |= pareto(models, data, several, widths, frames, macro, host, report)
    _print(result, json)


def _workload(model: str) -> "Workload":
    from rgnn_hal.tasks.models import workload_of

    if not model.startswith(_PAPER):
        return workload_of(Path(model))
    from rgnn_hal.bundled import bundled
    from rgnn_hal.structures import read_structures
    from rgnn_hal.tasks.xu2025 import workload

    match model.removeprefix(_PAPER):
        case "force":
            _, atoms = next(iter(read_structures(bundled("li3po4_train.extxyz"))))
            return workload.force_workload(atoms)
        case "hamiltonian":
            return workload.hamiltonian_workload()
        case "wavefunction":
            return workload.wavefunction_workload()
    raise ConfigurationError(
        f"the paper has no network {model!r}; there are xu2025:force, xu2025:hamiltonian and "
        "xu2025:wavefunction"
    )


def _result(
    workload: "Workload", macro: "MacroHardware", host: "Machine", machines: "list[Machine]"
) -> dict[str, Any]:
    from rgnn_hal.cost.comparison import assess
    from rgnn_hal.tasks.workload import timed

    work = workload.work
    assessed = assess(work, macro, host, machines)
    system, own = assessed.system, assessed.baselines[0]
    measured = timed(workload)
    values = {
        "energy_j": system.energy,
        "latency_s": system.latency,
        "area_mm2": _scaled(system.area, 1e6),
        **_named(own.ratio),
    }
    counted = {"macs_analog": work.analog.multiplications, "macs_digital": work.digital.macs}
    per_atom = {name: count / workload.atoms for name, count in counted.items()}
    for name in ("energy_j", "latency_s"):
        per_atom[name] = values[name].value / workload.atoms
    return {
        "task": workload.task,
        "inference": workload.inference,
        "atoms": workload.atoms,
        "reads": workload.reads,
        "frozen_parameters": workload.frozen,
        **counted,
        **{name: one.value for name, one in values.items()},
        "intervals": {name: [one.low, one.high] for name, one in values.items()},
        "per_atom": per_atom,
        "counts": {"analog": vars(work.analog), "digital": vars(work.digital)},
        "breakdown": _breakdown(assessed),
        "sensitivity": {name: dict(one.shares[:_RANKED]) for name, one in values.items()},
        "host": host.name,
        "baselines": {
            one.machine.name: {
                **_quantities(one.alone),
                "ratio": _intervals(_named(one.ratio)),
                "gain": _intervals(_named(one.gain)),
            }
            for one in assessed.baselines
        },
        "measured": {
            "how": "measured: the twin on this machine, one thread, in this run",
            "seconds": measured.seconds,
            "cpu_seconds": measured.cpu_seconds,
            "macs": measured.operations.macs,
            "special": measured.operations.special,
            "elementary": measured.operations.elementary,
            "speed_ratio": measured.seconds / system.latency.value,
        },
        "training": _training(workload, macro, host),
    }


def _training(workload: "Workload", macro: "MacroHardware", host: "Machine") -> Any:
    """Training on the same system; None for networks that were not trained."""
    from rgnn_hal.cost import programming_cost
    from rgnn_hal.cost.comparison import system_cost

    if workload.training is None:
        return None
    work = workload.training
    running, writing = system_cost(work, macro, host), programming_cost(work.analog, macro)
    return {
        "macs_analog": work.analog.multiplications,
        "macs_digital": work.digital.macs,
        "pulses": work.analog.pulses,
        "cell_reads": work.analog.cell_reads,
        "energy_j": running.joules + writing.joules,
        "latency_s": running.seconds + writing.seconds,
        "writing_energy_j": writing.joules,
        "writing_latency_s": writing.seconds,
    }


def _breakdown(assessed: "Assessment") -> dict[str, dict[str, float]]:
    parts = assessed.parts
    return {
        "energy_j": dict(parts.energy),
        "latency_s": dict(parts.latency),
        "area_mm2": {name: 1e6 * area for name, area in parts.area.items()},
    }


def _published() -> dict[str, Any]:
    from rgnn_hal.cost.published import UNUSED, comparisons

    return {
        "published": [
            {
                "macro": one.published.name,
                "published": one.published.value,
                "unit": one.published.unit,
                "model": one.model.value,
                "interval": [one.model.low, one.model.high],
                "factor": one.factor,
                "within_two": one.within_two,
                "source": one.published.source,
                "includes": one.published.includes,
            }
            for one in comparisons()
        ],
        "unused": UNUSED,
    }


def _named(ratios: "Ratios") -> dict[str, "Modelled"]:
    return {
        "energy_ratio": ratios.energy,
        "speed_ratio": ratios.speed,
        "area_normalised_speed_ratio": ratios.area_normalised_speed,
    }


def _quantities(found: "Quantities") -> dict[str, Any]:
    area = _scaled(found.area, 1e6)
    return _intervals({"energy_j": found.energy, "latency_s": found.latency, "area_mm2": area})


def _intervals(found: Mapping[str, "Modelled"]) -> dict[str, dict[str, float]]:
    return {
        name: {"value": one.value, "low": one.low, "high": one.high} for name, one in found.items()
    }


def _scaled(one: "Modelled", factor: float) -> "Modelled":
    from dataclasses import replace

    return replace(one, value=factor * one.value, low=factor * one.low, high=factor * one.high)


def _print(result: Mapping[str, Any], json: bool) -> None:
    if json:
        print_result(result, json)
        return
    from rgnn_hal.cli.cost_tables import print_tables

    print_tables(result)
