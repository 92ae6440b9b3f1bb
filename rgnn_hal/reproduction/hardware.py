"""Speed and energy of counted work: a macro beside a digital machine, against that machine alone.

    energy     E(digital, all work) / (E(macro, its products) + E(digital, the rest))
    speed      the same of 1 / (latency x area), macro and machine on one die

The digital machine is an accelerator of the macro's node, or a graphics processor of its own. Every
figure comes from a preset with its source, and the intervals follow from those of the presets.
"""

from collections.abc import Callable, Mapping
from functools import partial

from rgnn_hal.cost.energy import machine_cost, macro_cost
from rgnn_hal.cost.figure import Frozen
from rgnn_hal.cost.hardware import Machine, MacroHardware, load_machine, load_macro
from rgnn_hal.cost.uncertainty import modelled
from rgnn_hal.cost.work import Work
from rgnn_hal.reproduction.cell import Cell, Modelled, Run
from rgnn_hal.reproduction.chart import Bar, Bars
from rgnn_hal.reproduction.table import Draft

_MACRO, _DIGITAL = "chip", ("accelerator", "gpu")
_DRAWS = 100
"""For bars; the table has the model's own number of draws."""


def add_gains(
    draft: Draft, label: str, work: Work, counted: Run, speed: Cell, energy: Cell
) -> None:
    """Rows of speed and energy, beside the paper's, against each digital machine."""
    for machine in map(load_machine, _DIGITAL):
        parts, presets = (load_macro(_MACRO), machine), (_MACRO, machine.name)
        fast = Modelled.of(modelled(partial(_speed, work), *parts), "x", presets, counted)
        frugal = Modelled.of(modelled(partial(_energy, work), *parts), "x", presets, counted)
        draft.add("speed", f"{label}, per area, against {machine.name}", speed, fast)
        draft.add("energy", f"{label}, against {machine.name}", energy, frugal)


def _energy(work: Work, macro: MacroHardware, digital: Machine) -> float:
    return _alone(work, digital)[0] / _hybrid(work, macro, digital)[0]


def _speed(work: Work, macro: MacroHardware, digital: Machine) -> float:
    die = machine_cost(work.digital, digital).square_metres
    both = die + macro_cost(work.analog, macro).square_metres
    return _alone(work, digital)[1] * die / (_hybrid(work, macro, digital)[1] * both)


def cost_bars(title: str, workloads: Mapping[str, Work]) -> tuple[Bars, Bars]:
    """Energy and latency of workloads, with a macro and without."""
    energies: list[Bar] = []
    latencies: list[Bar] = []
    for label, work in workloads.items():
        for machine in map(load_machine, _DIGITAL):
            for words, model, parts in (
                (machine.name, partial(_alone, work), (machine,)),
                (f"macro + {machine.name}", partial(_hybrid, work), (load_macro(_MACRO), machine)),
            ):
                for bars, which in ((energies, 0), (latencies, 1)):
                    found = modelled(partial(_part, model, which), *parts, draws=_DRAWS)
                    bars.append(Bar(f"{label}: {words}", found.value, found.low, found.high))
    return (
        Bars(f"{title}: energy", "energy (J)", tuple(energies)),
        Bars(f"{title}: latency", "latency (s)", tuple(latencies)),
    )


def _alone(work: Work, digital: Machine) -> tuple[float, float]:
    cost = machine_cost(work.all_digital, digital)
    return cost.joules, cost.seconds


def _hybrid(work: Work, macro: MacroHardware, digital: Machine) -> tuple[float, float]:
    products, rest = macro_cost(work.analog, macro), machine_cost(work.digital, digital)
    return products.joules + rest.joules, products.seconds + rest.seconds


def _part(model: Callable[..., tuple[float, float]], which: int, *parts: Frozen) -> float:
    return model(*parts)[which]
