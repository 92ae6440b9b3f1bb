"""The plan: which measurements, on which cells, with what permission; and carrying it out.

Measurements run in the order of `everything`: zeros first, then forming, what can be read, and what
switches cells last. Whatever wears cells runs freely only on a chip that ends with the session; on
silicon, or a chip in a file, it needs a chosen region and an explicit permission. Time is spent
freely only where it is virtual and the chip is not kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from rgnn_hal.characterization.compliance import Compliance
from rgnn_hal.characterization.converters import Converters
from rgnn_hal.characterization.current_voltage import CurrentVoltage
from rgnn_hal.characterization.forming_curve import FormingCurve
from rgnn_hal.characterization.measurement import Measurement
from rgnn_hal.characterization.pulse_response import PulseResponse
from rgnn_hal.characterization.quantity import Findings
from rgnn_hal.characterization.read_noise import ReadNoise
from rgnn_hal.characterization.relaxation import Relaxation
from rgnn_hal.characterization.retention import Retention
from rgnn_hal.characterization.wires import Wires
from rgnn_hal.characterization.yield_map import ConductanceMap, YieldMap
from rgnn_hal.macro import (
    Capability,
    DataError,
    LimitError,
    Macro,
    MacroSpec,
    NotSupportedError,
    PulseKind,
    Region,
)
from rgnn_hal.macro.checks import check_region
from rgnn_hal.progress import Progress, silent

_SIDE = 128
_VIRTUAL_SECONDS = 1e5
_TAKE_TIME = {"retention", "relaxation"}


def everything(seconds: float) -> tuple[Measurement, ...]:
    """Every measurement in the order in which they disturb each other least."""
    return (
        FormingCurve(),
        Converters(),
        ConductanceMap(),
        CurrentVoltage(),
        ReadNoise(),
        Wires(),
        Retention(seconds),
        Relaxation(seconds),
        YieldMap(),
        Compliance(),
        PulseResponse(PulseKind.SET),
        PulseResponse(PulseKind.RESET),
    )


@dataclass(frozen=True)
class Plan:
    """What will be done, and what will not and why."""

    region: Region
    measurements: tuple[Measurement, ...]
    omitted: Mapping[str, str]

    @classmethod
    def for_macro(
        cls,
        spec: MacroSpec,
        region: Region | None = None,
        *,
        wear: bool = False,
        seconds: float | None = None,
        only: Collection[str] | None = None,
    ) -> Self:
        """All that `spec` and the permissions allow.

        Args:
            spec: of the macro.
            region: cells; the first 128 x 128 by default.
            wear: pulse cells of a chip that outlives the session; needs `region`.
            seconds: longest time that retention may take on the chip's clock.
            only: names of measurements; all by default.

        Raises:
            LimitError: unknown names, wear without a region, a region beyond the macro.
        """
        ephemeral = spec.capabilities >= {Capability.VIRTUAL_CLOCK} and (
            Capability.PERSISTENT not in spec.capabilities
        )
        if wear and region is None and not ephemeral:
            raise LimitError(
                "wear on a chip that is kept needs a chosen region; "
                "give --region r0:r1,c0:c1 of cells that may be spent"
            )
        place = check_region(spec, region or _corner(spec))
        if seconds is not None and not 0 < seconds < float("inf"):
            raise LimitError(f"{seconds!r} s is no time for retention; give a finite time > 0")
        candidates = everything(seconds or _VIRTUAL_SECONDS)
        _check_names(only, [measurement.name for measurement in candidates])
        omitted = {}
        for measurement in candidates:
            if only is not None and measurement.name not in only:
                omitted[measurement.name] = "not asked for"
            elif measurement.wears and not (wear or ephemeral):
                omitted[measurement.name] = (
                    "it wears cells of a chip that is kept; allow it with --wear on a --region"
                )
            elif measurement.name in _TAKE_TIME and seconds is None and not ephemeral:
                omitted[measurement.name] = "it takes the chip's time; allow it with --seconds"
        chosen = tuple(one for one in candidates if one.name not in omitted)
        return cls(place, chosen, omitted)


@dataclass(frozen=True)
class Characterization:
    """What was found on one chip."""

    identity: str
    region: Region
    findings: Mapping[str, Findings]
    skipped: Mapping[str, str]
    """Measurements that were not done, with the reason."""


def characterize(macro: Macro, plan: Plan, progress: Progress = silent) -> Characterization:
    """Carry out `plan`; a measurement that the chip does not allow is skipped with its reason."""
    findings: dict[str, Findings] = {}
    skipped = dict(plan.omitted)
    with macro.lock:
        for measurement in plan.measurements:
            try:
                findings[measurement.name] = measurement.run(macro, plan.region, progress)
            except (NotSupportedError, DataError) as error:
                skipped[measurement.name] = str(error)
    return Characterization(macro.spec.identity, plan.region, findings, skipped)


def _corner(spec: MacroSpec) -> Region:
    return Region.of_shape((min(_SIDE, spec.rows), min(_SIDE, spec.cols)))


def _check_names(only: Collection[str] | None, known: list[str]) -> None:
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise LimitError(f"no measurement {', '.join(unknown)}; there are: {', '.join(known)}")
