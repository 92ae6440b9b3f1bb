"""A trained forces model on disk."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rgnn_hal.macro import DataError
from rgnn_hal.readout import CompositionBaseline
from rgnn_hal.reservoir.leverage import Leverage
from rgnn_hal.reservoir.storage import describe_weights, restore_weights
from rgnn_hal.structures import AtomTypes
from rgnn_hal.tasks.artefact import Arrays, load_artefact, save_artefact
from rgnn_hal.tasks.forces.kept import KeptStatistics
from rgnn_hal.tasks.forces.model import ForcesModel
from rgnn_hal.tasks.forces.recipe import ForcesRecipe

_TASK = "forces"


def save_model(model: ForcesModel, folder: Path, statistics: KeptStatistics | None = None) -> None:
    """Write the artefact, and `statistics` with it if they are to be kept.

    Raises:
        ConfigurationError: something that is no artefact stands at `folder`.
        OSError: the disk is full or not writable; what stood there before is intact.
    """
    weights, arrays = describe_weights(model.weights)
    description = {
        "recipe": model.recipe.model_dump(mode="json"),
        "elements": list(model.elements),
        "atom_types": None if model.atom_types is None else asdict(model.atom_types),
        "macro_uri": model.macro_uri,
        "weights": weights,
        "record": dict(model.record),
    }
    arrays |= {
        "readout": model.readout,
        "baseline": model.baseline.energies,
        "centre": model.centre,
    }
    if model.leverage is not None:
        arrays |= {
            "leverage.factors": model.leverage.factors,
            "leverage.largest": model.leverage.largest,
        }
    kept = None if statistics is None else statistics.describe()
    save_artefact(folder, _TASK, description, arrays, kept)


def load_model(folder: Path) -> ForcesModel:
    """Read the artefact.

    Raises:
        DataError: missing, damaged, of another task or of another version.
    """
    description, arrays = load_artefact(folder, _TASK)
    try:
        return ForcesModel(
            recipe=ForcesRecipe.model_validate(description["recipe"]),
            elements=tuple(description["elements"]),
            baseline=CompositionBaseline(arrays["baseline"]),
            centre=arrays["centre"],
            weights=restore_weights(description["weights"], arrays),
            readout=arrays["readout"],
            macro_uri=description["macro_uri"],
            record=description["record"],
            leverage=_leverage(arrays),
            atom_types=_atom_types(description.get("atom_types")),
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise DataError(f"{folder} is damaged ({error!r}); train it again") from error


def _atom_types(stored: Mapping[str, Any] | None) -> AtomTypes | None:
    """Models from before there were types have none."""
    if stored is None:
        return None
    return AtomTypes(
        elements=tuple(stored["elements"]),
        element=tuple(stored["element"]),
        neighbours=tuple(map(tuple, stored["neighbours"])),
        counted=tuple(map(tuple, stored["counted"])),
    )


def _leverage(arrays: Arrays) -> Leverage | None:
    if "leverage.factors" not in arrays:
        return None
    return Leverage(arrays["leverage.factors"], arrays["leverage.largest"])
