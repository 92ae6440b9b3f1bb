"""Preset files: a base preset with fitted parameters put in, as TOML.

What the data do not determine is copied from the base with its own source, or follows the only
conductance that they do determine (`conductance_scale`). Presets are data that
ship beside the chip model, so they are read as files; no code of the model is loaded.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Any

from rgnn_hal.characterization.conductance_scale import LRS, scale_conductances
from rgnn_hal.characterization.fitted import FittedParameters
from rgnn_hal.macro import ConfigurationError, DataError

_SHIPPED = "rgnn_hal_firmware"


@dataclass(frozen=True)
class WrittenPreset:
    """What became of the parameters."""

    path: Path
    written: tuple[str, ...]
    """Keys of the preset that carry fitted values."""
    unplaced: tuple[str, ...]
    """Fitted parameters that the base preset has no key for."""


def read_preset(base: str) -> dict[str, Any]:
    """The document of a shipped preset's name or of a TOML file.

    Raises:
        ConfigurationError: neither exists.
        DataError: no TOML.
    """
    path = Path(base)
    shipped = resources.files(_SHIPPED).joinpath("presets", f"{base}.toml")
    if path.suffix == ".toml" and path.is_file():
        text = path.read_text(encoding="utf-8")
    elif "/" not in base and shipped.is_file():
        text = shipped.read_text(encoding="utf-8")
    else:
        raise ConfigurationError(
            f"no base preset {base!r}; give the name of a shipped one, as in emulator://?preset=, "
            "or a TOML file"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"base preset {base!r} is no TOML: {error}; correct the file") from error


def write_preset(
    fitted: FittedParameters, base: Mapping[str, Any], path: Path, description: str
) -> WrittenPreset:
    """Put `fitted` into a copy of `base` and write it as the preset named after `path`.

    Raises:
        DataError: nothing of `fitted` has a key in `base`, or a unit differs.
    """
    document = json.loads(json.dumps(base))
    document |= {"name": path.stem, "description": description}
    placed = {LRS} if scale_conductances(document, fitted) else set()
    written, unplaced = [], []
    for parameter in fitted.parameters:
        if parameter.name in placed:
            written.append("switching.compliance_slope")
            continue
        key = parameter.preset_key
        if key is None or (table := _find(document, key)) is None:
            unplaced.append(parameter.name)
            continue
        value, error = _rounded(parameter.estimate.value), parameter.estimate.standard_error
        _fill(table, key, parameter.estimate.unit, value, parameter.source)
        if isfinite(error):
            table["uncertainty"] = _rounded(error)
        written.append(key)
    for fitted_table in fitted.tables:
        key = fitted_table.preset_key
        if key is None or (table := _find(document, key)) is None:
            unplaced.append(fitted_table.name)
            continue
        values = [_rounded(one) for one in fitted_table.values]
        _fill(table, key, fitted_table.unit, values, fitted_table.source)
        if fitted_table.standard_errors and all(map(isfinite, fitted_table.standard_errors)):
            table["uncertainty"] = [_rounded(one) for one in fitted_table.standard_errors]
        written.append(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(_lines(document)) + "\n", encoding="utf-8")
    return WrittenPreset(path, tuple(written), tuple(unplaced))


def _find(document: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    table: Any = document
    for part in key.split("."):
        table = table.get(part) if isinstance(table, Mapping) else None
    return table if isinstance(table, dict) and "unit" in table else None


def _fill(
    table: dict[str, Any], key: str, unit: str, value: float | list[float], source: str
) -> None:
    if table["unit"] != unit:
        raise DataError(
            f"what was measured for {key} is in {unit}, the base preset has it in "
            f"{table['unit']}; choose a base preset of this version"
        )
    for stale in ("guess", "uncertainty"):
        table.pop(stale, None)
    table |= {"value": value, "source": source}


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _lines(document: Mapping[str, Any], section: str = "") -> Iterator[str]:
    """TOML of a preset: plain values, one inline table per parameter, then sections."""
    tables = {key: value for key, value in document.items() if isinstance(value, Mapping)}
    for key, value in document.items():
        if key not in tables:
            yield f"{key} = {_value(value)}"
    for key, table in tables.items():
        if "unit" in table:
            inside = ", ".join(f"{name} = {_value(value)}" for name, value in table.items())
            yield f"{key} = {{ {inside} }}"
    for key, table in tables.items():
        if "unit" not in table:
            name = f"{section}.{key}" if section else key
            if any("unit" in one for one in table.values() if isinstance(one, Mapping)):
                yield f"\n[{name}]"
            yield from _lines(table, name)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)  # a TOML basic string has JSON's escapes
    return repr(value)
