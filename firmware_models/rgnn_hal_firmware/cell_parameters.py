"""Parameters of cells: what pulses do to them, how they conduct, relax and make noise.

One model per module that uses it; the modules' docstrings hold the equations.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from rgnn_hal_firmware.quantities import (
    Count,
    Cycles,
    ElectronVolts,
    Fraction,
    Frozen,
    Levels,
    PerKelvin,
    PerKelvinTable,
    PerSquareVoltTable,
    Ratio,
    Seconds,
    SecondsRange,
    Siemens,
    SiemensPerVolt,
    SiemensTable,
    Volts,
    in_unit,
    same_length,
)


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
    activation_energy: ElectronVolts = 0.0


class EnduranceParameters(Frozen):
    """Wear by pulses: see `endurance`."""

    onset_cycles: Cycles
    lrs_exponent: Ratio
    hrs_exponent: Ratio
    lifetime_median: Cycles
    lifetime_sigma: Ratio


class DisturbParameters(Frozen):
    """What is left of a pulse over other cells of its lines: see `disturb`."""

    row_fraction: Fraction
    column_fraction: Fraction
    volts_per_decade: Volts


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


class ThermalParameters(Frozen):
    """Conductance against temperature, by conductance: see `thermal`."""

    levels: Levels
    coefficient: PerKelvinTable
    coefficient_sd: PerKelvin

    @model_validator(mode="after")
    def _one_value_per_level(self) -> Self:
        same_length(self.levels, self.coefficient)
        return self
