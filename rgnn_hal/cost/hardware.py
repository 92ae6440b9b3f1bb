"""What an in-memory-computing macro and a digital machine are made of, in figures with sources.

Presets are TOML files beside this module:

    chip     the 40 nm macro with converters on the die, one per eight columns
    board    the published set-up: bare array, converters and multiplexers on a circuit board
    cpu, gpu, accelerator     digital machines

`load_macro` and `load_machine` read them, or a file of your own by its path. A figure whose source
is of another node is carried to the hardware's by the law of its field (`scaling`).
"""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import ValidationError

from rgnn_hal.cost.figure import Figure, Frozen
from rgnn_hal.cost.scaling import (
    ANALOG_AREA,
    ANALOG_POWER,
    CELL_AREA,
    LOGIC_AREA,
    LOGIC_ENERGY,
    LOGIC_POWER,
    LOGIC_RATE,
    LOGIC_TIME,
    SUPPLY,
    WIRE,
    at_node,
)
from rgnn_hal.macro.errors import ConfigurationError


class Array(Frozen):
    """Cells and their wires."""

    conductance: Figure
    """S; mean of the cells that a read drives."""
    supply: Annotated[Figure, SUPPLY]
    """V, out of which linear drivers take the current of the cells."""
    wire_capacitance: Annotated[Figure, WIRE]
    """F per cell, of the row that drives it."""
    cell_area: Annotated[Figure, CELL_AREA]
    """m^2"""
    settling_time: Figure
    """s, from the drive to a current that can be converted; it grows with the rows."""


class Converter(Frozen):
    """A digital-to-analog or analog-to-digital converter."""

    energy: Annotated[Figure, LOGIC_ENERGY]
    """J per conversion."""
    time: Annotated[Figure, LOGIC_TIME]
    """s per conversion."""
    area: Annotated[Figure, LOGIC_AREA]
    """m^2 each."""


class Amplifier(Frozen):
    """What holds a column's voltage and turns its current into what the converter takes."""

    power: Annotated[Figure, ANALOG_POWER]
    """W, during the whole of a read."""
    area: Annotated[Figure, ANALOG_AREA]
    """m^2 each."""


class Link(Frozen):
    """From the host to the macro and back."""

    energy: Annotated[Figure, LOGIC_ENERGY]
    """J per bit."""
    rate: Annotated[Figure, LOGIC_RATE]
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
    """Columns that take turns at one amplifier and converter."""
    rows_per_dac: int
    """Rows that share one converter; they are set one after the other."""
    dac_bits: int
    adc_bits: int
    array: Array
    dac: Converter
    amplifier: Amplifier
    adc: Converter
    accumulate_energy: Annotated[Figure, LOGIC_ENERGY]
    """J per conversion: correction, shift and add of the code."""
    control_power: Annotated[Figure, LOGIC_POWER]
    """W while it works: clocks, references, controller."""
    other_area: Annotated[Figure, LOGIC_AREA]
    """m^2: drivers, references, controller."""
    pulse_energy: Figure
    """J per programming pulse, drivers included."""
    pulse_time: Figure
    """s per programming pulse, with what it takes to select the cell."""
    verify_voltage: Figure
    """V, at which a cell is read between pulses."""
    link: Link


class Machine(Frozen):
    """A digital machine that does multiply-accumulates."""

    name: str
    description: str
    node: Figure
    """m"""
    mac_energy: Annotated[Figure, LOGIC_ENERGY]
    """J per multiply-accumulate in a matrix product, memory traffic of the operands included."""
    special_energy: Annotated[Figure, LOGIC_ENERGY]
    """J per exponential, root, ..."""
    elementary_energy: Annotated[Figure, LOGIC_ENERGY]
    """J per sum, product or comparison by element."""
    mac_rate: Annotated[Figure, LOGIC_RATE]
    """Multiply-accumulates per second that matrix products of these sizes sustain."""
    element_rate: Annotated[Figure, LOGIC_RATE]
    """Elements per second of the other operations."""
    area: Annotated[Figure, LOGIC_AREA]
    """m^2 of the die."""


_Model = TypeVar("_Model", MacroHardware, Machine)
_KINDS: dict[type[Frozen], str] = {MacroHardware: "macro", Machine: "digital machine"}
_PRESETS = resources.files("rgnn_hal.cost").joinpath("presets")


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
    shipped = _PRESETS.joinpath(f"{name}.toml")
    if path.suffix == ".toml" and path.is_file():
        text = path.read_text(encoding="utf-8")
    elif "/" not in name and shipped.is_file():
        text = shipped.read_text(encoding="utf-8")
    else:
        raise ConfigurationError(f"no hardware {name!r}; {_offer(model)}")
    try:
        values = tomllib.loads(text)
        if ("array" in values) != (model is MacroHardware):
            raise ConfigurationError(f"hardware {name!r} is no {_KINDS[model]}; {_offer(model)}")
        found = model.model_validate(values)
        return at_node(found, found.node.value)
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


def _offer(model: type[Frozen]) -> str:
    """The presets of a kind; a macro is what has an array."""
    known = sorted(
        entry.name.removesuffix(".toml")
        for entry in _PRESETS.iterdir()
        if ("array" in tomllib.loads(entry.read_text("utf-8"))) == (model is MacroHardware)
    )
    return f"there are {', '.join(known)}, or give a TOML file's path"
