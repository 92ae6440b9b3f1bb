"""Frozen weights as JSON and arrays, so that every task stores them alike."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from rgnn_hal.analog import DigitalTwin
from rgnn_hal.macro import Region
from rgnn_hal.mapping import SCHEMES, Placement, Tile
from rgnn_hal.reservoir.frozen import FrozenWeights


def describe_weights(weights: FrozenWeights) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What JSON can hold, and the arrays `weights.N` and `uncertainty.N` of every matrix."""
    arrays: dict[str, NDArray[Any]] = {}
    for number, twin in enumerate(weights.twins):
        arrays[f"weights.{number}"] = twin.weights
        arrays[f"uncertainty.{number}"] = twin.uncertainty
    description = {
        "chip": weights.chip,
        "region": str(weights.region),
        "fraction": weights.fraction,
        "seed": weights.seed,
        "matrices": [
            {"unit_s": unit, **_describe_placement(placement)}
            for unit, placement in zip(weights.units, weights.placements, strict=True)
        ],
    }
    return description, arrays


def restore_weights(
    description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> FrozenWeights:
    """The inverse of `describe_weights`.

    Raises:
        KeyError, TypeError, ValueError: a field is missing or makes no sense.
    """
    matrices = description["matrices"]
    return FrozenWeights(
        chip=description["chip"],
        region=Region.parse(description["region"]),
        fraction=description["fraction"],
        seed=description["seed"],
        placements=tuple(_restore_placement(matrix) for matrix in matrices),
        units=tuple(matrix["unit_s"] for matrix in matrices),
        twins=tuple(
            DigitalTwin(arrays[f"weights.{number}"], arrays[f"uncertainty.{number}"])
            for number in range(len(matrices))
        ),
    )


def _describe_placement(placement: Placement) -> dict[str, Any]:
    tiles = [
        {
            "macro": tile.macro,
            "region": str(tile.region),
            "input_start": tile.input_start,
            "output_start": tile.output_start,
            "outputs": tile.outputs,
        }
        for tile in placement.tiles
    ]
    return {"shape": list(placement.shape), "scheme": placement.scheme.name, "tiles": tiles}


def _restore_placement(stored: Mapping[str, Any]) -> Placement:
    tiles = tuple(
        Tile(**{**tile, "region": Region.parse(tile["region"])}) for tile in stored["tiles"]
    )
    inputs, outputs = stored["shape"]
    return Placement((inputs, outputs), SCHEMES[stored["scheme"]], tiles)
