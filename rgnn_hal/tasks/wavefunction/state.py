"""A solution under way: what a run holds, stores and takes up again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from rgnn_hal.macro import ConfigurationError, DataError
from rgnn_hal.reservoir.frozen import FrozenWeights
from rgnn_hal.reservoir.storage import describe_weights, restore_weights
from rgnn_hal.tasks.artefact import load_artefact, save_artefact
from rgnn_hal.tasks.wavefunction.ansatz import Parameters
from rgnn_hal.tasks.wavefunction.energy import Measurement
from rgnn_hal.tasks.wavefunction.features import Standard
from rgnn_hal.tasks.wavefunction.molecule import Molecule
from rgnn_hal.tasks.wavefunction.optimiser import Champion
from rgnn_hal.tasks.wavefunction.recipe import WavefunctionRecipe
from rgnn_hal.tasks.wavefunction.sampler import Walkers

_TASK = "wavefunction"
_PARAMETERS = ("coefficients", "orbitals", "head")


@dataclass
class Totals:
    """Counters over all sessions of a run."""

    seconds: float = 0.0
    macro_macs: int = 0
    host_macs: int = 0
    products: int = 0
    conversions: int = 0
    pulses: int = 0
    """That formed the network, per cell."""
    cell_reads: int = 0
    """That verified them."""
    clipped: float = 0.0
    """Largest fraction of walkers that a step of the optimisation left out as outliers."""


@dataclass
class State:
    """Everything that a run needs to go on."""

    molecule: Molecule
    recipe: WavefunctionRecipe
    macro: str
    """Address."""
    parameters: Parameters
    walkers: Walkers
    champion: Champion | None = None
    """The best parameters of the optimisation so far, while it lasts."""
    iteration: int = 0
    """Samples that the optimisation has used up, those without features included."""
    weights: FrozenWeights | None = None
    standards: tuple[Standard, ...] = ()
    measurement: Measurement | None = None
    totals: Totals = field(default_factory=Totals)
    history: list[dict[str, Any]] = field(default_factory=list)
    """One row per contest and step of the optimisation."""


def save_state(state: State, folder: Path, summary: Mapping[str, Any]) -> None:
    """Write the run as an artefact; `summary` is for people."""
    arrays: dict[str, NDArray[Any]] = {
        **_described("parameters", state.parameters),
        "walkers.positions": state.walkers.positions.numpy(),
        "walkers.generator": state.walkers.generator.get_state().numpy(),
    }
    description: dict[str, Any] = {
        "result": dict(summary),
        "molecule": asdict(state.molecule),
        "recipe": state.recipe.model_dump(mode="json"),
        "macro": state.macro,
        "iteration": state.iteration,
        "step": state.walkers.step,
        "accepted": state.walkers.accepted,
        "proposed": state.walkers.proposed,
        "totals": asdict(state.totals),
        "history": state.history,
    }
    if state.weights is not None:
        description["weights"], described = describe_weights(state.weights)
        arrays |= described
        for number, standard in enumerate(state.standards):
            for name, tensor in asdict(standard).items():
                arrays[f"standard.{number}.{name}"] = tensor.numpy()
    if state.champion is not None:
        arrays |= _described("champion", state.champion.parameters)
        description["champion"] = [state.champion.score, state.champion.defended]
    if state.measurement is not None and state.measurement.steps:
        description["reference"] = state.measurement.reference
        description["check_every"] = state.measurement.check_every
        arrays["measurement.rows"] = np.stack(state.measurement.rows)
        arrays["measurement.checks"] = state.measurement.checks
    save_artefact(folder, _TASK, description, arrays)


def load_state(folder: Path) -> State:
    """Read a run back.

    Raises:
        DataError: missing, damaged or not of a wavefunction.
    """
    stored, arrays = load_artefact(folder, _TASK)
    try:
        return _restore(stored, arrays)
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise DataError(f"{folder} is damaged ({error}); remove it and solve again") from error


def load_matching(
    folder: Path, molecule: Molecule, recipe: WavefunctionRecipe, macro: str
) -> State | None:
    """The run in `folder` if it is the same one, so that it can go on; None if nothing is there.

    Raises:
        ConfigurationError: a run of something else stands there.
        DataError: what stands there cannot be read.
    """
    if not folder.exists():
        return None
    state = load_state(folder)
    for name, mine, theirs in (
        ("molecule", molecule, state.molecule),
        ("recipe", recipe, state.recipe),
        ("macro", macro, state.macro),
    ):
        if mine != theirs:
            raise ConfigurationError(
                f"{folder} holds a run with another {name} ({theirs}, not {mine}); "
                "choose another --out, or remove it"
            )
    return state


def _described(prefix: str, parameters: Parameters) -> dict[str, NDArray[Any]]:
    return {f"{prefix}.{name}": getattr(parameters, name).numpy() for name in _PARAMETERS}


def _restore(stored: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> State:
    def tensor(name: str) -> Tensor:
        return torch.from_numpy(arrays[name])

    def parameters(prefix: str) -> Parameters:
        return Parameters(*(tensor(f"{prefix}.{name}") for name in _PARAMETERS))

    molecule = stored["molecule"]
    generator = torch.Generator()
    generator.set_state(tensor("walkers.generator"))
    state = State(
        molecule=Molecule(
            tuple(molecule["symbols"]),
            tuple((x, y, z) for x, y, z in molecule["positions"]),
            molecule["up"],
            molecule["down"],
        ),
        recipe=WavefunctionRecipe.model_validate(stored["recipe"]),
        macro=stored["macro"],
        parameters=parameters("parameters"),
        walkers=Walkers(
            tensor("walkers.positions"),
            generator,
            stored["step"],
            stored["accepted"],
            stored["proposed"],
        ),
        iteration=stored["iteration"],
        totals=Totals(**stored["totals"]),
        history=stored["history"],
    )
    if "champion" in stored:
        state.champion = Champion(parameters("champion"), *stored["champion"])
    if "weights" in stored:
        state.weights = restore_weights(stored["weights"], arrays)
        state.standards = tuple(
            Standard(*(tensor(f"standard.{number}.{name}") for name in ("mean", "scale", "bias")))
            for number in range(len(state.weights.twins))
        )
    if "reference" in stored:
        state.measurement = Measurement(
            stored["reference"],
            stored["check_every"],
            list(arrays["measurement.rows"]),
            arrays["measurement.checks"],
        )
    return state
