"""Counted work on a macro and its host, beside machines that do all of it digitally.

The system is the macro for its products and the host for the rest, one after the other. A machine
is compared in two ways:

    ratio    machine alone / system:              which of the two one would rather build
    gain     machine alone / machine with macro:  what the macro adds to that very machine

of energy, of latency, and of latency x area. What the macro cannot do is never free. Where the same
machine stands on both sides, its figures vary together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rgnn_hal.cost.energy import Cost, machine_cost, macro_cost
from rgnn_hal.cost.hardware import Machine, MacroHardware
from rgnn_hal.cost.uncertainty import Modelled, modelled_together
from rgnn_hal.cost.work import Work, products

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
    system = modelled_together(
        lambda chip, own: _three(system_cost(work, chip, own)), macro, host, draws=_DRAWS
    )
    return Assessment(
        system=Quantities(*system),
        parts=system_cost(work, macro, host),
        baselines=tuple(_baseline(work, macro, host, machine) for machine in machines),
    )


def assess_products(work: Work, macro: MacroHardware, machine: Machine) -> Ratios:
    """The products of `work` alone, on a macro without a host against a machine.

    What surrounds them is left out on both sides, and so is the area of what would do it.
    """

    def quotients(chip: MacroHardware, own: Machine) -> tuple[float, ...]:
        alone = machine_cost(products(work.analog.multiplications), own)
        return _quotients(alone, macro_cost(work.analog, chip))

    return Ratios(*modelled_together(quotients, macro, machine, draws=_DRAWS))


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
    def alone_and_helped(chip: MacroHardware, own: Machine) -> tuple[float, ...]:
        alone = machine_cost(work.all_digital, own)
        return *_three(alone), *_quotients(alone, system_cost(work, chip, own))

    def alone_and_system(chip: MacroHardware, own: Machine, other: Machine) -> tuple[float, ...]:
        return _quotients(machine_cost(work.all_digital, other), system_cost(work, chip, own))

    helped = modelled_together(alone_and_helped, macro, machine, draws=_DRAWS)
    alone, gain = Quantities(*helped[:3]), Ratios(*helped[3:])
    if machine == host:
        return Baseline(machine, alone, ratio=gain, gain=gain)
    ratio = modelled_together(alone_and_system, macro, host, machine, draws=_DRAWS)
    return Baseline(machine, alone, ratio=Ratios(*ratio), gain=gain)


def _three(cost: Cost) -> tuple[float, float, float]:
    return cost.joules, cost.seconds, cost.square_metres


def _quotients(one: Cost, other: Cost) -> tuple[float, float, float]:
    speed = one.seconds / other.seconds
    return one.joules / other.joules, speed, speed * one.square_metres / other.square_metres
