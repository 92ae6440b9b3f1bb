"""Counted work on a macro and its host, beside machines that do all of it digitally.

The system is the macro for its products and the host for the rest, one after the other. A machine
is compared in two ways:

    ratio    machine alone / system:              which of the two one would rather build
    gain     machine alone / machine with macro:  what the macro adds to that very machine

of energy, of latency, and of latency x area. What the macro cannot do is never free. Where the same
machine stands on both sides, its figures vary together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rgnn_hal.cost.energy import Cost, machine_cost, macro_cost
from rgnn_hal.cost.figure import Frozen
from rgnn_hal.cost.hardware import Machine, MacroHardware
from rgnn_hal.cost.uncertainty import Modelled, modelled
from rgnn_hal.cost.work import Work

_DRAWS = 300


@dataclass(frozen=True)
class Quantities:
    """What work takes, with intervals."""

    energy: Modelled
    """J"""
    latency: Modelled
    """s"""
    area: Modelled
    """m^2"""


@dataclass(frozen=True)
class Ratios:
    """How much less it takes: above 1 the macro wins."""

    energy: Modelled
    speed: Modelled
    area_normalised_speed: Modelled


@dataclass(frozen=True)
class Baseline:
    """A machine that does everything."""

    machine: Machine
    alone: Quantities
    ratio: Ratios
    gain: Ratios


@dataclass(frozen=True)
class Assessment:
    """Work on a macro with a host, and against baselines."""

    system: Quantities
    parts: Cost
    baselines: tuple[Baseline, ...]


def assess(
    work: Work, macro: MacroHardware, host: Machine, machines: Sequence[Machine]
) -> Assessment:
    """Cost of `work` on `macro` with `host`, beside each machine alone."""
    return Assessment(
        system=_quantities(lambda chip, own: system_cost(work, chip, own), macro, host),
        parts=system_cost(work, macro, host),
        baselines=tuple(_baseline(work, macro, host, machine) for machine in machines),
    )


def system_cost(work: Work, macro: MacroHardware, host: Machine) -> Cost:
    """A macro's products and a machine's rest, by part."""
    analog, rest = macro_cost(work.analog, macro), machine_cost(work.digital, host)
    return Cost(
        energy={**analog.energy, **_named(rest.energy)},
        latency={**analog.latency, **_named(rest.latency)},
        area={**analog.area, **_named(rest.area)},
    )


def _named(parts: Mapping[str, float]) -> dict[str, float]:
    return {f"host {name}": value for name, value in parts.items()}


def _baseline(work: Work, macro: MacroHardware, host: Machine, machine: Machine) -> Baseline:
    def gain(of: Callable[[Cost], float]) -> Modelled:
        def model(chip: MacroHardware, own: Machine) -> float:
            return of(machine_cost(work.all_digital, own)) / of(system_cost(work, chip, own))

        return modelled(model, macro, machine, draws=_DRAWS)

    def ratio(of: Callable[[Cost], float]) -> Modelled:
        def model(chip: MacroHardware, own: Machine, other: Machine) -> float:
            return of(machine_cost(work.all_digital, other)) / of(system_cost(work, chip, own))

        return modelled(model, macro, host, machine, draws=_DRAWS)

    gains = _ratios(gain)
    return Baseline(
        machine=machine,
        alone=_quantities(lambda own: machine_cost(work.all_digital, own), machine),
        ratio=gains if machine == host else _ratios(ratio),
        gain=gains,
    )


def _ratios(of: Callable[[Callable[[Cost], float]], Modelled]) -> Ratios:
    return Ratios(
        energy=of(lambda cost: cost.joules),
        speed=of(lambda cost: cost.seconds),
        area_normalised_speed=of(lambda cost: cost.seconds * cost.square_metres),
    )


def _quantities(cost: Callable[..., Cost], *hardware: Frozen) -> Quantities:
    return Quantities(
        energy=modelled(lambda *h: cost(*h).joules, *hardware, draws=_DRAWS),
        latency=modelled(lambda *h: cost(*h).seconds, *hardware, draws=_DRAWS),
        area=modelled(lambda *h: cost(*h).square_metres, *hardware, draws=_DRAWS),
    )
