"""Fitted parameters, and the one table that says which of them a preset has a place for.

A new parameter of the chip model needs one line here, and a base preset that has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rgnn_hal.characterization.quantity import Estimate

PRESET_KEYS: Mapping[str, str] = {
    "forming.breakdown_voltage_mean": "forming.breakdown_voltage_mean",
    "forming.breakdown_voltage_sd": "forming.breakdown_voltage_sd",
    "forming.stress_time": "forming.stress_time",
    "forming.volts_per_decade": "forming.volts_per_decade",
    "forming.pristine_conductance": "forming.pristine_conductance",
    "forming.conductance_mean": "forming.conductance_mean",
    "forming.conductance_cv": "forming.conductance_cv",
    "forming.gate_voltage": "forming.nominal_gate",
    "forming.threshold_voltage": "forming.threshold_voltage",
    "compliance.threshold_voltage": "switching.threshold_voltage",
    "compliance.slope": "switching.compliance_slope",
    "compliance.lrs_cv_device": "switching.compliance_cv_device",
    "compliance.lrs_cv_cycle": "switching.compliance_cv_cycle",
    "compliance.hrs_floor": "switching.floor_conductance",
    "set_response.voltage_mean": "switching.set_voltage_mean",
    "set_response.voltage_sd": "switching.set_voltage_sd",
    "set_response.volts_per_decade": "switching.set_volts_per_decade",
    "set_response.reference_width": "switching.reference_width",
    "reset_response.voltage_mean": "switching.reset_voltage_mean",
    "reset_response.voltage_sd": "switching.reset_voltage_sd",
    "reset_response.volts_per_decade": "switching.reset_volts_per_decade",
    # Of SET too; RESET's end state scatters less, so its repeats show the rate alone.
    "reset_response.rate_sigma_cycle": "switching.rate_sigma_cycle",
    "yield.open_fraction": "defects.open_density",
    "read_noise.white": "read_noise.white",
    "read_noise.quiet_below": "read_noise.quiet_below",
    "read_noise.telegraph_fraction": "telegraph.cell_fraction",
    "read_noise.telegraph_amplitude_median": "telegraph.amplitude_median",
    "read_noise.telegraph_amplitude_sigma": "telegraph.amplitude_sigma",
    "read_noise.flicker_at_1_hz": "flicker.relative_density",
    "read_noise.flicker_exponent": "flicker.exponent",
    "converters.offset_sd": "periphery.offset_sd",
    "converters.gain_sd": "periphery.gain_sd",
}
"""Measured quantity -> section and key of a preset."""

PRESET_TABLES: Mapping[str, str] = {
    f"relaxation.{quantity}": f"relaxation.{quantity}"
    for quantity in ("levels", "sd_one_second", "sd_one_day", "drift_per_e_fold")
}
"""The same for quantities with one value per conductance level; a section is written as a whole."""


@dataclass(frozen=True)
class FittedParameter:
    """One number with its uncertainty and where it comes from."""

    name: str
    """As in `PRESET_KEYS`: measurement and quantity."""
    estimate: Estimate
    source: str

    @property
    def preset_key(self) -> str | None:
        """Its place in a preset; None where the format has none."""
        return PRESET_KEYS.get(self.name)


@dataclass(frozen=True)
class FittedTable:
    """One quantity by conductance level."""

    name: str
    """As in `PRESET_TABLES`."""
    values: tuple[float, ...]
    standard_errors: tuple[float, ...]
    unit: str
    source: str

    @property
    def preset_key(self) -> str | None:
        """Its place in a preset."""
        return PRESET_TABLES.get(self.name)


@dataclass(frozen=True)
class FittedParameters:
    """All that a file or a folder of measurements determines."""

    parameters: tuple[FittedParameter, ...]
    tables: tuple[FittedTable, ...] = ()

    def __getitem__(self, name: str) -> Estimate:
        return next(one.estimate for one in self.parameters if one.name == name)

    def __contains__(self, name: str) -> bool:
        return any(one.name == name for one in self.parameters)
