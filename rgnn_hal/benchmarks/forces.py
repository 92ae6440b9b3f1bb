"""Forces: microseconds per atom beside trained networks, how they grow, and what training takes.

Energy and forces of amorphous Li3PO4, a bundled frame repeated, neighbours included: the default
recipe by its digital twin (`us_per_atom_N`), readout in single precision as the command line has
it, and, on the same structures with the same cutoff, in turn with it, SchNet and PaiNN of 64
features and 3 layers, and MACE where installed (`vs_*_512` is our time over theirs). Weights are
random: they do not change the time. All in CPU time of one thread. `chip_us_per_atom_64` is the
same through the emulated chip, noise and all. `scaling_exponent` is d ln(seconds) / d ln(atoms)
from 64 to 10,240 atoms, the largest of which also makes `peak_memory_mb`, that of the whole
process. For `training_*` see `force_training`.
"""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import ase
import numpy as np
import torch

from rgnn_hal.benchmarks.alone import Numbers
from rgnn_hal.benchmarks.force_training import against_back_propagation
from rgnn_hal.benchmarks.peer_mace import mace_predictor
from rgnn_hal.benchmarks.timing import best_times
from rgnn_hal.benchmarks.trained_networks import PaiNN, SchNet, energy_and_forces
from rgnn_hal.bundled import bundled
from rgnn_hal.macro import open_macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.readout import CompositionBaseline
from rgnn_hal.reservoir import DigitalMixing, Mixing, Reservoir
from rgnn_hal.reservoir.frozen import freeze
from rgnn_hal.structures import build_graph, read_structures
from rgnn_hal.tasks.forces import ForcesRecipe, Predictor

_MACRO = "emulator://?seed=7"
_REPEATS = {64: (2, 1, 1), 512: (4, 2, 2), 4096: (8, 4, 4), 10240: (8, 8, 5)}
"""Of a bundled frame of 32 atoms."""
_COMPARED = (64, 512)
_PATIENCE = 4.0
"""Times `seconds` that every trained network gets."""
_STEPS = len(_REPEATS) + 4
_LABEL = "bench forces"

Predict = Callable[[ase.Atoms], object]


def measure(seconds: float, progress: Progress = silent) -> Numbers:
    """All figures; every comparison takes about `seconds`."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, _STEPS, _LABEL)

    progress(0, _STEPS, _LABEL)
    _, cell = next(iter(read_structures(bundled("li3po4_test.extxyz"))))
    structures = {atoms: cell.repeat(repeats) for atoms, repeats in _REPEATS.items()}
    elements = tuple(sorted(set(cell.numbers.tolist())))
    figures = _speed(structures, elements, seconds, step)
    figures["peak_memory_mb"] = _peak_memory()
    figures["chip_us_per_atom_64"] = _through_the_chip(structures[64], elements)
    step()
    return figures | against_back_propagation(_PATIENCE * seconds, step)


def _speed(
    structures: dict[int, ase.Atoms],
    elements: tuple[int, ...],
    seconds: float,
    step: Callable[[], None],
) -> Numbers:
    recipe = ForcesRecipe()
    ours = _digital(elements, recipe).single()
    rivals = _rivals(elements, recipe.cutoff)
    doubled: dict[str, Predict] = {"ours_double": replace(ours, dtype=torch.float64).predict}
    figures: Numbers = {}
    times = {}
    for count, atoms in structures.items():
        candidates: dict[str, Predict] = {"ours": ours.predict}
        if count in _COMPARED:
            candidates |= doubled | rivals
        found = _times(candidates, atoms, seconds if count in _COMPARED else 0.0)
        times[count] = found.pop("ours")
        figures[f"us_per_atom_{count}"] = 1e6 * times[count] / count
        for name, theirs in found.items():
            figures[f"{name}_us_per_atom_{count}"] = 1e6 * theirs / count
            if name in rivals:
                figures[f"vs_{name}_{count}"] = times[count] / theirs
        step()
    slope = np.polyfit(np.log(list(times)), np.log(list(times.values())), 1)[0]
    neighbours = len(build_graph(structures[64], elements, recipe.cutoff).centre) / 64
    return figures | {
        "scaling_exponent": float(slope),
        "neighbours_per_atom": neighbours,
        "channels": float(ours.reservoir.channels),
    }


def _times(candidates: dict[str, Predict], atoms: ase.Atoms, seconds: float) -> dict[str, float]:
    calls = [lambda one=one: one(atoms) for one in candidates.values()]
    least = 3 if len(atoms) <= max(_COMPARED) else 1
    return dict(zip(candidates, best_times(calls, seconds=seconds, least=least), strict=True))


def _rivals(elements: tuple[int, ...], cutoff: float) -> dict[str, Predict]:
    rivals: dict[str, Predict] = {}
    for name, network in (
        ("schnet", SchNet(len(elements), cutoff)),
        ("painn", PaiNN(len(elements), cutoff)),
    ):
        network.requires_grad_(False)

        def predict(atoms: ase.Atoms, network: torch.nn.Module = network) -> object:
            return energy_and_forces(network, build_graph(atoms, elements, cutoff))

        rivals[name] = predict
    mace = mace_predictor(elements, cutoff)
    return rivals if mace is None else rivals | {"mace": mace}


def _digital(elements: tuple[int, ...], recipe: ForcesRecipe) -> Predictor:
    random = np.random.default_rng(0)
    mixings = [DigitalMixing(random.standard_normal(s)) for s in _shapes(elements, recipe)]
    return _predictor(elements, recipe, tuple(mixings))


def _shapes(elements: tuple[int, ...], recipe: ForcesRecipe) -> list[tuple[int, int]]:
    width = recipe.width(len(elements), (512, 512))  # the default chip
    return [(len(elements) * recipe.radial, width)] * (recipe.lmax + 1)


def _predictor(
    elements: tuple[int, ...], recipe: ForcesRecipe, mixings: tuple[Mixing, ...]
) -> Predictor:
    random = np.random.default_rng(1)
    radial = recipe.radial_basis
    centre = random.standard_normal((len(elements), len(elements) * radial.size))
    reservoir = Reservoir(elements, radial, mixings, centre)
    readout = torch.from_numpy(random.standard_normal(reservoir.columns))
    return Predictor(reservoir, CompositionBaseline(np.zeros(len(elements))), readout)


def _through_the_chip(atoms: ase.Atoms, elements: tuple[int, ...]) -> float:
    recipe = ForcesRecipe()
    with open_macro(_MACRO) as macro:
        weights = freeze(macro, _shapes(elements, recipe), fraction=recipe.fraction)
        predictor = _predictor(elements, recipe, weights.thaw(macro, reads=recipe.reads))
        predictor.predict(atoms)
        start = time.thread_time()
        predictor.predict(atoms)
        return 1e6 * (time.thread_time() - start) / len(atoms)


def _peak_memory() -> float:
    """Of this process so far, MB of 1e6 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
