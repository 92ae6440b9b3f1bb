"""Limits of a bench that are tighter than those of the hardware.

    Limited(macro, {"read_voltage": {"high": 0.1}, "pulses": {"set": {"voltage": {"high": 2.0}}}})

The limits have the form of the spec and may leave out whatever stays, so that a `[limits]` table of
a TOML file is read as it is. `False` for a kind of pulse takes it away. A limit that would be wider
than the hardware's is an error: configuration never makes hardware able to do more.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rgnn_hal.macro import ConfigurationError, LimitError, Macro, MacroSpec, Range
from rgnn_hal.wrappers._forward import Forwarding

_LIMITS = ("conductance", "read_voltage", "pulses", "max_batch", "max_samples")
"""Fields of a spec that limit calls; the others are facts."""


class Limited(Forwarding):
    """A macro that accepts less.

    Args:
        inner: the macro.
        limits: see `tighten`.
    """

    def __init__(self, inner: Macro, limits: Mapping[str, Any]) -> None:
        super().__init__(inner, tighten(inner.spec, limits))


def tighten(spec: MacroSpec, limits: Mapping[str, Any]) -> MacroSpec:
    """`spec` with tighter limits.

    Raises:
        LimitError: a limit would be wider than it is, or has no room left.
        ConfigurationError: a key that is no limit, or a value of another form.
    """
    unknown = set(limits) - set(_LIMITS)
    if unknown:
        raise ConfigurationError(
            f"{', '.join(sorted(unknown))}: no limits of a macro; limits are {', '.join(_LIMITS)}"
        )
    fields = _merged(spec.model_dump(), limits, "limits")
    try:
        tight = MacroSpec.model_validate(fields)
    except ValidationError as error:
        complaints = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise ConfigurationError(f"these limits do not fit a macro: {complaints}") from error
    _check_tighter(spec, tight)
    return tight


def _merged(fields: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    merged = dict(fields)
    for key, change in changes.items():
        if key not in fields:
            known = ", ".join(map(str, fields))
            raise ConfigurationError(f"{where} has no {key!r}; it has: {known}")
        if change is False and where == "limits.pulses":
            del merged[key]
        elif isinstance(fields[key], Mapping):
            if not isinstance(change, Mapping):
                raise ConfigurationError(f"{where}.{key} is a table, not {change!r}")
            merged[key] = _merged(fields[key], change, f"{where}.{key}")
        else:
            merged[key] = change
    return merged


def _check_tighter(spec: MacroSpec, tight: MacroSpec) -> None:
    _check_range("conductance", spec.conductance, tight.conductance, "S")
    _check_range("read_voltage", spec.read_voltage, tight.read_voltage, "V")
    _check_number("max_batch", spec.max_batch, tight.max_batch)
    _check_number("max_samples", spec.max_samples, tight.max_samples)
    for kind, limits in tight.pulses.items():
        allowed = spec.pulses[kind]
        _check_range(f"{kind} voltage", allowed.voltage, limits.voltage, "V")
        _check_range(f"{kind} gate_voltage", allowed.gate_voltage, limits.gate_voltage, "V")
        _check_range(f"{kind} width", allowed.width, limits.width, "s")
        _check_number(f"{kind} max_count", allowed.max_count, limits.max_count)


def _check_range(name: str, allowed: Range, wanted: Range, unit: str) -> None:
    if wanted.low < allowed.low or wanted.high > allowed.high:
        raise LimitError(
            f"{name} {wanted.low} ... {wanted.high} {unit} is wider than the hardware's "
            f"{allowed.low} ... {allowed.high} {unit}; limits can only be tightened"
        )


def _check_number(name: str, allowed: int, wanted: int) -> None:
    if wanted > allowed:
        raise LimitError(
            f"{name} {wanted} is more than the hardware's {allowed}; limits can only be tightened"
        )
