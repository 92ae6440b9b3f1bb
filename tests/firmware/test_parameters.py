import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from rgnn_hal_firmware import Chip, Preset, PresetError, load_preset, preset_names


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(load_preset("chip40nm").document)
    return loaded


@pytest.mark.parametrize("name", preset_names())
def test_every_parameter_of_every_preset_states_its_source(name: str) -> None:
    for parameter, quantity in load_preset(name).provenance.items():
        assert len(quantity.source) > 10, parameter


def test_guesses_are_labelled() -> None:
    provenance = load_preset("chip40nm").provenance
    assert provenance["periphery.read_voltage"].guess
    assert not provenance["forming.breakdown_voltage_mean"].guess
    assert provenance["forming.breakdown_voltage_mean"].unit == "V"


def test_parameters_are_frozen() -> None:
    parameters = load_preset("chip40nm").parameters
    with pytest.raises(ValidationError):
        parameters.forming.conductance_cv = 0.2  # type: ignore[misc]


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PresetError, match=r"no preset 'nosuch'; there are: .*chip40nm"):
        load_preset("nosuch")


def _wrong_unit(tables: dict[str, Any]) -> None:
    tables["read_noise"]["white"]["unit"] = "uS"


def _missing(tables: dict[str, Any]) -> None:
    del tables["read_noise"]["white"]


def _unknown(tables: dict[str, Any]) -> None:
    tables["read_noise"]["pink"] = tables["read_noise"]["white"]


def _no_source(tables: dict[str, Any]) -> None:
    tables["read_noise"]["white"]["source"] = ""


def _negative(tables: dict[str, Any]) -> None:
    tables["defects"]["open_density"]["value"] = -0.1


def _empty_range(tables: dict[str, Any]) -> None:
    tables["limits"]["set"]["voltage"]["value"] = [2.0, 1.0]


def _odd_read_range(tables: dict[str, Any]) -> None:
    tables["periphery"]["read_voltage"]["value"] = [-0.1, 0.2]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_wrong_unit, "read_noise.white: .*'S', not 'uS'"),
        (_missing, "read_noise.white: Field required"),
        (_unknown, "read_noise.pink: Extra inputs"),
        (_no_source, "read_noise.white.*source"),
        (_negative, "defects.open_density: .*greater than or equal to 0"),
        (_empty_range, "limits.set.voltage: .*empty"),
        (_odd_read_range, "periphery: .*read_voltage must be"),
    ],
)
def test_a_preset_that_does_not_fit_is_refused_by_parameter(
    spoil: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    tables = document()
    spoil(tables)
    with pytest.raises(PresetError, match=complaint):
        Preset.from_document(tables)


def test_a_chip_of_any_size_follows_from_its_preset(make_preset: Callable[..., Preset]) -> None:
    chip = Chip(make_preset(7, 130), 1)
    assert chip.read_conductance(chip.whole).shape == (7, 130)
