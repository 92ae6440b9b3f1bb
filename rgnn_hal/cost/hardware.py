"""What an in-memory-computing macro and a digital machine are made of, in figures with sources.

Presets are TOML files beside this module:

    chip     the 40 nm macro with converters on the die, one per eight columns
    board    the published set-up: bare array, converters and multiplexers on a circuit board
    cpu, gpu, accelerator     digital machines

`load_macro` and `load_machine` read them, or a file of your own by its path.
"""

import tomllib
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from rgnn_hal.cost.figure import Figure, Frozen
from rgnn_hal.macro.errors import ConfigurationError


class Array(Frozen):
    """Cells and their wires."""

    conductance: Figure
    """S; mean of the cells that a read drives."""
    drive_efficiency: Figure
    """Share of the energy drawn from the supply that reaches the cells."""
    wire_capacitance: Figure
    """F per cell, of the row that drives it."""
    cell_area: Figure
    """m^2"""
    settling_time: Figure
    """s, from the drive to a current that can be converted."""


class Converter(Frozen):
    """A digital-to-analog or analog-to-digital converter with what stands around it."""

    energy: Figure
    """J per conversion, buffers or transimpedance amplifier included."""
    time: Figure
    """s per conversion."""
    area: Figure
    """m^2 each."""


class Link(Frozen):
    """From the host to the macro and back."""

    energy: Figure
    """J per bit."""
    rate: Figure
    """bit/s"""


class MacroHardware(Frozen):
    """One macro and its periphery."""

    name: str
    description: str
    node: Figure
    """m; the feature size that the figures are for."""
    rows: int
    cols: int
    columns_per_adc: int
    """Columns that take turns at one converter."""
    rows_per_dac: int
    """Rows that share one converter; they are set one after the other."""
    dac_bits: int
    adc_bits: int
    array: Array
    dac: Converter
    adc: Converter
    accumulate_energy: Figure
    """J per conversion: correction, shift and add of the code."""
    control_power: Figure
    """W while it works: clocks, references, controller."""
    other_area: Figure
    """m^2: drivers, references, controller."""
    pulse_energy: Figure
    """J per programming pulse, drivers included."""
    pulse_time: Figure
    """s per programming pulse, with what it takes to select the cell."""
    link: Link


class Machine(Frozen):
    """A digital machine that does multiply-accumulates."""

    name: str
    description: str
    node: Figure
    """m"""
    mac_energy: Figure
    """J per multiply-accumulate in a matrix product, memory traffic of the operands included."""
    special_energy: Figure
    """J per exponential, root, ..."""
    elementary_energy: Figure
    """J per sum, product or comparison by element."""
    mac_rate: Figure
    """Multiply-accumulates per second that matrix products of these sizes sustain."""
    element_rate: Figure
    """Elements per second of the other operations."""
    area: Figure
    """m^2 of the die."""


_Model = TypeVar("_Model", MacroHardware, Machine)


def load_macro(name: str = "chip") -> MacroHardware:
    """A macro's figures, of a preset or of the TOML file at a path.

    Raises:
        ConfigurationError: there is none, or it does not say what a model needs.
    """
    return _load(name, MacroHardware)


def load_machine(name: str) -> Machine:
    """A digital machine's figures, likewise."""
    return _load(name, Machine)


def _load(name: str, model: type[_Model]) -> _Model:
    path = Path(name)
    shipped = resources.files("rgnn_hal.cost").joinpath("presets", f"{name}.toml")
    if path.suffix == ".toml" and path.is_file():
        text = path.read_text(encoding="utf-8")
    elif "/" not in name and shipped.is_file():
        text = shipped.read_text(encoding="utf-8")
    else:
        known = sorted(
            entry.name.removesuffix(".toml")
            for entry in resources.files("rgnn_hal.cost").joinpath("presets").iterdir()
        )
        raise ConfigurationError(
            f"no hardware {name!r}; there are {', '.join(known)}, or give a TOML file's path"
        )
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"hardware {name!r} is no TOML: {error}") from error
    except ValidationError as error:
        complaints = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise ConfigurationError(
            f"hardware {name!r} does not describe a {model.__name__}: {complaints}"
        ) from error
