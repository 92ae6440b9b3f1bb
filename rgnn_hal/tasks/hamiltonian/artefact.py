"""A trained Hamiltonian model on disk."""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from rgnn_hal.macro import DataError
from rgnn_hal.reservoir.storage import describe_weights, restore_weights
from rgnn_hal.tasks.artefact import Arrays, load_artefact, save_artefact
from rgnn_hal.tasks.hamiltonian.blocks import GroupKey, Kind
from rgnn_hal.tasks.hamiltonian.features import Design
from rgnn_hal.tasks.hamiltonian.filling import Filling
from rgnn_hal.tasks.hamiltonian.model import HamiltonianModel, Readouts
from rgnn_hal.tasks.hamiltonian.orbitals import Convention, OrbitalBasis
from rgnn_hal.tasks.hamiltonian.overlap import OverlapModel
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe

TASK = "hamiltonian"


def save_model(model: HamiltonianModel, folder: Path) -> None:
    """Write the artefact.

    Raises:
        ConfigurationError: something that is no artefact stands at `folder`.
        OSError: the disk is full or not writable; what stood there before is intact.
    """
    weights, arrays = describe_weights(model.weights)
    description = {
        "recipe": model.recipe.model_dump(mode="json"),
        "shells": {str(z): list(degrees) for z, degrees in model.basis.shells.items()},
        "convention": model.basis.convention.value,
        "periodic": model.periodic,
        "reach_angstrom": model.reach,
        "filling": None if model.filling is None else _describe(model.filling),
        "macro_uri": model.macro_uri,
        "weights": weights,
        "record": dict(model.record),
    }
    arrays["centre"] = model.centre
    for name, table in (("readout", model.readouts), ("overlap", model.overlap.coefficients)):
        arrays |= {_name(name, key, kind): values for (key, kind), values in table.items()}
    save_artefact(folder, TASK, description, arrays)


def load_model(folder: Path) -> HamiltonianModel:
    """Read the artefact.

    Raises:
        DataError: missing, damaged, of another task or of another version.
    """
    description, arrays = load_artefact(folder, TASK)
    try:
        model = HamiltonianModel(
            recipe=HamiltonianRecipe.model_validate(description["recipe"]),
            basis=OrbitalBasis(
                {int(z): tuple(degrees) for z, degrees in description["shells"].items()},
                Convention(description["convention"]),
            ),
            periodic=description["periodic"],
            reach=description["reach_angstrom"],
            centre=arrays["centre"],
            weights=restore_weights(description["weights"], arrays),
            readouts=_table("readout", arrays),
            overlap=OverlapModel(description["reach_angstrom"], _table("overlap", arrays)),
            filling=None if description["filling"] is None else _filling(description["filling"]),
            macro_uri=description["macro_uri"],
            record=description["record"],
        )
        _check(model)
    except (AttributeError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise DataError(f"{folder} is damaged ({error!r}); train it again") from error
    return model


def _check(model: HamiltonianModel) -> None:
    for (key, kind), readout in model.readouts.items():
        columns = len(Design.of(key, model.recipe).penalty(kind))
        if len(readout) != columns:
            raise ValueError(f"readout of {key} {kind} has {len(readout)} rows, not {columns}")


def _describe(filling: Filling) -> dict[str, Any]:
    return {
        "atoms": {str(z): count for z, count in filling.atoms.items()},
        "valence_electrons": filling.electrons,
        "fermi_level_hartree": filling.level,
    }


def _filling(described: dict[str, Any]) -> Filling:
    atoms = {int(z): int(count) for z, count in described["atoms"].items()}
    return Filling(atoms, int(described["valence_electrons"]), described["fermi_level_hartree"])


def _name(table: str, key: GroupKey, kind: Kind) -> str:
    place = "site" if key.on_site else "pair"
    return f"{table}.{key.first}.{key.second}.{place}.{kind[0]}.{kind[1]}"


def _table(table: str, arrays: Arrays) -> Readouts:
    found: dict[tuple[GroupKey, Kind], np.ndarray[Any, np.dtype[np.float64]]] = {}
    for name, values in arrays.items():
        head, *rest = name.split(".")
        if head == table:
            first, second, place, degree, parity = rest
            key = GroupKey(int(first), int(second), place == "site")
            found[key, (int(degree), int(parity))] = values
    return found
