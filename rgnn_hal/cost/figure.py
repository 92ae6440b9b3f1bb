"""A figure: one number of a hardware model, with its unit, its source and how far it may be off.

Energies, times and areas of circuits are known to factors, not to percentages, so the uncertainty
is one: the true value lies between `value / factor` and `value * factor` in two cases of three
(a standard deviation of ln `factor`). A figure nobody published is a `guess`, with its reason as
source.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """What all parts of a hardware model are: complete, typed, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(Frozen):
    """One number; `unit` must be the one that its field documents."""

    value: Annotated[float, Field(ge=0)]
    factor: Annotated[float, Field(ge=1)] = 1.0
    unit: str
    source: Annotated[str, Field(min_length=3)]
    guess: bool = False
    node: Annotated[float, Field(gt=0)] | None = None
    """m; of the source, where it is not the hardware's own: see `scaling`."""


def figures(model: BaseModel, path: str = "") -> Iterator[tuple[str, Figure]]:
    """Every figure inside `model` by its dotted name, in the order of the fields."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        inner = f"{path}.{name}" if path else name
        if isinstance(value, Figure):
            yield inner, value
        elif isinstance(value, BaseModel):
            yield from figures(value, inner)


def with_values(model: Frozen, values: dict[str, float]) -> Frozen:
    """A copy of `model` in which the figures named in `values` have those values."""
    changes: dict[str, object] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Figure) and name in values:
            changes[name] = value.model_copy(update={"value": values[name]})
        elif isinstance(value, Frozen):
            prefix = f"{name}."
            inner = {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}
            if inner:
                changes[name] = with_values(value, inner)
    return model.model_copy(update=changes)
