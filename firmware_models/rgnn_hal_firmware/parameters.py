"""Parameter sets of chips, as data: every number with unit, source, and whether it is a guess.

A preset is a TOML file in `presets/`; adding a chip means adding a file. Each parameter is a table

    white = { value = 0.117e-6, unit = "S", source = "...", guess = true }

and is loaded into the frozen models below, which know the unit that each parameter must carry.
In the models a parameter is its bare value in SI units; `Preset.provenance` keeps the rest.
"""

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator

from rgnn_hal_firmware.cell_parameters import (
    ConductionParameters,
    DefectParameters,
    DisturbParameters,
    EnduranceParameters,
    FlickerParameters,
    FormingParameters,
    ReadNoiseParameters,
    RelaxationParameters,
    SwitchingParameters,
    TelegraphParameters,
    ThermalParameters,
)
from rgnn_hal_firmware.errors import PresetError
from rgnn_hal_firmware.quantities import (
    Amperes,
    Bits,
    Count,
    Ends,
    Flag,
    Frozen,
    Ohms,
    Quantity,
    Ratio,
    Seconds,
    SecondsRange,
    Siemens,
    SiemensRange,
    VoltsRange,
    VoltsSpread,
)


class ArrayParameters(Frozen):
    """Geometry, and the window that cells can be written into."""

    rows: Count
    cols: Count
    multiplexed_columns: Count
    conductance_window: SiemensRange


class PeripheryParameters(Frozen):
    """Converters and their timing: see `converters`."""

    read_voltage: VoltsRange
    dac_bits: Bits
    input_planes: Flag = 0
    """Whether inputs come as planes that are summed before conversion: see `input_forms`."""
    adc_bits: Bits
    full_scale: Amperes
    offset_sd: Amperes
    gain_sd: Ratio
    noise: Amperes = 0.0
    """Of one conversion, referred to the input, rms."""
    bow_sd: Ratio = 0.0
    """Bow of a column converter's curve, of full scale, over lines."""
    walk_sd: Ratio = 0.0
    """Random walk of its curve from end to end, of full scale."""
    input_offset_sd: VoltsSpread = 0.0
    input_gain_sd: Ratio = 0.0
    input_bow_sd: Ratio = 0.0
    """Of an input converter, of full scale."""
    input_noise: VoltsSpread = 0.0
    """Of an input converter in one conversion of a column, rms."""
    cell_step: Siemens
    conversion_time: Seconds
    max_batch: Count
    max_samples: Count

    @model_validator(mode="after")
    def _zero_is_a_code(self) -> Self:
        low, high = self.read_voltage
        if low not in (0.0, -high):
            raise ValueError(f"read_voltage must be (0, V) or (-V, V), not ({low:g}, {high:g})")
        return self


class WireParameters(Frozen):
    """Metal of both planes: see `topology` and `crossbar`."""

    row_segment: Ohms
    row_lead: Ohms
    row_contacts: Ends
    """Contact at a line's first cell (1 or 0), at its last; further pairs for further lines."""
    col_segment: Ohms
    col_lead: Ohms
    col_contacts: Ends


class PulseEnvelope(Frozen):
    """What the pulse generators of the board can do for one kind of pulse."""

    voltage: VoltsRange
    gate_voltage: VoltsRange
    width: SecondsRange
    max_count: Count


class LimitParameters(Frozen):
    """One envelope per kind of pulse."""

    form: PulseEnvelope
    set: PulseEnvelope
    reset: PulseEnvelope


class ChipParameters(Frozen):
    """Everything that a chip is made from, besides its seed."""

    array: ArrayParameters
    forming: FormingParameters
    switching: SwitchingParameters
    endurance: EnduranceParameters
    disturb: DisturbParameters
    conduction: ConductionParameters
    defects: DefectParameters
    read_noise: ReadNoiseParameters
    telegraph: TelegraphParameters
    flicker: FlickerParameters
    relaxation: RelaxationParameters
    thermal: ThermalParameters
    periphery: PeripheryParameters
    limits: LimitParameters
    wires: WireParameters | None = None
    """None: ideal."""

    @property
    def read_time(self) -> float:
        """Time of one sample of one vector on all columns, s."""
        return self.periphery.conversion_time * self.array.multiplexed_columns

    @property
    def read_noise_rms(self) -> float:
        """White and telegraph noise of one read of a formed cell, rms over all cells, S.

        A log-normal amplitude has mean square median^2 exp(2 sigma^2), a uniform q has
        mean q (1 - q) = 1/6. 1/f noise is left out: it is how a cell moves between reads, in
        proportion to its conductance, and no average of samples takes it away.
        """
        traps = self.telegraph
        mean_square = traps.amplitude_median**2 * math.exp(2 * traps.amplitude_sigma**2)
        return math.sqrt(self.read_noise.white**2 + traps.cell_fraction * mean_square / 6)


class Preset(Frozen):
    """A named parameter set together with where each number comes from."""

    name: str
    description: str
    parameters: ChipParameters
    provenance: Mapping[str, Quantity]
    document: str
    """The whole preset as canonical JSON: what a chip file keeps and what identifies the set."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Build from a parsed TOML or JSON file.

        Raises:
            PresetError: unknown, missing or ill-typed parameters, or wrong units.
        """
        tables = dict(document)
        try:
            return cls(
                name=tables.pop("name", ""),
                description=tables.pop("description", ""),
                parameters=ChipParameters.model_validate(tables),
                provenance=dict(_quantities(tables)),
                document=json.dumps(document, sort_keys=True, separators=(",", ":")),
            )
        except ValidationError as error:
            complaints = "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
            )
            name = document.get("name")
            which = f"preset {name!r}" if name else "a preset without a name"
            raise PresetError(f"{which} does not fit: {complaints}") from error


def preset_names() -> list[str]:
    """Names that `load_preset` knows."""
    files = resources.files("rgnn_hal_firmware").joinpath("presets").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load_preset(name: str) -> Preset:
    """The preset `name`: one of the package's, or the path of a file that ends in `.toml`.

    A preset with a `base` states what differs from that one.

    Raises:
        PresetError: there is none of that name, or the file holds none.
    """
    return Preset.from_document(_document(name))


def _document(name: str) -> dict[str, Any]:
    try:
        own = tomllib.loads(_text(name))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"preset file {name} is not TOML: {error}") from error
    if "base" not in own:
        return own
    document = _document(own.pop("base"))
    for key, value in own.items():
        document[key] = {**document.get(key, {}), **value} if isinstance(value, dict) else value
    return document


def _text(name: str) -> str:
    if name.endswith(".toml"):
        try:
            return Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise PresetError(f"cannot read preset file {name}: {error.strerror}") from error
    known = preset_names()
    if name not in known:
        raise PresetError(
            f"no preset {name!r}; there are: {', '.join(known)}, and any file that ends in .toml"
        )
    file = resources.files("rgnn_hal_firmware").joinpath("presets", f"{name}.toml")
    return file.read_text(encoding="utf-8")


def _quantities(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Quantity]]:
    for key, value in tables.items():
        if "unit" in value:
            yield prefix + key, Quantity.model_validate(value)
        else:
            yield from _quantities(value, f"{prefix}{key}.")
