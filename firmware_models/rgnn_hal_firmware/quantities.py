"""Quantities: how a preset states one parameter, and the units that the models take.

In a file a parameter is a table of value, unit and source; in a model it is the bare value, which
the types below accept in their own unit only. Tables by conductance are lists of equal length.
"""

from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Frozen(BaseModel):
    """Base of everything in a preset."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Quantity(Frozen):
    """One parameter as its file states it."""

    value: int | float | tuple[float, ...]
    unit: str
    source: Annotated[str, Field(min_length=1)]
    guess: bool = False
    uncertainty: (
        Annotated[float, Field(ge=0)] | tuple[Annotated[float, Field(ge=0)], ...] | None
    ) = None
    """One standard error of the value, in its unit, where a fit gave one."""


def in_unit(unit: str) -> BeforeValidator:
    """Takes a `Quantity` of that unit for its value."""

    def value_of(table: object) -> object:
        quantity = Quantity.model_validate(table)
        if quantity.unit != unit:
            raise ValueError(f"must be given in {unit!r}, not {quantity.unit!r}")
        return quantity.value

    return BeforeValidator(value_of)


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if not pair[0] < pair[1]:
        raise ValueError(f"{pair[0]:g} ... {pair[1]:g} is empty")
    return pair


def _rising(levels: tuple[float, ...]) -> tuple[float, ...]:
    if not levels[0] > 0.0 or any(b <= a for a, b in pairwise(levels)):
        raise ValueError(f"levels must be positive and rise, not {levels}")
    return levels


def _pairs_of_ends(ends: tuple[float, ...]) -> tuple[float, ...]:
    pairs = list(zip(ends[::2], ends[1::2], strict=False))
    if len(ends) % 2 or not pairs or {0.0} in map(set, pairs) or not {*ends} <= {0.0, 1.0}:
        raise ValueError(f"contacts are pairs of 0 and 1 with a 1 in each, not {ends}")
    return ends


_Pair = tuple[float, float]
Volts = Annotated[float, in_unit("V")]
VoltsSpread = Annotated[float, Field(ge=0), in_unit("V")]
Siemens = Annotated[float, Field(gt=0), in_unit("S")]
SiemensPerVolt = Annotated[float, Field(gt=0), in_unit("S/V")]
ElectronVolts = Annotated[float, Field(ge=0), in_unit("eV")]
Ohms = Annotated[float, Field(ge=0), in_unit("ohm")]
Amperes = Annotated[float, Field(ge=0), in_unit("A")]
Seconds = Annotated[float, Field(gt=0), in_unit("s")]
Ratio = Annotated[float, Field(ge=0), in_unit("1")]
Fraction = Annotated[float, Field(ge=0, le=1), in_unit("1")]
Count = Annotated[int, Field(gt=0), in_unit("1")]
Cycles = Annotated[float, Field(gt=0), in_unit("1")]
Flag = Annotated[int, Field(ge=0, le=1), in_unit("1")]
Bits = Annotated[int, Field(ge=2, le=24), in_unit("1")]
VoltsRange = Annotated[_Pair, Field(), BeforeValidator(_ordered), in_unit("V")]
SiemensRange = Annotated[_Pair, Field(), BeforeValidator(_ordered), in_unit("S")]
Ends = Annotated[tuple[float, ...], BeforeValidator(_pairs_of_ends), in_unit("1")]
SiemensTable = Annotated[tuple[float, ...], in_unit("S")]
PerKelvin = Annotated[float, Field(ge=0), in_unit("1/K")]
PerKelvinTable = Annotated[tuple[float, ...], in_unit("1/K")]
PerSquareVoltTable = Annotated[tuple[float, ...], in_unit("1/V^2")]
Levels = Annotated[tuple[float, ...], BeforeValidator(_rising), in_unit("S")]
SecondsRange = Annotated[_Pair, Field(), BeforeValidator(_ordered), in_unit("s")]


def same_length(levels: tuple[float, ...], *tables: tuple[float, ...]) -> None:
    """Every table has one value per level."""
    if any(len(table) != len(levels) for table in tables):
        raise ValueError(f"needs one value for each of the {len(levels)} levels")
