"""Measuring a chip through the contract alone, and fitting a model's parameters to what was found.

`plan` says which measurements run on which cells with what permission; each measurement is a value
with a `run`, in a file of its own; `storage` keeps what they found; `fit` turns it, or published
tables, into parameters of a preset.
"""

from rgnn_hal.characterization.fitted import (
    PRESET_KEYS,
    PRESET_TABLES,
    FittedParameter,
    FittedParameters,
    FittedTable,
)
from rgnn_hal.characterization.fitting import fit
from rgnn_hal.characterization.measurement import Measurement
from rgnn_hal.characterization.plan import Characterization, Plan, characterize, everything
from rgnn_hal.characterization.preset_file import WrittenPreset, read_preset, write_preset
from rgnn_hal.characterization.quantity import Estimate, Findings, Series
from rgnn_hal.characterization.storage import load_measurements, save_measurements

__all__ = [
    "PRESET_KEYS",
    "PRESET_TABLES",
    "Characterization",
    "Estimate",
    "Findings",
    "FittedParameter",
    "FittedParameters",
    "FittedTable",
    "Measurement",
    "Plan",
    "Series",
    "WrittenPreset",
    "characterize",
    "everything",
    "fit",
    "load_measurements",
    "read_preset",
    "save_measurements",
    "write_preset",
]
