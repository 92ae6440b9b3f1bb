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
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from rgnn_hal_firmware.errors import PresetError
from rgnn_hal_firmware.quantities import (
    Amperes,
    Bits,
    Count,
    Fraction,
    Frozen,
    Levels,
    PerSquareVoltTable,
    Quantity,
    Ratio,
    Seconds,
    SecondsRange,
    Siemens,
    SiemensPerVolt,
    SiemensRange,
    SiemensTable,
    Volts,
    VoltsRange,
    in_unit,
    same_length,
)


class ArrayParameters(Frozen):
    """Geometry, and the window that cells can be written into."""

    rows: Count
    cols: Count
    multiplexed_columns: Count
    conductance_window: SiemensRange


class FormingParameters(Frozen):
    """Dielectric breakdown of pristine cells: see `forming`."""

    breakdown_voltage_mean: Volts
    breakdown_voltage_sd: Volts
    stress_time: Seconds
    volts_per_decade: Volts
    pristine_conductance: Siemens
    conductance_mean: Siemens
    conductance_cv: Ratio
    row_spread_cv: Ratio
    column_sd: Ratio
    multiplexer_dip: Ratio
    multiplexer_dip_length: Ratio
    nominal_gate: Volts
    threshold_voltage: Volts

    @property
    def conductance_sd(self) -> float:
        """Spread of formed cells at the nominal gate, S."""
        return self.conductance_mean * self.conductance_cv


class SwitchingParameters(Frozen):
    """SET and RESET of formed cells: see `switching`."""

    threshold_voltage: Volts
    compliance_slope: SiemensPerVolt
    compliance_cv_device: Ratio
    compliance_cv_cycle: Ratio
    floor_conductance: Siemens
    reference_width: Seconds
    set_voltage_mean: Volts
    set_voltage_sd: Volts
    set_volts_per_decade: Volts
    reset_voltage_mean: Volts
    reset_voltage_sd: Volts
    reset_volts_per_decade: Volts
    rate_sigma_cycle: Ratio


class ConductionParameters(Frozen):
    """Current against voltage, by conductance: see `conduction`."""

    reference_voltage: Volts
    levels: Levels
    cubic: PerSquareVoltTable

    @model_validator(mode="after")
    def _one_value_per_level(self) -> Self:
        same_length(self.levels, self.cubic)
        return self


class DefectParameters(Frozen):
    """Cells that no pulse moves: see `defects`."""

    open_density: Fraction
    short_density: Fraction
    short_column_period: Count
    short_column_density: Fraction
    short_excess_mean: Ratio
    short_excess_sd: Ratio


class ReadNoiseParameters(Frozen):
    """White noise of one cell in one read: see `noise`."""

    white: Annotated[float, Field(ge=0), in_unit("S")]
    quiet_below: Siemens


class FlickerParameters(Frozen):
    """1/f noise: see `flicker`."""

    relative_density: Annotated[float, Field(ge=0), in_unit("1/Hz")]
    exponent: Annotated[float, Field(gt=0, lt=2), in_unit("1")]
    time_constants: SecondsRange


class RelaxationParameters(Frozen):
    """What cells do after their last pulse, by conductance: see `relaxation`."""

    onset: Annotated[float, Field(gt=0, lt=1), in_unit("s")]
    levels: Levels
    sd_one_second: SiemensTable
    sd_one_day: SiemensTable
    drift_per_e_fold: SiemensTable

    @model_validator(mode="after")
    def _one_value_per_level(self) -> Self:
        same_length(self.levels, self.sd_one_second, self.sd_one_day, self.drift_per_e_fold)
        return self


class TelegraphParameters(Frozen):
    """Random telegraph noise: see `telegraph`."""

    cell_fraction: Fraction
    amplitude_median: Siemens
    amplitude_sigma: Ratio
    time_constants: SecondsRange
    refresh: Seconds


class PeripheryParameters(Frozen):
    """Converters and their timing: see `converters`."""

    read_voltage: VoltsRange
    dac_bits: Bits
    adc_bits: Bits
    full_scale: Amperes
    offset_sd: Amperes
    gain_sd: Ratio
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
    conduction: ConductionParameters
    defects: DefectParameters
    read_noise: ReadNoiseParameters
    telegraph: TelegraphParameters
    flicker: FlickerParameters
    relaxation: RelaxationParameters
    periphery: PeripheryParameters
    limits: LimitParameters

    @property
    def read_time(self) -> float:
        """Time of one sample of one vector on all columns, s."""
        return self.periphery.conversion_time * self.array.multiplexed_columns

    @property
    def read_noise_rms(self) -> float:
        """White and telegraph noise of one read of a formed cell, rms over all cells, S.

        A log-normal amplitude has mean square median^2 exp(2 sigma^2), a uniform q has
        mean q (1 - q) = 1/6.
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
            raise PresetError(
                f"preset {document.get('name')!r} does not fit: {complaints}"
            ) from error


def preset_names() -> list[str]:
    """Names that `load_preset` knows."""
    files = resources.files("rgnn_hal_firmware").joinpath("presets").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load_preset(name: str) -> Preset:
    """The preset in `presets/<name>.toml`.

    Raises:
        PresetError: there is none of that name.
    """
    known = preset_names()
    if name not in known:
        raise PresetError(f"no preset {name!r}; there are: {', '.join(known)}")
    file = resources.files("rgnn_hal_firmware").joinpath("presets", f"{name}.toml")
    return Preset.from_document(tomllib.loads(file.read_text(encoding="utf-8")))


def _quantities(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Quantity]]:
    for key, value in tables.items():
        if "unit" in value:
            yield prefix + key, Quantity.model_validate(value)
        else:
            yield from _quantities(value, f"{prefix}{key}.")
